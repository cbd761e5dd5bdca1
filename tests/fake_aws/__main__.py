"""A fake CloudWatch Logs with a seeded audit trail, as a process.

    python -m tests.fake_aws --events 20000 --days 7 --ahead-days 1 --speed 600 --faults all

Prints its URL and serves until it is killed. `tests.fake_aws.control.Control(URL)` controls it.
"""

from __future__ import annotations

import argparse
import signal
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def arguments(argv: list[str] | None = None) -> argparse.Namespace:
    """What to serve."""
    parser = argparse.ArgumentParser(prog="python -m tests.fake_aws", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--events", type=int, default=20_000, help="over the whole length")
    parser.add_argument("--days", type=float, default=7.0, help="of history")
    parser.add_argument("--ahead-days", type=float, default=0.0, help="that arrive as time passes")
    parser.add_argument("--hsms", type=int, default=4)
    parser.add_argument("--lost-share", type=float, default=0.0, help="never delivered: gaps")
    parser.add_argument("--reboots", type=int, default=0)
    parser.add_argument("--certificates", type=int, default=0)
    parser.add_argument("--retention-days", type=int)
    parser.add_argument("--faults", default="none", help="names with commas between, or all")
    parser.add_argument(
        "--now-ms", type=int, help="AWS's time at the start; this host's by default"
    )
    parser.add_argument(
        "--speed",
        type=float,
        default=1.0,
        help="virtual seconds for each real one; 0: time moves only through the control",
    )
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    return parser.parse_args(argv)


def main() -> int:
    """Serve until killed; returns 2 for arguments that do not fit."""
    sys.path.insert(0, str(ROOT / "bin"))  # trails write records as the collector's tests do
    from tests.fake_aws import trails
    from tests.fake_aws.faults import DAY_MS, named
    from tests.fake_aws.server import FakeAws
    from tests.fake_aws.service import Service

    options = arguments()
    now_ms = time.time_ns() // 1_000_000 if options.now_ms is None else options.now_ms
    try:
        service = Service(options.seed, now_ms, named(options.faults, options.seed))
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    service.add_group(trails.GROUP, options.retention_days)
    trail = trails.audit_trail(
        options.seed,
        options.events,
        now_ms - int(options.days * DAY_MS),
        now_ms + int(options.ahead_days * DAY_MS),
        hsms=options.hsms,
        lost_share=options.lost_share,
        reboots=options.reboots,
        certificates=options.certificates,
    )
    service.put_all(trail.arrivals)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    server = FakeAws(service, options.speed, options.port)
    print(server.url, flush=True)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        return 0
    return 0


if __name__ == "__main__":
    sys.exit(main())

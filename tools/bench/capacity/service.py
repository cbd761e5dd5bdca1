"""A fake CloudWatch Logs with a Region's quota, as a process: prints its URL and serves.

    python -m tools.bench.capacity.service REGION CALLS_PER_SECOND LATENCY_MS

Its time runs as fast as the real one, from now on. Every operation has the quota to itself, as in
AWS; calls beyond it are refused with ThrottlingException.
"""

from __future__ import annotations

import signal
import sys
import time

from tests.fake_aws.faults import Faults
from tests.fake_aws.server import FakeAws
from tests.fake_aws.service import Service


def main(arguments: list[str]) -> int:
    """Serve until killed."""
    region, calls_per_second, latency_ms = arguments
    faults = Faults(
        calls_per_second=float(calls_per_second),
        quota_in_real_time=True,
        latency_s=float(latency_ms) / 1000,
    )
    service = Service(1, time.time_ns() // 1_000_000, faults, region=region)
    server = FakeAws(service, speed=1.0)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    print(server.url, flush=True)
    server.serve_forever()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

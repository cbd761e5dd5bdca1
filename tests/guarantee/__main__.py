"""Run the fixed trail of `tests.guarantee.fault_table` under faults.

    python -m tests.guarantee --events 20000 [NAME ...]

Prints a JSON object per fault; exits with 1 if one of them shows a loss, a repeat or a gap without
a verdict.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def main() -> int:
    """Returns the exit status."""
    sys.path.insert(0, str(ROOT / "bin"))
    import tests.bin.conftest  # noqa: F401  (the vendored libraries)
    from tests.guarantee.fault_table import FAULTS, under

    parser = argparse.ArgumentParser(prog="python -m tests.guarantee", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(FAULTS)}")
    parser.add_argument("--events", type=int, default=20_000)
    asked = parser.parse_args()
    is_broken = False
    for name in asked.names or FAULTS:
        with tempfile.TemporaryDirectory() as folder:
            row = under(name, Path(folder), asked.events)
        print(json.dumps(row._asdict()), flush=True)
        is_broken |= bool(row.complaints)
    return int(is_broken)


if __name__ == "__main__":
    sys.exit(main())

"""Writes what follows from `mappings/`, `detections/`, `dashboards/`; `--check` only compares."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from samples.command_parser import CommandParser
from tools.content import generated

ROOT = Path(__file__).resolve().parent.parent


def main(arguments: Sequence[str] | None = None) -> int:
    """Returns the exit status: 0 done or equal, 1 the files differ, 2 a mapping is wrong."""
    parser = CommandParser(prog="python -m tools.generate", description=__doc__)
    parser.add_argument(
        "--check", action="store_true", help="write nothing, exit 1 if a file differs"
    )
    parser.add_argument("--root", type=Path, default=ROOT, help="the add-on's source folder")
    options = parser.parse_args(arguments)
    return generated.run(options.root, check=options.check)


if __name__ == "__main__":
    sys.exit(main())

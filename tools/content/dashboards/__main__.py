"""`python -m tools.content.dashboards`: writes the views and the navigation; reports faults."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from samples.command_parser import CommandParser
from tools.content.dashboards.pages import pages
from tools.content.strict_yaml import MappingError

ROOT = Path(__file__).resolve().parents[3]


def main(arguments: Sequence[str] | None = None) -> int:
    """0 if all is written; 1, and a line for each fault with file and line, if not."""
    parser = CommandParser(prog="python -m tools.content.dashboards", description=__doc__)
    parser.add_argument("names", nargs="*", help="only these views, such as access (all)")
    parser.add_argument("--root", type=Path, default=ROOT, help="the add-on's source folder")
    options = parser.parse_args(arguments)
    try:
        files = pages(options.root, options.names)
    except (MappingError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    for name, text in files.items():
        path = options.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        print(f"wrote {name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

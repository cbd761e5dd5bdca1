"""Writes the table of docs/troubleshooting.md; `--check` only compares.

Each row is what the add-on reports of one of the failures in tests/bin/failure_cases.py, which are
caused here, as in their test. That takes a few seconds.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from samples.command_parser import CommandParser
from tools.content import markdown
from tools.content.conf_blocks import BlockProblem
from tools.content.page_blocks import filled
from tools.content.written_files import settled

ROOT = Path(__file__).resolve().parent.parent
PAGE = "docs/troubleshooting.md"
COMMAND = "python -m tools.troubleshooting"


def main(arguments: Sequence[str] | None = None) -> int:
    """Returns 0; 1 where the page differs or lacks its block."""
    parser = CommandParser(prog=COMMAND, description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing")
    parser.add_argument("--root", type=Path, default=ROOT, help="the source folder")
    options = parser.parse_args(arguments)
    path: Path = options.root / PAGE
    try:
        wanted = filled(path.read_text("utf-8"), str(path), COMMAND, {"failures": table()})
    except BlockProblem as error:
        print(error, file=sys.stderr)
        return 1
    return settled(options.root, {PAGE: wanted}, COMMAND, check=options.check)


def table() -> Iterator[str]:
    """The lines of the table."""
    import tests.bin.conftest  # noqa: F401  (finds the vendored libraries)
    from tests.bin.failure_cases import CASES, reported

    rows = []
    for case in CASES:
        report = reported(case)
        what = f"`{report.what.replace('`', chr(39))}`"
        rows.append((case.provider, case.failure, what, report.next_step))
    return markdown.table(("where", "what is broken", "what is reported", "what to do"), rows)


if __name__ == "__main__":
    sys.exit(main())

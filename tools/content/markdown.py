"""Tables of Markdown. A bar would end a cell, also inside code, and so would a line end."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence


def table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """The lines of a table."""
    for line in (columns, ["---"] * len(columns), *rows):
        cells = (cell.replace("|", r"\|").replace("\n", " ") for cell in line)
        yield f"| {' | '.join(cells)} |"


def table_text(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """The table as one text, without a line end after it."""
    return "\n".join(table(columns, rows))

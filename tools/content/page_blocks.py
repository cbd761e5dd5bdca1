"""Blocks of a page that a command writes, between markers; the rest is written by hand."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from tools.content.conf_blocks import BlockProblem


def replaced(text: str, name: str, command: str, lines: Sequence[str]) -> str:
    """The page with these lines in the block `name`, which `command` writes.

    Raises BlockProblem with the lines that are missing.
    """
    begin, end = f"<!-- {name}: written by `{command}` -->\n", f"<!-- end of {name} -->\n"
    before, marker, rest = text.partition(begin)
    _, closed, after = rest.partition(end)
    if not marker or not closed:
        raise BlockProblem(f"needs the lines {begin.strip()} and {end.strip()}")
    return "".join([before, begin, "\n", *(f"{line}\n" for line in lines), "\n", end, after])


def filled(text: str, page: str, command: str, blocks: Mapping[str, Iterable[str]]) -> str:
    """The page with the lines of all these blocks. Raises BlockProblem with the page's name."""
    for name, lines in blocks.items():
        try:
            text = replaced(text, name, command, [*lines])
        except BlockProblem as error:
            raise BlockProblem(f"{page}: {error}") from error
    return text

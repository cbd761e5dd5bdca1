"""Blocks of a page that a command writes, between markers; the rest is written by hand."""

from __future__ import annotations

from collections.abc import Sequence


class BlockMissing(Exception):
    """A page lacks the markers of a block; the message has them."""


def replaced(text: str, name: str, command: str, lines: Sequence[str]) -> str:
    """The page with these lines in the block `name`, which `command` writes.

    Raises BlockMissing.
    """
    begin, end = f"<!-- {name}: written by `{command}` -->\n", f"<!-- end of {name} -->\n"
    before, marker, rest = text.partition(begin)
    _, closed, after = rest.partition(end)
    if not marker or not closed:
        raise BlockMissing(f"needs the lines {begin.strip()} and {end.strip()}")
    return "".join([before, begin, "\n", *(f"{line}\n" for line in lines), "\n", end, after])

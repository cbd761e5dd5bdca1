"""What the mappings into OCSF and ECS have in common: every opcode once, in the table's order."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from tools.content.mappings import Fault, Row
from tools.content.strict_yaml import line_in

OUTCOMES = ("success", "failure", "unknown")


def order_faults(path: Path, mapped: Sequence[str], opcodes: Iterable[Row]) -> Iterator[Fault]:
    """The first operation that is not the one which opcodes.yaml has in that place."""
    wanted = [row.text("name") for row in opcodes]
    for number in range(max(len(wanted), len(mapped))):
        have, want = mapped[number : number + 1], wanted[number : number + 1]
        if have != want:
            line = line_in(path, "operations", min(number, max(len(mapped) - 1, 0)))
            told = f"must be {want[0]}" if want else "is one too many"
            yield Fault(path, line, f"operation {number + 1} {told}, in the order of opcodes.yaml")
            return


def table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """The lines of a Markdown table."""
    yield f"| {' | '.join(columns)} |"
    yield f"| {' | '.join('---' for _ in columns)} |"
    for row in rows:
        yield f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |"

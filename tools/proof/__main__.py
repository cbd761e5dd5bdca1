"""Attack the guarantee of docs/guarantee.md in every way we know; fails where anything gives.

    python -m tools.proof [mutants] [stories] [faults] [soak] [--write]

mutants: versions of the collector with a fault, each of which a test must notice.
stories: the random ones of tests/guarantee, many more than in `make test`.
faults:  figures of a fixed trail under every fault of CloudWatch Logs.
soak:    the built package, killed again and again.

--write updates the tables in docs/guarantee.md, where everything passed.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

from samples.command_parser import CommandParser
from tools.content import markdown
from tools.content.page_blocks import filled
from tools.processes import finished, stoppable
from tools.proof.mutant_report import ROOT, Kill, NoProof, kill_all, kill_table
from tools.proof.mutants import MUTANTS, AnchorMissing

GUARANTEE = ROOT / "docs" / "guarantee.md"
COMMAND = "python -m tools.proof --write"
_MANY = {"GUARANTEE_EXAMPLES": "600"}
_AT_ONCE = 3
# One process more than processors, as faults and soak, at the same time, often wait.
_STORIES = ("pytest", "tests/guarantee", "-q", "-n", "3", "--dist", "worksteal")
_KILLS = "40"
_EVENTS = "20000"
_FAULT_HEADER = ("fault", "records", "delivered", "surplus copies", "lost numbers", "judged")
_FAULT_FIGURES = ("fault", "of", "delivered", "surplus", "gaps", "judged")

Part = Callable[[], "list[str] | None"]


class Broken(Exception):
    """Something failed; the message states what."""


def mutants() -> list[str]:
    """The kill table; raises Broken where a mutant survives."""
    kills = [*_logged(kill_all(MUTANTS))]
    survivors = [mutant.name for mutant, killer in kills if killer is None]
    if survivors:
        raise Broken(f"no test notices {', '.join(survivors)}")
    return kill_table(kills)


def _logged(kills: Iterator[Kill]) -> Iterator[Kill]:
    for kill in kills:
        print(f"{kill.mutant.name} ({kill.mutant.number}): {kill.killer or 'SURVIVES'}", flush=True)
        yield kill


def stories() -> None:
    """Raises Broken where a random story breaks the guarantee."""
    _call([*_STORIES, "-p", "no:cacheprovider"], _MANY)


def faults() -> list[str]:
    """The fault table; raises Broken where a record is missing or too much, or a verdict is."""
    command = [sys.executable, "-m", "tests.guarantee", "--events", _EVENTS]
    rows = []
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        for line in process.stdout or ():
            rows.append(json.loads(line))
            print(line, end="", flush=True)
    if process.returncode:
        raise Broken("the guarantee fails under one of these faults")
    figures = ([str(row[name]) for name in _FAULT_FIGURES] for row in rows)
    return [*markdown.table(_FAULT_HEADER, figures)]


def soak() -> None:
    """Raises Broken where a killed process lost a record."""
    _call(["tools.proof.kill_loop", "--kills", _KILLS], {})


def _call(arguments: Sequence[str], variables: Mapping[str, str]) -> None:
    """What the program prints comes in one piece, since parts run at the same time."""
    done = finished([sys.executable, "-m", *arguments], ROOT, {**os.environ, **variables})
    print(done.stdout, end="", flush=True)
    if done.returncode:
        raise Broken(f"{' '.join(arguments)} failed")


PARTS: Mapping[str, Part] = {
    "mutants": mutants,
    "stories": stories,
    "faults": faults,
    "soak": soak,
}
# The parts with a table, and how its place in the document is marked.
_TABLES = {"mutants": "kill table", "faults": "fault table"}


def _run(names: Iterable[str]) -> Iterator[tuple[str, list[str] | Exception | None]]:
    """The parts and what became of them: a table, nothing, or how they failed.

    Mutants use both processors. The others run at the same time: the stories use both as well,
    since they take the longest, and faults and soak wait for much of theirs.
    """
    listed = list(names)
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        alone = [name for name in listed if name == "mutants"]
        yield from map(_outcome, alone)
        yield from pool.map(_outcome, [name for name in listed if name not in alone])


def _outcome(name: str) -> tuple[str, list[str] | Exception | None]:
    try:
        table = PARTS[name]()
    except (Broken, NoProof, AnchorMissing) as problem:
        print(f"{name}: {problem}", file=sys.stderr, flush=True)
        return name, problem
    print(f"{name}: holds", flush=True)
    return name, table


def main(arguments: Sequence[str] | None = None) -> int:
    """Returns 1 if anything failed."""
    parser = CommandParser(prog="python -m tools.proof", description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"of {', '.join(PARTS)}")
    parser.add_argument("--write", action="store_true", help="update docs/guarantee.md")
    options = parser.parse_args(arguments)
    unknown = [name for name in options.parts if name not in PARTS]
    if unknown:
        parser.error(f"no part is called {unknown[0]!r}; there are {', '.join(PARTS)}")
    with stoppable():
        results = [*_run(options.parts or PARTS)]
    tables = {_TABLES[name]: table for name, table in results if isinstance(table, list)}
    if options.write:
        document = GUARANTEE.read_text(encoding="utf-8")
        document = filled(document, str(GUARANTEE), COMMAND, tables)
        GUARANTEE.write_text(document, encoding="utf-8")
    return 1 if any(isinstance(result, Exception) for _name, result in results) else 0


if __name__ == "__main__":
    sys.exit(main())

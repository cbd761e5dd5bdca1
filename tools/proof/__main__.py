"""Attack the guarantee of docs/guarantee.md in every way we know; fails where anything gives.

    python -m tools.proof [mutants] [stories] [faults] [soak] [--write]

mutants: versions of the collector with a fault, each of which a test must notice.
stories: the random ones of tests/guarantee, many more than `make test` tells.
faults:  figures of a fixed trail under every fault of CloudWatch Logs.
soak:    the built package, killed again and again.

--write updates the tables in docs/guarantee.md, where everything held.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence

from tools.proof.kill_table import ROOT, Kill, NoProof, kill_all, kill_table, markdown, replaced
from tools.proof.mutants import MUTANTS, AnchorMissing

GUARANTEE = ROOT / "docs" / "guarantee.md"
_STORIES = "600"
_KILLS = "40"
_EVENTS = "20000"
_FAULT_HEADER = ("fault", "records", "delivered", "surplus copies", "lost numbers", "judged")
_FAULT_FIGURES = ("fault", "of", "delivered", "surplus", "gaps", "judged")

Part = Callable[[], "str | None"]


class Broken(Exception):
    """Something did not hold; the message says what."""


def mutants() -> str:
    """The kill table; raises Broken where a mutant survives."""
    kills = [*_told(kill_all(MUTANTS))]
    survivors = [mutant.name for mutant, killer in kills if killer is None]
    if survivors:
        raise Broken(f"no test notices {', '.join(survivors)}")
    return kill_table(kills)


def _told(kills: Iterator[Kill]) -> Iterator[Kill]:
    for kill in kills:
        print(f"{kill.mutant.name} ({kill.mutant.number}): {kill.killer or 'SURVIVES'}", flush=True)
        yield kill


def stories() -> None:
    """Raises Broken where a random story breaks the guarantee."""
    _call(["pytest", "tests/guarantee", "-q"], {"GUARANTEE_EXAMPLES": _STORIES})


def faults() -> str:
    """The fault table; raises Broken where a record is missing or too much, or a verdict is."""
    command = [sys.executable, "-m", "tests.guarantee", "--events", _EVENTS]
    rows = []
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        for line in process.stdout or ():
            rows.append(json.loads(line))
            print(line, end="", flush=True)
    if process.returncode:
        raise Broken("the guarantee does not hold under one of these faults")
    return markdown(_FAULT_HEADER, ([row[name] for name in _FAULT_FIGURES] for row in rows))


def soak() -> None:
    """Raises Broken where a killed process lost a record."""
    _call(["tools.proof.soak", "--kills", _KILLS], {})


def _call(arguments: Sequence[str], variables: Mapping[str, str]) -> None:
    command = [sys.executable, "-m", *arguments]
    if subprocess.run(command, cwd=ROOT, env={**os.environ, **variables}, check=False).returncode:
        raise Broken(f"{' '.join(arguments)} failed")


PARTS: Mapping[str, Part] = {
    "mutants": mutants,
    "stories": stories,
    "faults": faults,
    "soak": soak,
}
# The parts with a table, and how its place in the document is marked.
_TABLES = {"mutants": "kill table", "faults": "fault table"}


def main(arguments: Sequence[str] | None = None) -> int:
    """Returns 1 if anything did not hold."""
    parser = argparse.ArgumentParser(prog="python -m tools.proof", description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"of {', '.join(PARTS)}")
    parser.add_argument("--write", action="store_true", help="update docs/guarantee.md")
    asked = parser.parse_args(arguments)
    unknown = [name for name in asked.parts if name not in PARTS]
    if unknown:
        parser.error(f"no part is called {unknown[0]!r}; there are {', '.join(PARTS)}")
    tables: dict[str, str] = {}
    broken = 0
    for name in asked.parts or PARTS:
        try:
            table = PARTS[name]()
        except (Broken, NoProof, AnchorMissing) as problem:
            broken += 1
            print(f"{name}: {problem}", file=sys.stderr, flush=True)
        else:
            print(f"{name}: holds", flush=True)
            if table is not None:
                tables[_TABLES[name]] = table
    if asked.write:
        document = GUARANTEE.read_text(encoding="utf-8")
        for name, table in tables.items():
            document = replaced(document, name, table)
        GUARANTEE.write_text(document, encoding="utf-8")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())

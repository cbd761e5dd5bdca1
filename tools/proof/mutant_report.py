"""Which test kills which mutant.

Each mutant is a copy of the tree with one change. Its tests run there, from the copy's own `bin/`,
until one fails. Only a failed test kills: an import that breaks, or tests that do not end, would
prove nothing.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from tools.content import markdown
from tools.proof.mutants import Mutant

ROOT = Path(__file__).resolve().parents[2]
# What mutants change or tests run from; all the rest is reached by links.
_COPIED = ("bin", "samples", "tests", "tools", "pyproject.toml")
_HEADER = ("mutant", "fault", "what it does", "killed by")
_FAILED = re.compile(r"^FAILED (\S+?)(?:\[| - |$)", re.MULTILINE)
_TESTS_FAILED = 1  # pytest's exit code
_PATIENCE_S = 300
_AT_ONCE = 3


class NoProof(Exception):
    """The tests prove nothing about mutants; the message states why."""


class Kill(NamedTuple):
    """What became of a mutant; killer: the test that failed, as pytest names it, or None."""

    mutant: Mutant
    killer: str | None


def kill_all(mutants: Sequence[Mutant]) -> Iterator[Kill]:
    """Mutants and their killers, in order; raises NoProof where tests fail without any mutant.

    Some at a time, all from the tree as it is when this begins.
    """
    with tempfile.TemporaryDirectory() as folder:
        snapshot = Path(folder, "tree")
        _copy(ROOT, snapshot)
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            tests = sorted({test.split("::")[0] for mutant in mutants for test in mutant.tests})
            for test, killer in zip(tests, pool.map(lambda name: _run(snapshot, [name]), tests)):
                if killer is not None:
                    raise NoProof(f"{killer} of {test} fails without any mutant: fix that first")
            yield from pool.map(_attack(snapshot), mutants)


def _attack(snapshot: Path) -> Callable[[Mutant], Kill]:
    def kill(mutant: Mutant) -> Kill:
        with _mutated(snapshot, mutant) as tree:
            return Kill(mutant, _run(tree, mutant.tests))

    return kill


@contextmanager
def _mutated(snapshot: Path, mutant: Mutant) -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder, "tree")
        _copy(snapshot, tree)
        mutant.apply(tree)
        yield tree


def _copy(source: Path, target: Path) -> None:
    target.mkdir()
    for path in source.iterdir():
        if path.name not in _COPIED:
            (target / path.name).symlink_to(path)
        elif path.is_dir():
            shutil.copytree(path, target / path.name, ignore=shutil.ignore_patterns("*.pyc"))
        else:
            shutil.copy2(path, target / path.name)


def _run(tree: Path, tests: Sequence[str]) -> str | None:
    """The first test that fails, or None; raises NoProof where none could run."""
    command = [sys.executable, "-m", "pytest", "-x", "-q", "--tb=no", "-p", "no:cacheprovider"]
    command += ["-p", "tools.proof.unshrunk", *tests]
    try:
        done = subprocess.run(
            command, cwd=tree, capture_output=True, text=True, check=False, timeout=_PATIENCE_S
        )
    except subprocess.TimeoutExpired as error:
        raise NoProof(f"{' '.join(tests)} took longer than {_PATIENCE_S} s") from error
    failed = _FAILED.search(done.stdout)
    if done.returncode == _TESTS_FAILED and failed:
        return failed[1]
    if done.returncode:
        raise NoProof(f"{' '.join(tests)} did not run:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    return None


def kill_table(kills: Iterable[Kill]) -> list[str]:
    """The lines of the table of docs/guarantee.md."""
    return [
        *markdown.table(
            _HEADER,
            (
                (f"`{mutant.name}`", mutant.number, mutant.fault, f"`{_name(killer)}`")
                for mutant, killer in kills
            ),
        )
    ]


def _name(killer: str | None) -> str:
    return (killer or "SURVIVES").split("::")[-1]

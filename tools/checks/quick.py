"""`make check`: what to run while working, in under a minute.

Static checks and the fast unit tests run at the same time; each prints its output when it ends.
"""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import chain
from typing import NamedTuple

from tools.build.environments import ROOT
from tools.processes import finished, stoppable

# Lines of dots, which pytest prints while it runs.
_PROGRESS = re.compile(r"(?m)^(?:bringing up nodes.*|[.sxXFE]+ +\[ *\d+%\])\n")


class Step(NamedTuple):
    """A program of the environment `dev`, as `python -m` takes it."""

    name: str
    command: tuple[str, ...]


class Result(NamedTuple):
    """How a step ended."""

    step: Step
    status: int
    output: str
    seconds: float


STATIC = (
    Step("ruff", ("ruff", "check", "-q")),
    Step("format", ("ruff", "format", "--check", "-q")),
    Step("prose", ("tools.checks.prose",)),
    Step("generated files", ("tools.generate", "--check")),
    Step("table of failures", ("tools.troubleshooting", "--check")),
    Step("mypy", ("mypy",)),
)
TESTS = (Step("fast tests", ("pytest", "-q", "-m", "not slow", "-n", "2", "--dist", "worksteal")),)


def run(steps: Sequence[Step]) -> list[Result]:
    """The results of the steps, one after the other."""
    return [_run(step) for step in steps]


def _run(step: Step) -> Result:
    begun = time.monotonic()
    done = finished([sys.executable, "-m", *step.command], ROOT)
    result = Result(step, done.returncode, done.stdout, time.monotonic() - begun)
    _report(result)
    return result


def _report(result: Result) -> None:
    verdict = "FAILED" if result.status else "ok"
    lines = _PROGRESS.sub("", result.output).strip().splitlines()
    shown = lines if result.status else lines[-1:]
    print(f"{verdict:6} {result.step.name} ({result.seconds:.0f} s)", *shown, sep="\n       ")
    sys.stdout.flush()


def main() -> int:
    """Returns 1 if a step failed."""
    with stoppable(), ThreadPoolExecutor() as pool:
        results = [*chain.from_iterable(pool.map(run, (STATIC, TESTS)))]
    return 1 if any(result.status for result in results) else 0


if __name__ == "__main__":
    sys.exit(main())

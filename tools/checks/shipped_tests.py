"""Run the tests of the shipped code on the Pythons that Splunk runs.

    python -m tools.checks.shipped_tests

An interpreter that this machine lacks is named; everything else on our own Python is plain pytest.
"""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

from tools.build.environments import RECIPES, ROOT, Environment, plan
from tools.processes import finished, stoppable

# Folders that one process runs, the slowest first.
TESTS = (("tests/bin",), ("tests/guarantee",), ("tests/fake_aws",))
AT_ONCE = 4
# What push runs in Lambda, whose Python this is.
OF_LAMBDA = {
    "3.13": tuple(
        f"tests/push/test_{room}.py"
        for room in ("envelope", "hec", "firehose", "transform", "subscribe", "redrive")
    )
}


class Part(NamedTuple):
    """What one process of pytest runs."""

    version: str
    environment: Environment
    tests: tuple[str, ...]


def main() -> int:
    """Returns 1 if the tests failed on any interpreter."""
    present: dict[str, Environment] = {}
    for name, recipe in RECIPES.items():
        environment = plan(name) if recipe.version else None
        if environment is not None:
            present[recipe.version or ""] = environment
        elif recipe.version:
            print(f"Python {recipe.version}: not found, its tests did not run", flush=True)
    parts = [
        Part(version, environment, tests)
        for tests in TESTS
        for version, environment in present.items()
    ]
    parts += [
        Part(version, environment, OF_LAMBDA[version])
        for version, environment in present.items()
        if version in OF_LAMBDA
    ]
    # Tests wait for processes and clocks, so more of them than processors run at the same time.
    with stoppable(), ThreadPoolExecutor(AT_ONCE) as pool:
        failed = {part.version for part, ok in zip(parts, pool.map(_passed, parts)) if not ok}
    if failed:
        print(f"failed on Python {' and '.join(sorted(failed))}", file=sys.stderr)
    return 1 if failed else 0


def _passed(part: Part) -> bool:
    # Its own cache would record the failures of this interpreter as those of the other one.
    command = [str(part.environment.python), "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    done = finished([*command, *part.tests], ROOT)
    # In one piece, so that the output of two interpreters does not mix.
    print(f"Python {part.version}: {' '.join(part.tests)}\n{done.stdout}", end="", flush=True)
    return done.returncode == 0


if __name__ == "__main__":
    sys.exit(main())

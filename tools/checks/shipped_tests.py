"""Run the tests of the shipped code on the Pythons that Splunk runs.

    python -m tools.checks.shipped_tests

An interpreter that this machine lacks is named; everything else on our own Python is plain pytest.
"""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

from tools.build.environments import RECIPES, ROOT, Environment, plan

TESTS = ("tests/bin", "tests/fake_aws", "tests/guarantee")
# What push runs in Lambda, whose Python this is.
OF_LAMBDA = {
    "3.13": tuple(
        f"tests/push/test_{room}.py"
        for room in ("envelope", "hec", "firehose", "transform", "subscribe", "redrive")
    )
}


def main() -> int:
    """Returns 1 if the tests failed on any interpreter; all of them run at the same time."""
    present: dict[str, Environment] = {}
    for name, recipe in RECIPES.items():
        environment = plan(name) if recipe.version else None
        if environment is not None:
            present[recipe.version or ""] = environment
        elif recipe.version:
            print(f"Python {recipe.version}: not found, its tests did not run", flush=True)
    with ThreadPoolExecutor(max(1, len(present))) as pool:
        failed = [version for version, ok in pool.map(_passed, present.items()) if not ok]
    if failed:
        print(f"failed on Python {' and '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


def _passed(interpreter: tuple[str, Environment]) -> tuple[str, bool]:
    version, environment = interpreter
    # Its own cache would record the failures of this interpreter as those of the other one.
    tests = (*TESTS, *OF_LAMBDA.get(version, ()))
    command = [str(environment.python), "-m", "pytest", "-q", "-p", "no:cacheprovider", *tests]
    done = subprocess.run(
        command, cwd=ROOT, check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    # In one piece, so that what two interpreters say does not mix.
    print(f"Python {version}: {' '.join(tests)}\n{done.stdout}", end="", flush=True)
    return version, done.returncode == 0


if __name__ == "__main__":
    sys.exit(main())

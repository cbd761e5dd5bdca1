"""Run the tests of the shipped code on the Pythons that Splunk runs.

    python -m tools.shipped_tests

An interpreter that this machine lacks is named; everything else on our own Python is plain pytest.
"""

from __future__ import annotations

import subprocess
import sys

from tools.environments import RECIPES, ROOT, plan

TESTS = ("tests/bin", "tests/fake_aws", "tests/guarantee")


def main() -> int:
    """Returns 1 if the tests failed on any interpreter."""
    failed = []
    for name, recipe in RECIPES.items():
        if recipe.version is None:
            continue
        environment = plan(name)
        if environment is None:
            print(f"Python {recipe.version}: not found, its tests did not run", flush=True)
            continue
        print(f"Python {recipe.version}: {' '.join(TESTS)}", flush=True)
        # Its own cache would record the failures of this interpreter as those of the other one.
        command = [str(environment.python), "-m", "pytest", "-q", "-p", "no:cacheprovider", *TESTS]
        if subprocess.run(command, cwd=ROOT, check=False).returncode != 0:
            failed.append(recipe.version)
    if failed:
        print(f"failed on Python {' and '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

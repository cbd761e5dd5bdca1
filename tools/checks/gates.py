"""Every gate that the package and the templates must pass, one line each.

    python -m tools.checks.gates

Builds the package and ends with status 1 if any gate has something against it.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Mapping

from tools.build import package, vendor
from tools.build.environments import ROOT
from tools.checks import appinspect, package_checks, slim_partition, templates
from tools.checks.package_checks import Package

Gate = Callable[[Package], Iterator[str]]


def _appinspect(built: Package) -> Iterator[str]:
    return appinspect.inspect(built.archive, built.root / "build" / "appinspect.json")


def _slim(built: Package) -> Iterator[str]:
    return appinspect.slim(built.staged)


def _partition(built: Package) -> Iterator[str]:
    return slim_partition.faults(built.archive, built.root)


def _templates(built: Package) -> Iterator[str]:
    return templates.inspect(built.root)


GATES: Mapping[str, Gate] = {
    "one version, one id": package_checks.versions,
    "manifest": package_checks.manifest,
    "icons": package_checks.icons,
    "only what ships": package_checks.content,
    "no secrets": package_checks.secrets,
    "no path of this machine": package_checks.machine,
    "configuration loads": package_checks.conf,
    "runs on Splunk's Pythons": package_checks.interpreters_run_it,
    "same bytes twice": package_checks.reproducible,
    "slim validate": _slim,
    "slim divides it as docs/deploy.md shows": _partition,
    "checkov finds nothing in the templates": _templates,
    "AppInspect": _appinspect,
}


def run(gates: Mapping[str, Gate], built: Package) -> int:
    """Print one line per gate, faults below it; returns how many gates have any."""
    failed = 0
    for name, gate in gates.items():
        begun = time.monotonic()
        faults = list(gate(built))
        failed += bool(faults)
        seconds = time.monotonic() - begun
        print(f"{'FAIL' if faults else 'ok':4} {name} ({seconds:.1f} s)", flush=True)
        for fault in faults:
            print(f"     {fault}", flush=True)
    print(f"gates: {len(gates) - failed} passed, {failed} failed")
    return failed


def main() -> int:
    try:
        archive = package.build()
    except (package.PackagingProblem, vendor.VendoringProblem) as problem:
        print(f"error: {problem}", file=sys.stderr)
        return 1
    print(f"{archive.name}: {archive.stat().st_size:,} bytes")
    return 1 if run(GATES, Package(ROOT, ROOT / "build" / package.APP_ID, archive)) else 0


if __name__ == "__main__":
    sys.exit(main())

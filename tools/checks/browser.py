"""`make browser`: every view in headless Chromium, by Splunk's own dashboard packages.

Sets up Node, the npm packages, Chromium and the page, serves the views over the sample trail and
over an empty index, and runs `tests/browser/*.test.mjs`. Pictures go to build/browser.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import Thread

from emulator.dashboards.server import HOST, Site, server
from samples.command_parser import CommandParser
from tools.build import node, setup_page
from tools.build.environments import ROOT, EnvironmentProblem
from tools.content.dashboards.dashboard_studio import APP
from tools.demo import setup_preview
from tools.demo.dashboard_preview import PROBLEMS, Refresh, answers, build

SHOTS = "build/browser"
_PACKAGES = ("chromium", "fonts-liberation")
_NAMES = ("chromium", "chromium-browser", "google-chrome")


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit status of the tests; 1 with the reason where they cannot run."""
    parser = CommandParser(prog="python -m tools.checks.browser", description=__doc__)
    parser.add_argument("tests", nargs="*", help="files of tests/browser (all)")
    options = parser.parse_args(arguments)
    try:
        page = build(ROOT)
        chromium = browser()
        binaries = node.folder(ROOT)
        node.packages(ROOT, setup_page.WEB)
        with (
            _served(page, is_empty=False) as sample,
            _served(page, is_empty=True) as empty,
            setup_preview.served() as (web, _),
        ):
            addresses = {
                "PREVIEW_SAMPLE": sample,
                "PREVIEW_EMPTY": empty,
                "SETUP_PAGE": web.url,
            }
            return _run(options.tests, binaries, chromium, addresses)
    except PROBLEMS as error:
        print(f"browser: {error}", file=sys.stderr)
        return 1


def browser() -> Path:
    """Chromium; from Debian's packages where this machine has none and we may install it.

    Raises EnvironmentProblem with what to do where there is none.
    """
    if path := _chromium():
        return path
    by_hand = f"apt-get update && apt-get install -y {' '.join(_PACKAGES)}"
    if not shutil.which("apt-get") or os.geteuid() != 0:
        raise EnvironmentProblem(f"there is no Chromium; as root: {by_hand}")
    print(by_hand, flush=True)
    for command in (["update", "-qq"], ["install", "-y", "-qq", *_PACKAGES]):
        result = subprocess.run(["apt-get", *command], capture_output=True, text=True, check=False)
        if result.returncode != 0:
            words = " ".join(result.stderr.split())[-500:]
            raise EnvironmentProblem(
                f"apt-get {command[0]} failed: {words}; fix it, then {by_hand}"
            )
    if path := _chromium():
        return path
    raise EnvironmentProblem(f"there is no Chromium after {by_hand}")


def _chromium() -> Path | None:
    return next((Path(path) for name in _NAMES if (path := shutil.which(name))), None)


@contextmanager
def _served(page: Path, *, is_empty: bool) -> Iterator[str]:
    site = Site(ROOT, APP, page, answers(ROOT, is_empty=is_empty), Refresh(ROOT))
    with server(site, 0) as served:
        thread = Thread(target=served.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"http://{HOST}:{served.server_port}"
        finally:
            served.shutdown()


def _run(names: Sequence[str], binaries: Path, chromium: Path, addresses: Mapping[str, str]) -> int:
    shots = ROOT / SHOTS
    shutil.rmtree(shots, ignore_errors=True)
    shots.mkdir(parents=True)
    folder = ROOT / "tests" / "browser"
    files = [str(folder / name) for name in names] or sorted(map(str, folder.glob("*.test.mjs")))
    environment = {
        **node.environment_of(binaries),
        **addresses,
        "PREVIEW_CHROMIUM": str(chromium),
        "PREVIEW_SHOTS": str(shots),
    }
    command = [str(binaries / "node"), str(folder / "run.mjs"), *files]
    return subprocess.run(command, env=environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())

"""`make preview`: the shipped views and the setup page in a browser, without Splunk."""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from emulator.dashboards.dashboard_studio import ViewSearches
from emulator.dashboards.server import HOST, Site, server
from emulator.errors import EmulatorError
from emulator.session import Session
from samples.command_parser import CommandParser
from tools.build import node
from tools.build.environments import EnvironmentProblem
from tools.build.package import PackagingProblem
from tools.build.vendor import VendoringProblem
from tools.content.dashboards.dashboard_studio import APP
from tools.content.dashboards.pages import file_of, pages
from tools.content.dashboards.schema import PREFIX, path_of
from tools.content.detections import scenarios
from tools.content.installed_app import installed_app
from tools.content.strict_yaml import MappingError
from tools.demo import setup_preview

ROOT = Path(__file__).resolve().parents[2]
PAGE = "build/preview-page"
PORT = 8033
# Why the views or the setup page cannot be served; each is one line with what to do.
PROBLEMS = (EnvironmentProblem, EmulatorError, PackagingProblem, VendoringProblem, OSError)
# What the page is made from; a change of one of them builds it again.
_SOURCES = ("*.html", "*.css", "*.js", "*.jsx", "*.mjs", "package-lock.json")


def main(arguments: Sequence[str] | None = None) -> int:
    """Serves until interrupted; 1 with one line where that cannot be."""
    parser = CommandParser(prog="python -m tools.demo.dashboard_preview", description=__doc__)
    parser.add_argument("--port", type=int, default=PORT, help=f"0 for a free one ({PORT})")
    parser.add_argument("--empty", action="store_true", help="over an index without any event")
    options = parser.parse_args(arguments)
    try:
        page = build(ROOT)
        site = Site(ROOT, APP, page, answers(ROOT, is_empty=options.empty), Refresh(ROOT))
        setup_port = options.port and options.port + 1
        with server(site, options.port) as served, setup_preview.served(setup_port) as (web, _):
            print(f"The setup page is at {web.url}", flush=True)
            print(f"The views are at http://{HOST}:{served.server_port}/ (Ctrl-C ends)", flush=True)
            served.serve_forever()
    except KeyboardInterrupt:
        return 0
    except PROBLEMS as error:
        print(f"preview: {error}", file=sys.stderr)
        return 1
    return 0


def build(root: Path) -> Path:
    """The built page; made only if its sources or packages changed. Raises EnvironmentProblem."""
    binaries = node.packages(root)
    source, page = root / node.PAGE, root / PAGE
    sources = [path for pattern in _SOURCES for path in source.glob(pattern)]
    index = page / "index.html"
    newest = max(path.stat().st_mtime for path in sources)
    if not index.is_file() or index.stat().st_mtime < newest:
        command = ["node", "node_modules/vite/bin/vite.js", "build", "--outDir", str(page)]
        node.run(binaries, command, source)
    return page


def answers(root: Path, *, is_empty: bool = False) -> ViewSearches:
    """Answers over the sample trail and the collector's events about it; now is its end."""
    app, scenario = installed_app(root), scenarios.sample_trail()
    empty = Session(app, now=scenario.until)
    session = empty if is_empty else scenarios.session(app, scenario)
    gc.collect()
    gc.freeze()  # the index stays: looking through it again and again is a fifth of every search
    return ViewSearches(session)


@dataclass(frozen=True)
class Refresh:
    """Writes a view again when its YAML, or what all views share, is newer than its XML."""

    root: Path
    write: Callable[[Path, Sequence[str]], dict[str, str]] = pages

    def __call__(self, name: str) -> None:
        """`name` as in an address. Raises EmulatorError with what is wrong in the YAML."""
        stem = name.removeprefix(PREFIX)
        source = path_of(self.root, stem)
        if not source.is_file():
            return
        shipped = self.root / file_of(stem)
        sources = [source, *(source.parent / "common").glob("*.yml")]
        if shipped.is_file() and shipped.stat().st_mtime >= max(
            path.stat().st_mtime for path in sources
        ):
            return
        try:
            files = self.write(self.root, [stem])
        except MappingError as error:
            raise EmulatorError(str(error)) from error
        for file, text in files.items():
            (self.root / file).parent.mkdir(parents=True, exist_ok=True)
            (self.root / file).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())

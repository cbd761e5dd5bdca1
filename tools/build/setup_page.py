"""The setup page for the package: web/, bundled by Vite, with the licenses of what is inside.

    python -m tools.build.setup_page [--notice]

`--notice` writes the packages in it into NOTICE; read the difference before you commit it.
The same sources and lock file give the same bytes. The script is ASCII, so that it does not matter
which encoding the page that loads it has.
"""

from __future__ import annotations

import fcntl
import gzip
import hashlib
import json
import re
import shutil
import sys
from pathlib import Path
from typing import NamedTuple

from samples.command_parser import CommandParser
from tools.build import node
from tools.build.environments import ROOT, EnvironmentProblem

WEB = Path("web")
BUNDLE = Path("build/setup-page")
SCRIPT, LICENSES = "cloudhsm_setup.js", "cloudhsm_setup.LICENSES.txt"
FILES = (SCRIPT, LICENSES)
MAX_GZIPPED = 450 * 1024
# Of these licenses a bundle may ship; all ask for their text, which LICENSES has.
ALLOWED = {"MIT", "Apache-2.0", "ISC", "BSD-2-Clause", "BSD-3-Clause", "0BSD"}
_STAMP = ".made-from"
_SOURCES = ("package-lock.json", "vite.config.mjs", "src/**/*")
_NOTICE = re.compile(r"^ +(?P<name>@?[\w./-]+) (?P<version>\d\S*) {2,}(?P<license>\S.*)$")
_SECTION = "appserver/static/" + SCRIPT


class PageProblem(Exception):
    """The page cannot be built; one line with what to do."""


class NpmPackage(NamedTuple):
    """A package in the bundle; license: its SPDX expression."""

    name: str
    version: str
    license: str


def fill(root: Path = ROOT) -> Path:
    """The folder with FILES; built only if a source changed. Raises PageProblem."""
    folder = root / BUNDLE
    folder.parent.mkdir(exist_ok=True)
    with (root / "build" / ".setup-page").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        made_from = _made_from(root)
        stamp = folder / _STAMP
        if not (stamp.is_file() and stamp.read_text() == made_from):
            build(root, folder)
            stamp.write_text(made_from)
    return folder


def build(root: Path, folder: Path) -> None:
    """Bundle the page into a folder, which is emptied first. Raises PageProblem."""
    bundled = bundle(root, folder)
    refuse_unlisted(bundled, (root / "NOTICE").read_text("utf-8"))
    texts = [_license_text(root / WEB / "node_modules", one) for one in bundled]
    (folder / LICENSES).write_text("\n".join(texts), "utf-8")


def bundle(root: Path, folder: Path) -> list[NpmPackage]:
    """Write SCRIPT; returns the packages that are in it. Raises PageProblem."""
    try:
        binaries = node.packages(root, WEB)
        command = ["node", "node_modules/vite/bin/vite.js", "build", "--outDir", str(folder)]
        node.run(binaries, command, root / WEB)
    except EnvironmentProblem as problem:
        reason = " ".join(str(problem).split())[:300]
        raise PageProblem(
            "the setup page needs Node 20.19, 22.12 or newer, and npm with access to its registry: "
            f"install them, then run this again ({reason})"
        ) from problem
    script = folder / SCRIPT
    script.write_text(ascii_script(script.read_text("utf-8")), "ascii")
    size = len(gzip.compress(script.read_bytes(), 9, mtime=0))
    if size > MAX_GZIPPED:
        raise PageProblem(f"{SCRIPT} has {size:,} bytes gzipped, more than {MAX_GZIPPED:,}")
    return [NpmPackage(**one) for one in json.loads((folder / "bundled.json").read_text())]


def write_notice(root: Path) -> None:
    """Replace the list in NOTICE, which is its end, by the packages in the script now."""
    bundled = bundle(root, root / BUNDLE)
    notice = (root / "NOTICE").read_text("utf-8")
    head, section, rest = notice.partition(_SECTION)
    kept = rest.split("\n\n")[0]
    rows = [f"{f'  {one.name} {one.version}':<44}  {one.license}" for one in bundled]
    text = f"{head}{section}{kept}\n\n" + "\n".join(rows) + "\n"
    (root / "NOTICE").write_text(text, "utf-8")


def ascii_script(text: str) -> str:
    """JavaScript with `\\uXXXX` for each character that is not ASCII, which is the same to it."""
    units = text.encode("utf-16-be")
    codes = [int.from_bytes(units[at : at + 2], "big") for at in range(0, len(units), 2)]
    return "".join(chr(code) if code < 128 else f"\\u{code:04x}" for code in codes)


def refuse_unlisted(bundled: list[NpmPackage], notice: str) -> None:
    """Raises PageProblem where NOTICE does not list exactly these packages."""
    for one in bundled:
        if one.license not in ALLOWED:
            raise PageProblem(f"{one.name} {one.version} has the license {one.license!r}")
    notices, packages = set(listed(notice)), set(bundled)
    for one in sorted(packages - notices):
        raise PageProblem(
            f"NOTICE does not list {one.name} {one.version} ({one.license}), which is in {SCRIPT}"
        )
    for one in sorted(notices - packages):
        raise PageProblem(f"NOTICE lists {one.name} {one.version}, which is not in {SCRIPT}")


def listed(notice: str) -> list[NpmPackage]:
    """The packages that NOTICE lists as parts of the script."""
    lines = notice.partition(_SECTION)[2].splitlines()
    found = []
    for line in lines[1:]:
        match = _NOTICE.match(line)
        if match:
            found.append(NpmPackage(match["name"], match["version"], match["license"]))
        elif found:
            break
    return found


def _license_text(modules: Path, one: NpmPackage) -> str:
    """A package's own license, as it was published; its name where it has no such file."""
    head = f"==== {one.name} {one.version} ({one.license})\n"
    for folder in _folders(modules, one):
        for path in sorted(folder.iterdir()):
            if re.fullmatch(r"(?i)(licen[cs]e|notice)([.-].*)?", path.name) and path.is_file():
                return head + "\n" + path.read_text("utf-8", "replace").strip() + "\n"
    return f"{head}\nThe package has no file with its license.\n"


def _folders(modules: Path, one: NpmPackage) -> list[Path]:
    """Where npm put this version of a package: on top, or below another package."""
    found = [modules / one.name, *modules.glob(f"**/node_modules/{one.name}")]
    return [
        folder
        for folder in found
        if (folder / "package.json").is_file()
        and json.loads((folder / "package.json").read_text("utf-8")).get("version") == one.version
    ]


def _made_from(root: Path) -> str:
    """A digest of everything that the bundle follows from."""
    files = [path for pattern in _SOURCES for path in sorted((root / WEB).glob(pattern))]
    files += [root / "NOTICE", Path(__file__)]
    digest = hashlib.sha256()
    for path in files:
        if path.is_file():
            digest.update(path.name.encode() + hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def copy_to(folder: Path, static: Path) -> None:
    """Copy FILES of a bundle to appserver/static of a staged package."""
    static.mkdir(parents=True, exist_ok=True)
    for name in FILES:
        shutil.copyfile(folder / name, static / name)
        (static / name).chmod(0o644)


def main() -> int:
    """1 with one line where the page cannot be built."""
    parser = CommandParser(prog="python -m tools.build.setup_page", description=__doc__)
    parser.add_argument("--notice", action="store_true", help="write the packages into NOTICE")
    try:
        if parser.parse_args().notice:
            write_notice(ROOT)
        folder = fill()
    except PageProblem as problem:
        print(f"error: {problem}", file=sys.stderr)
        return 1
    for name in FILES:
        content = (folder / name).read_bytes()
        size = len(gzip.compress(content, 9, mtime=0))
        print(f"{(folder / name).relative_to(ROOT)}  {len(content):,} bytes, {size:,} gzipped")
    return 0


if __name__ == "__main__":
    sys.exit(main())

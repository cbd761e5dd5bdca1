"""`make release`: the package with all that belongs to it, in dist/release-<version>.

    python -m tools.build.release [--draft]

The package, its bill of materials (CycloneDX), what pushes into HEC (docs/push.md), the checksums
of all and the release notes out of CHANGELOG.md. `--draft`: also where CHANGELOG.md calls the
version unreleased.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from samples.command_parser import CommandParser
from tools.build import package, push, setup_page
from tools.build.environments import EnvironmentProblem
from tools.build.package import APP_ID, ROOT, PackagingProblem
from tools.build.vendor import SETS, VendoringProblem

LICENSE = "Apache-2.0"
PYTHON = ".venv/release/bin/python"
_PIN = re.compile(r"(?m)^(?P<name>[\w.-]+)==(?P<version>\S+) \\\n\s+--hash=sha256:(?P<sha256>\w+)")
_NOTICE = re.compile(
    r"^ +(?:lib/\w+ +)?(?P<name>[\w-]+) (?P<version>[\d.]\S*) {2,}(?P<license>.+)$"
)
_SECTION = re.compile(r"(?m)^## (?P<version>\S+) - (?P<date>.+)$")


@dataclass(frozen=True)
class Library:
    """A library that ships.

    folder: below the package. sha256: of what PyPI gives. sha512: of what npm gives, as base64.
    """

    name: str
    version: str
    license: str
    folder: str
    sha256: str = ""
    sha512: str = ""


def main(arguments: Sequence[str] | None = None) -> int:
    """Returns 1 with what is wrong and what to do where there can be no release."""
    parser = CommandParser(prog="python -m tools.build.release", description=__doc__)
    parser.add_argument("--draft", action="store_true", help="of an unreleased version too")
    options = parser.parse_args(arguments)
    try:
        notes = release_notes(ROOT, draft=options.draft)
        folder = release(ROOT, notes)
    except (PackagingProblem, VendoringProblem, EnvironmentProblem, OSError) as error:
        print(f"release: {error}", file=sys.stderr)
        return 1
    for path in sorted(folder.iterdir()):
        print(path.relative_to(ROOT))
    return 0


def release(root: Path, notes: str) -> Path:
    """The folder with everything, built again."""
    archive = package.build(root)
    version = package.version(root)
    folder = root / "dist" / f"release-{version}"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    for path in (archive, *push.build(root)):
        shutil.copy(path, folder)
    bill = folder / f"{APP_ID}-{version}.cdx.json"
    bill.write_text(bill_of_materials(root, archive), "utf-8")
    sums = [f"{_sha256(path)}  {path.name}\n" for path in sorted(folder.iterdir())]
    (folder / "SHA256SUMS").write_text("".join(sums), "utf-8")
    (folder / "RELEASE-NOTES.md").write_text(notes, "utf-8")
    return folder


def release_notes(root: Path, *, draft: bool = False) -> str:
    """What CHANGELOG.md has for this version.

    Raises PackagingProblem where it has nothing, or no date (unless `draft`).
    """
    version = package.version(root)
    text = (root / "CHANGELOG.md").read_text("utf-8")
    sections = [*_SECTION.finditer(text)]
    for number, section in enumerate(sections):
        if section["version"] == version:
            if not draft and not re.fullmatch(r"\d{4}-\d\d-\d\d", section["date"]):
                raise PackagingProblem(
                    f"CHANGELOG.md: {version} is {section['date']}: write the date of the "
                    "release there and in app.manifest, or make a draft"
                )
            end = sections[number + 1].start() if number + 1 < len(sections) else len(text)
            return f"# {APP_ID} {version}\n\n{text[section.end() : end].strip()}\n"
    raise PackagingProblem(f"CHANGELOG.md has no section ## {version} - <date>: write one")


def bill_of_materials(root: Path, archive: Path) -> str:
    """CycloneDX JSON. Raises EnvironmentProblem where it cannot be made or is not valid."""
    python = root / PYTHON
    if not python.exists():
        raise EnvironmentProblem(f"{PYTHON} is missing: run this through `make release`")
    document = {
        "name": APP_ID,
        "version": package.version(root),
        "license": LICENSE,
        "sha256": _sha256(archive),
        "time": package.released(root),
        "libraries": [asdict(library) for library in (*libraries(root), *page_packages(root))],
    }
    command = [str(python), str(root / "tools" / "build" / "sbom.py")]
    done = subprocess.run(
        command, input=json.dumps(document), capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise EnvironmentProblem(done.stderr.strip()[-1000:])
    return done.stdout


def libraries(root: Path) -> Iterator[Library]:
    """What requirements/vendor-*.txt pin, with the licence that NOTICE states.

    Raises PackagingProblem for a library that NOTICE does not list.
    """
    lines = (root / "NOTICE").read_text("utf-8").splitlines()
    notices = filter(None, map(_NOTICE.match, lines))
    licenses = {(n["name"], n["version"]): n["license"].replace(" or ", " OR ") for n in notices}
    for name in SETS:
        text = (root / "requirements" / f"vendor-{name}.txt").read_text("utf-8")
        for pin in _PIN.finditer(text):
            license_ = licenses.get((pin["name"], pin["version"]))
            if license_ is None:
                raise PackagingProblem(
                    f"NOTICE does not state the licence of {pin['name']} {pin['version']}: add it"
                )
            yield Library(pin["name"], pin["version"], license_, f"lib/{name}", pin["sha256"])


def page_packages(root: Path) -> Iterator[Library]:
    """What NOTICE lists as parts of the setup page's script.

    Raises PackagingProblem for one that web/package-lock.json does not pin.
    """
    lock = json.loads((root / setup_page.WEB / "package-lock.json").read_text("utf-8"))
    pinned = {
        (path.rpartition("node_modules/")[2], one.get("version")): one.get("integrity", "")
        for path, one in lock["packages"].items()
    }
    for one in setup_page.listed((root / "NOTICE").read_text("utf-8")):
        integrity = pinned.get((one.name, one.version), "")
        if not integrity.startswith("sha512-"):
            raise PackagingProblem(
                f"web/package-lock.json does not pin {one.name} {one.version}, which NOTICE lists"
            )
        sha512 = integrity.removeprefix("sha512-")
        yield Library(one.name, one.version, one.license, "appserver/static", sha512=sha512)


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


if __name__ == "__main__":
    sys.exit(main())

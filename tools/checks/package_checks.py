"""What a package must hold that neither AppInspect nor `slim` looks at.

Every check takes a Package and yields one line per fault; a sound package yields nothing.
"""

from __future__ import annotations

import hashlib
import json
import re
import struct
import subprocess
import tarfile
import tempfile
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath
from typing import Any

from emulator.conf.conf_file import read_conf
from emulator.errors import EmulatorError
from tools.build import interpreters, package, setup_page, vendor
from tools.content.installed_app import installed_app

ICON_SIZES = {
    "static/appIcon.png": 36,
    "static/appIconAlt.png": 36,
    "static/appIcon_2x.png": 72,
    "static/appIconAlt_2x.png": 72,
}
MANIFEST_FILES = (("info", "license", "text"), ("info", "releaseNotes", "text"))
WORKLOADS = {"_search_heads", "_indexers", "_forwarders"}

LIBRARIES = {
    "common": {"dateutil", "deprecation", "jmespath", "packaging", "six", "splunklib"},
    "py39": {"botocore", "urllib3"},
    "py313": {"botocore", "urllib3"},
}
LIBRARY_FILES = (
    "*.py",
    "py.typed",
    "cacert.pem",
    "*.json",
    "*.json.gz",
    *(f"*.dist-info/{name}" for name in vendor.METADATA_KEPT if name != "licenses"),
    "*.dist-info/licenses/*",
)

SECRETS = {
    "an AWS access key": re.compile(rb"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b"),
    "a private key": re.compile(rb"-----BEGIN [A-Z ]*PRIVATE KEY-----"),
    "a credential in a setting": re.compile(
        rb"(?im)^[ \t]*[\w.]*(?:password|passwd|secret|secret_access_key|api_key|session_token)"
        rb"[ \t]*=[ \t]*(?![ \t]*<)[\"']?[^\s\"'(\[{]{4,}[\"']?[ \t]*$"
    ),
}
# Which part of lib/ each interpreter never reads.
NOT_FOR = {"3.9": "lib/py313/", "3.13": "lib/py39/"}
COMPILE = """
import sys
for name in sys.stdin.read().splitlines():
    try:
        compile(open(name, "rb").read(), name, "exec", dont_inherit=True)
    except (SyntaxError, ValueError) as error:
        print(name, error, sep=": ")
"""


@dataclass(frozen=True)
class Package:
    """A built package: the sources, the staged folder and the archive made from it."""

    root: Path
    staged: Path
    archive: Path

    def files(self) -> Iterator[tuple[str, bytes]]:
        """Path in the add-on, and content, of every staged file."""
        for path in sorted(self.staged.rglob("*")):
            if path.is_file():
                yield path.relative_to(self.staged).as_posix(), path.read_bytes()

    def manifest(self) -> dict[str, Any]:
        return dict(json.loads((self.staged / "app.manifest").read_text(encoding="utf-8")))


def versions(built: Package) -> Iterator[str]:
    """One version and one id, wherever they are."""
    conf = read_conf(built.staged / "default" / "app.conf", "default/app.conf")
    manifest = built.manifest()["info"]["id"]
    code = (built.staged / "bin" / "cloudhsm" / "__init__.py").read_text(encoding="utf-8")
    stated = re.search(r'^__version__ = "(.+)"$', code, re.MULTILINE)
    versions = {
        "default/app.conf [launcher]": conf.value("launcher", "version"),
        "app.manifest": manifest["version"],
        "bin/cloudhsm/__init__.py": stated[1] if stated else None,
    }
    wanted = package.version(built.root)
    for where, have in versions.items():
        if have != wanted:
            yield f"{where}: version {have}, but default/app.conf [id] has {wanted}"
    changes = (built.staged / "CHANGELOG.md").read_text(encoding="utf-8")
    if not re.search(rf"^## {re.escape(wanted)}\b", changes, re.MULTILINE):
        yield f"CHANGELOG.md: has no section `## {wanted}`"
    ids = {
        "default/app.conf [id]": conf.value("id", "name"),
        "default/app.conf [package]": conf.value("package", "id"),
        "app.manifest": manifest["name"],
    }
    for where, have in ids.items():
        if have != package.APP_ID:
            yield f"{where}: the app is called {have}, not {package.APP_ID}"


def manifest(built: Package) -> Iterator[str]:
    """app.manifest: the parts whose faults `slim` does not notice."""
    content = built.manifest()
    info = content["info"]
    if content["schemaVersion"] != "2.0.0":
        yield f"app.manifest: schemaVersion {content['schemaVersion']}, expected 2.0.0"
    if not info["author"] or not all(author["name"] for author in info["author"]):
        yield "app.manifest: info.author names no one"
    for key in ("title", "description"):
        if not info[key]:
            yield f"app.manifest: info.{key} is empty"
    for key in ("intendedAudience", "categories", "developmentStatus"):
        if not info["classification"][key]:
            yield f"app.manifest: info.classification.{key} is empty"
    if set(content["targetWorkloads"]) != WORKLOADS:
        yield f"app.manifest: targetWorkloads is not {sorted(WORKLOADS)}"
    for keys in MANIFEST_FILES:
        name = content[keys[0]][keys[1]][keys[2]]
        if not name or not (built.staged / name).is_file():
            yield f"app.manifest: {'.'.join(keys)} names {name}, which the package does not have"


def icons(built: Package) -> Iterator[str]:
    """Icons are PNG files of exactly the sizes that Splunk shows."""
    for name, side in ICON_SIZES.items():
        path = built.staged / name
        size = png_size(path.read_bytes()) if path.exists() else None
        if size is None:
            yield f"{name}: is no PNG file" if path.exists() else f"{name}: is missing"
        elif size != (side, side):
            yield f"{name}: {size[0]}x{size[1]} pixels, must be {side}x{side}"


def png_size(content: bytes) -> tuple[int, int] | None:
    """Width and height in a PNG's header (ISO/IEC 15948, 11.2.2), or None if it is none."""
    if content[:8] != b"\x89PNG\r\n\x1a\n" or content[12:16] != b"IHDR" or len(content) < 24:
        return None
    width, height = struct.unpack(">II", content[16:24])
    return int(width), int(height)


def content(built: Package) -> Iterator[str]:
    """Only what is listed is in the archive, with the modes and the owner that all files have."""
    with tarfile.open(built.archive) as archive:
        members = archive.getmembers()
    for member in members:
        path = PurePosixPath(member.name)
        inside = "/".join(path.parts[1:])
        if path.parts[0] != package.APP_ID or ".." in path.parts:
            yield f"{member.name}: lies outside {package.APP_ID}/"
        elif not (member.isfile() or member.isdir()):
            yield f"{inside}: is neither a file nor a folder"
        elif member.isfile() and not (package.ships(inside) or is_library_file(inside)):
            yield f"{inside}: must not ship"
        if member.mode != (0o755 if member.isdir() else 0o644):
            yield f"{inside}: mode {member.mode:o}"
        if (member.uid, member.gid, member.uname, member.gname) != (0, 0, "", ""):
            yield f"{inside}: has an owner"
    if built.archive.stat().st_size > package.MAX_BYTES:
        yield f"{built.archive.name}: more than {package.MAX_BYTES:,} bytes"


def is_library_file(path: str) -> bool:
    """Whether `path` is of a kind that a vendored library ships, in the set it belongs to."""
    parts = path.split("/")
    if len(parts) < 3 or parts[0] != "lib" or parts[1] not in LIBRARIES:
        return False
    if "__pycache__" in parts or any(part.startswith(".") for part in parts):
        return False
    name, inside = parts[2], "/".join(parts[2:])
    metadata = name.endswith(".dist-info")
    known = name.removesuffix(".py") in LIBRARIES[parts[1]] or metadata
    return known and any(
        fnmatchcase(inside if metadata else parts[-1], pattern) for pattern in LIBRARY_FILES
    )


def conf(built: Package) -> Iterator[str]:
    """The configuration loads: every regex compiles in PCRE2, every reference resolves."""
    try:
        installed_app(built.staged)
        tags = read_conf(built.staged / "default" / "tags.conf", "default/tags.conf")
        types = read_conf(built.staged / "default" / "eventtypes.conf")
    except EmulatorError as error:
        yield str(error)
        return
    for name, stanza in tags.stanzas.items():
        # A tag may hang on any field's value, so this is no fault of the file's own.
        kind, _, value = name.partition("=")
        if kind == "eventtype" and value not in types.stanzas:
            yield f"{stanza.location}: there is no event type {value}"


def secrets(built: Package) -> Iterator[str]:
    """Nothing that looks like a credential, in our own files and in the libraries'."""
    for name, text in built.files():
        for what, pattern in SECRETS.items():
            match = pattern.search(text)
            if match and not (name.startswith("lib/") and "setting" in what):
                line = text[: match.start()].count(b"\n") + 1
                yield f"{name}:{line}: looks like {what}"


def machine(built: Package) -> Iterator[str]:
    """No path of the machine that built it."""
    for name, text in built.files():
        for path in {str(built.root), str(Path.home()), tempfile.gettempdir() + "/pip-"}:
            if len(path) > 1 and re.search(re.escape(path.encode()) + rb"\b", text):
                yield f"{name}: has a path of this machine: {path}"


def interpreters_run_it(built: Package) -> Iterator[str]:
    """Every file compiles on the Pythons that Splunk runs, and the input introduces itself."""
    for version, not_for in NOT_FOR.items():
        python = interpreters.find(version)
        if python is None:
            print(f"     Python {version}: not found, the package was not tried on it")
            continue
        names = [name for name, _ in built.files() if name.endswith(".py")]
        listed = "\n".join(name for name in names if not name.startswith(not_for))
        outcome = _python(python, built.staged, ["-c", COMPILE], listed)
        for line in outcome.stdout.splitlines():
            yield f"Python {version}: {line}"
        if outcome.returncode != 0:
            yield f"Python {version}: {outcome.stderr[-2000:]}"
        yield from _introduces_itself(built, version, python)


def _introduces_itself(built: Package, version: str, python: Path) -> Iterator[str]:
    outcome = _python(python, built.staged, ["bin/aws_cloudhsm.py", "--scheme"])
    try:
        root = ET.fromstring(outcome.stdout)  # noqa: S314  (our own program's output)
    except ET.ParseError:
        yield f"Python {version}: --scheme printed no XML: {outcome.stdout}{outcome.stderr}"
        return
    if root.tag != "scheme" or outcome.returncode != 0:
        yield f"Python {version}: --scheme gave <{root.tag}>, status {outcome.returncode}"


def _python(
    python: Path, folder: Path, arguments: list[str], stdin: str = ""
) -> subprocess.CompletedProcess[str]:
    # -I: nothing of this machine on the path; -B: no bytecode into the staged folder.
    return subprocess.run(
        [str(python), "-I", "-B", *arguments],
        cwd=folder,
        input=stdin,
        capture_output=True,
        text=True,
        check=False,
    )


def reproducible(built: Package) -> Iterator[str]:
    """Built again from nothing, libraries included, the archive has the same bytes."""
    first = hashlib.sha256(built.archive.read_bytes()).hexdigest()
    with tempfile.TemporaryDirectory(prefix="again-", dir=built.root / "build") as folder:
        libraries = Path(folder, "lib")
        vendor.fill(libraries, built.root / "requirements")
        page = Path(folder, "page")
        setup_page.build(built.root, page)
        staged = package.stage(built.root, libraries, Path(folder), page)
        again = package.packed(staged, package.released(built.root))
    second = hashlib.sha256(again).hexdigest()
    if first != second:
        yield f"sha256 {first} the first time, {second} the second"

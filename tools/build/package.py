"""Build dist/TA-aws-cloudhsm-<version>.tar.gz, the file that an administrator installs.

    python -m tools.build.package

What ships is listed in SHIPPED; a file in a shipped folder that no pattern names stops the build,
so nothing leaves or gets in by accident. The same sources give the same bytes.
"""

from __future__ import annotations

import fcntl
import gzip
import hashlib
import io
import json
import os
import shutil
import sys
import tarfile
from collections.abc import Iterator
from datetime import datetime, timezone
from fnmatch import fnmatchcase
from pathlib import Path

from tools.build import setup_page, vendor
from tools.build.setup_page import PageProblem
from tools.content import generated
from tools.content import version as versions

ROOT = Path(__file__).resolve().parents[2]
APP_ID = "TA-aws-cloudhsm"
MAX_BYTES = 3 * 1024 * 1024

# Patterns of paths below the repository's root; `*` crosses no folder.
SHIPPED = (
    "app.manifest",
    "CHANGELOG.md",
    "LICENSE",
    "NOTICE",
    "README.md",
    "SECURITY.md",
    "bin/*.py",
    "bin/cloudhsm/*.py",
    "bin/cloudhsm/*/*.py",
    "bin/cloudhsm/siem/*/*.py",
    "bin/cloudhsm/siem/*.json",
    "default/*.conf",
    "default/data/ui/nav/default.xml",
    "default/data/ui/views/*.xml",
    "lookups/*.csv",
    "metadata/default.meta",
    "README/*.conf.spec",
    "README/collector-events.md",
    "appserver/static/cloudhsm_setup.js",
    "appserver/static/cloudhsm_setup.LICENSES.txt",
    "static/appIcon.png",
    "static/appIcon_2x.png",
    "static/appIconAlt.png",
    "static/appIconAlt_2x.png",
)
REQUIRED = (
    "app.manifest",
    "LICENSE",
    "NOTICE",
    "README.md",
    "CHANGELOG.md",
    "bin/aws_cloudhsm.py",
    "default/app.conf",
    "default/inputs.conf",
    "default/props.conf",
    "default/transforms.conf",
    "metadata/default.meta",
    "README/inputs.conf.spec",
)
LEFT_OUT = "__pycache__"


class PackagingProblem(Exception):
    """The package cannot be built; the message names the file and what to do."""


def build(root: Path = ROOT) -> Path:
    """Vendor, stage under build/ and write the archive under dist/; returns its path.

    Raises PackagingProblem, and vendor.VendoringProblem where the libraries are not available.
    """
    try:
        page = setup_page.fill(root)
    except PageProblem as problem:
        raise PackagingProblem(str(problem)) from problem
    return _built(root, "dist", page)


def build_without_page(root: Path = ROOT) -> Path:
    """The same without the setup page, which needs Node, under build/; never to be installed."""
    return _built(root, "build/without-page", None)


def _built(root: Path, folder: str, page: Path | None) -> Path:
    if generated.run(root, check=True) != 0:
        raise PackagingProblem("generated files are not what `make generate` makes: run it")
    libraries = root / "build" / "lib"
    vendor.fill(libraries, root / "requirements")
    archive = root / folder / f"{APP_ID}-{version(root)}.tar.gz"
    with (root / "build" / ".staging").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # two builds at once would stage into one folder
        parent = root / "build" if page else archive.parent
        content = packed(stage(root, libraries, parent, page), released(root))
    if len(content) > MAX_BYTES:
        raise PackagingProblem(
            f"{archive.name} has {len(content):,} bytes, more than {MAX_BYTES:,}"
        )
    archive.parent.mkdir(parents=True, exist_ok=True)
    partial = archive.with_suffix(f".{os.getpid()}")  # a concurrent reader sees a complete one
    partial.write_bytes(content)
    partial.replace(archive)
    return archive


def version(root: Path = ROOT) -> str:
    """The add-on's version. Raises PackagingProblem."""
    try:
        return versions.version(root)
    except versions.VersionProblem as error:
        raise PackagingProblem(str(error)) from error


def released(root: Path = ROOT) -> int:
    """Seconds since 1970 of the release date in app.manifest: the time of every packed file."""
    text = (root / "app.manifest").read_text(encoding="utf-8")
    try:
        date = datetime.strptime(json.loads(text)["info"]["releaseDate"], "%Y-%m-%d")
    except (ValueError, KeyError, TypeError) as error:
        raise PackagingProblem(
            f"app.manifest: info.releaseDate must be a date such as 2026-01-31 ({error})"
        ) from error
    return int(date.replace(tzinfo=timezone.utc).timestamp())


def ships(path: str) -> bool:
    """Whether the repository's file `path` (with `/`) is one that the package contains."""
    return any(_fits(path, pattern) for pattern in SHIPPED)


def stage(root: Path, libraries: Path, parent: Path, page: Path | None = None) -> Path:
    """Copy what ships, and the libraries, to a new folder TA-aws-cloudhsm below `parent`.

    page: the folder with the bundled setup page, if that ships too.
    """
    staged = parent / APP_ID
    shutil.rmtree(staged, ignore_errors=True)
    sources = {path.relative_to(root).as_posix(): path for path in _sources(root)}
    for name in REQUIRED:
        if name not in sources:
            raise PackagingProblem(f"{name}: is missing, and no package goes without it")
    for name, path in sources.items():
        _copy(path, staged / name)
    for path in _files(libraries):
        _copy(path, staged / "lib" / path.relative_to(libraries))
    if page is not None:
        setup_page.copy_to(page, staged / "appserver" / "static")
    return staged


def packed(staged: Path, mtime: int) -> bytes:
    """The .tar.gz of a staged add-on: sorted, owned by no one, every file of time `mtime`."""
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for path in [staged, *sorted(staged.rglob("*"))]:
            member = archive.gettarinfo(
                str(path), arcname=path.relative_to(staged.parent).as_posix()
            )
            member.uid = member.gid = 0
            member.uname = member.gname = ""
            member.mtime = mtime
            member.mode = 0o755 if path.is_dir() else 0o644
            if path.is_dir():
                archive.addfile(member)
            else:
                archive.addfile(member, io.BytesIO(path.read_bytes()))
    packed_up = bytearray(gzip.compress(raw.getvalue(), compresslevel=9, mtime=0))
    packed_up[9] = 255  # which system made it: Pythons differ in what they write there
    return bytes(packed_up)


def unpacked(archive: Path, folder: Path) -> None:
    """Unpack a package that was built here, as Splunk does."""
    with tarfile.open(archive) as content:
        content.extractall(folder)  # noqa: S202  (built by us a moment ago)


def _fits(path: str, pattern: str) -> bool:
    return path.count("/") == pattern.count("/") and fnmatchcase(path, pattern)


def _sources(root: Path) -> Iterator[Path]:
    """The repository's files that ship; raises for one in a shipped folder that does not."""
    for name in sorted({pattern.split("/")[0] for pattern in SHIPPED}):
        top = root / name
        for path in [top] if top.is_file() else _files(top):
            if not ships(path.relative_to(root).as_posix()):
                raise PackagingProblem(
                    f"{path.relative_to(root)}: lies in a folder that ships but is not listed in "
                    "SHIPPED of tools/build/package.py: list it, or move it away"
                )
            yield path


def _files(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.rglob("*")):
        if path.is_symlink():
            raise PackagingProblem(f"{path}: a symbolic link cannot ship")
        if path.is_file() and LEFT_OUT not in path.parts:
            yield path


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)
    target.chmod(0o644)


def main() -> int:
    try:
        archive = build()
    except (PackagingProblem, vendor.VendoringProblem) as problem:
        print(f"error: {problem}", file=sys.stderr)
        return 1
    content = archive.read_bytes()
    digest = hashlib.sha256(content).hexdigest()
    print(f"{archive.relative_to(ROOT)}  {len(content):,} bytes  sha256 {digest}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Each check passes the real package and names the fault in one that was spoilt."""

from __future__ import annotations

import io
import json
import shutil
import struct
import sys
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tools.build import interpreters, package, setup_page, vendor
from tools.checks import package_checks
from tools.checks.package_checks import Package

Spoil = Callable[[Path], object]
Check = Callable[[Package], Iterator[str]]


@pytest.fixture(scope="session")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Package:
    """The package of this checkout."""
    folder = tmp_path_factory.mktemp("package")
    staged = package.stage(package.ROOT, vendor.LIBRARIES, folder, setup_page.fill())
    archive = folder / "x.tar.gz"
    archive.write_bytes(package.packed(staged, package.released()))
    return Package(package.ROOT, staged, archive)


@pytest.fixture
def copy(sound: Package, tmp_path: Path) -> Package:
    """One that a test may spoil, without the libraries' own sources."""
    staged = tmp_path / package.APP_ID
    shutil.copytree(sound.staged, staged, ignore=shutil.ignore_patterns("lib"))
    return Package(sound.root, staged, sound.archive)


def replace(name: str, old: str, new: str) -> Spoil:
    def spoil(staged: Path) -> None:
        text = (staged / name).read_text(encoding="utf-8")
        assert old in text
        (staged / name).write_text(text.replace(old, new, 1), encoding="utf-8")

    return spoil


def add(name: str, text: str) -> Spoil:
    def spoil(staged: Path) -> None:
        (staged / name).parent.mkdir(parents=True, exist_ok=True)
        with (staged / name).open("a", encoding="utf-8") as file:
            file.write(text)

    return spoil


def change_manifest(change: str, value: object) -> Spoil:
    def spoil(staged: Path) -> None:
        content = json.loads((staged / "app.manifest").read_text())
        *parents, last = change.split(".")
        at = content
        for key in parents:
            at = at[key]
        at[last] = value
        (staged / "app.manifest").write_text(json.dumps(content))

    return spoil


def png(width: int, height: int) -> bytes:
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I4sII", 13, b"IHDR", width, height)


def icon(name: str, content: bytes | None) -> Spoil:
    def spoil(staged: Path) -> None:
        (staged / name).unlink()
        if content is not None:
            (staged / name).write_bytes(content)

    return spoil


@pytest.mark.parametrize(
    "check",
    [
        package_checks.versions,
        package_checks.manifest,
        package_checks.icons,
        package_checks.content,
        package_checks.conf,
        package_checks.secrets,
        package_checks.machine,
        package_checks.interpreters_run_it,
    ],
)
def test_the_package_of_this_checkout_passes(sound: Package, check: Check) -> None:
    assert list(check(sound)) == []


FAULTS: list[tuple[Check, Spoil, str]] = [
    (
        package_checks.versions,
        replace("bin/cloudhsm/__init__.py", '__version__ = "', '__version__ = "9'),
        "bin/cloudhsm/__init__.py: version 9",
    ),
    (
        package_checks.versions,
        replace("default/app.conf", "[launcher]\n", "[launcher]\nx = 1\n[other]\n"),
        "default/app.conf [launcher]: version None",
    ),
    (
        package_checks.versions,
        change_manifest("info.id.version", "0.0.9"),
        "app.manifest: version 0.0.9",
    ),
    (
        package_checks.versions,
        replace("CHANGELOG.md", "## ", "## x"),
        "CHANGELOG.md: has no section",
    ),
    (
        package_checks.versions,
        replace("default/app.conf", "id = TA-", "id = ta-"),
        "default/app.conf [package]: the app is called ta-aws-cloudhsm",
    ),
    (package_checks.manifest, change_manifest("schemaVersion", "1.0.0"), "schemaVersion 1.0.0"),
    (package_checks.manifest, change_manifest("info.author", []), "info.author names no one"),
    (package_checks.manifest, change_manifest("info.title", ""), "info.title is empty"),
    (
        package_checks.manifest,
        change_manifest("info.classification.categories", []),
        "info.classification.categories is empty",
    ),
    (package_checks.manifest, change_manifest("targetWorkloads", ["*"]), "targetWorkloads is not"),
    (
        package_checks.manifest,
        change_manifest("info.license.text", "./COPYING"),
        "info.license.text names ./COPYING, which the package does not have",
    ),
    (package_checks.icons, icon("static/appIcon.png", png(37, 36)), "37x36 pixels, must be 36x36"),
    (package_checks.icons, icon("static/appIcon_2x.png", png(36, 36)), "must be 72x72"),
    (package_checks.icons, icon("static/appIconAlt.png", b"GIF89a"), "appIconAlt.png: is no PNG"),
    (package_checks.icons, icon("static/appIconAlt_2x.png", None), "_2x.png: is missing"),
    (
        package_checks.conf,
        add("default/props.conf", "\n[x]\nEXTRACT-y = (?<y>\n"),
        "default/props.conf",
    ),
    (
        package_checks.conf,
        add("default/props.conf", "\n[x]\nREPORT-y = nowhere\n"),
        "default/props.conf",
    ),
    (
        package_checks.conf,
        add("default/props.conf", "\n[x]\nLOOKUP-y = cloudhsm_opcodes opcode_key OUTPUT z\n"),
        "[x]",
    ),
    (
        package_checks.conf,
        add("default/transforms.conf", "\n[x]\nfilename = nowhere.csv\n"),
        "nowhere.csv",
    ),
    (
        package_checks.conf,
        add("default/eventtypes.conf", "\n[x]\nsearch = `nowhere`\n"),
        "nowhere",
    ),
    (
        package_checks.conf,
        add("default/tags.conf", "\n[eventtype=nothing]\nx = enabled\n"),
        "[eventtype=nothing]: there is no event type nothing",
    ),
    (
        package_checks.secrets,
        add("README/inputs.conf.spec", "* e.g. AKIA" + "IOSFODNN7EXAMPLE\n"),
        "looks like an AWS access key",
    ),
    (
        package_checks.secrets,
        add("lookups/key.csv", "-----BEGIN RSA PRIVATE" + " KEY-----\n"),
        "lookups/key.csv:1: looks like a private key",
    ),
    (
        package_checks.secrets,
        add("lib/common/x.py", "-----BEGIN PRIVATE" + " KEY-----\n"),
        "lib/common/x.py:1: looks like a private key",
    ),
    (
        package_checks.secrets,
        add("default/inputs.conf", "# one\npassword = hunter22\n"),
        "looks like a credential in a setting",
    ),
    (
        package_checks.secrets,
        add("bin/x.py", 'aws_secret_access_key = "abcdefgh"\n'),
        "bin/x.py:1: looks like a credential in a setting",
    ),
    (
        package_checks.machine,
        add("bin/x.py", f"# {package.ROOT}/bin/x.py\n"),
        "bin/x.py: has a path of this machine",
    ),
]


@pytest.mark.parametrize(("check", "spoil", "said"), FAULTS, ids=[fault[2] for fault in FAULTS])
def test_a_fault_is_named(copy: Package, check: Check, spoil: Spoil, said: str) -> None:
    spoil(copy.staged)
    assert any(said in line for line in check(copy)), list(check(copy))


def test_reading_a_secret_from_elsewhere_is_no_secret(copy: Package) -> None:
    add("bin/x.py", "password = read(name)\nsecret = settings['secret']\ntoken = None\n")(
        copy.staged
    )
    add("README/x.conf.spec", "password = <string>\n")(copy.staged)
    assert list(package_checks.secrets(copy)) == []


@pytest.mark.parametrize(
    ("path", "answer"),
    [
        ("lib/common/six.py", True),
        ("lib/py39/urllib3/util/retry.py", True),
        ("lib/py313/botocore/data/logs/2014-03-28/service-2.json.gz", True),
        ("lib/py313/urllib3-2.8.0.dist-info/licenses/LICENSE.txt", True),
        ("lib/py313/urllib3-2.8.0.dist-info/RECORD", False),
        ("lib/common/bin/jp.py", False),
        ("lib/common/urllib3/util/retry.py", False),
        ("lib/py311/urllib3/util/retry.py", False),
        ("lib/py313/urllib3/contrib/emscripten/worker.js", False),
        ("lib/common/six/__pycache__/six.py", False),
        ("lib/common/jmespath/.hidden.py", False),
        ("lib/six.py", False),
        ("bin/six.py", False),
    ],
)
def test_libraries_ship_only_in_their_set_and_only_what_they_need(path: str, answer: bool) -> None:
    assert package_checks.is_library_file(path) is answer


def test_the_archive_is_read_itself(sound: Package, tmp_path: Path) -> None:
    """Not the folder that it was made from."""
    spoilt = tmp_path / "x.tar.gz"
    with tarfile.open(spoilt, "w:gz") as archive:
        for name, mode, owner in (
            ("TA-aws-cloudhsm/local/inputs.conf", 0o644, ""),
            ("TA-aws-cloudhsm/bin/aws_cloudhsm.py", 0o755, ""),
            ("TA-aws-cloudhsm/LICENSE", 0o644, "somebody"),
            ("elsewhere/LICENSE", 0o644, ""),
            ("TA-aws-cloudhsm/../LICENSE", 0o644, ""),
        ):
            member = tarfile.TarInfo(name)
            member.mode, member.uname = mode, owner
            archive.addfile(member, io.BytesIO())
        link = tarfile.TarInfo("TA-aws-cloudhsm/NOTICE")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/hostname"
        archive.addfile(link)
    assert list(package_checks.content(Package(sound.root, sound.staged, spoilt))) == [
        "local/inputs.conf: must not ship",
        "bin/aws_cloudhsm.py: mode 755",
        "LICENSE: has an owner",
        "elsewhere/LICENSE: lies outside TA-aws-cloudhsm/",
        "TA-aws-cloudhsm/../LICENSE: lies outside TA-aws-cloudhsm/",
        "NOTICE: is neither a file nor a folder",
    ]


def use_this_python(monkeypatch: pytest.MonkeyPatch, spoilt: Package) -> list[str]:
    """What the check says where this Python plays the part of 3.9 and 3.13 is missing."""
    found = {"3.9": Path(sys.executable)}
    monkeypatch.setattr(interpreters, "find", found.get)
    return list(package_checks.interpreters_run_it(spoilt))


@pytest.fixture
def runnable(copy: Package, sound: Package) -> Package:
    (copy.staged / "lib").symlink_to(sound.staged / "lib")
    return copy


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("def f(:\n", "Python 3.9: bin/x.py: invalid syntax"),
        ("x = '\0'\n", "Python 3.9: bin/x.py: source code string cannot contain null bytes"),
    ],
)
def test_source_that_an_interpreter_refuses_is_named(
    runnable: Package, monkeypatch: pytest.MonkeyPatch, source: str, said: str
) -> None:
    add("bin/x.py", source)(runnable.staged)
    assert use_this_python(monkeypatch, runnable)[0].startswith(said)


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("import no_such_module\n", "printed no XML"),
        ("raise SystemExit(0)\n", "printed no XML"),
        ("print('<error/>')\n", "gave <error>, status 0"),
        ("print('<scheme/>')\nraise SystemExit(3)\n", "gave <scheme>, status 3"),
    ],
)
def test_an_input_that_does_not_introduce_itself_is_named(
    runnable: Package, monkeypatch: pytest.MonkeyPatch, source: str, said: str
) -> None:
    (runnable.staged / "bin" / "aws_cloudhsm.py").write_text(source)
    (fault,) = use_this_python(monkeypatch, runnable)
    assert fault.startswith(f"Python 3.9: --scheme {said}")


def test_an_interpreter_that_is_not_there_is_named(
    runnable: Package, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert use_this_python(monkeypatch, runnable) == []
    assert capsys.readouterr().out.strip() == (
        "Python 3.13: not found, the package was not tried on it"
    )


def test_a_package_whose_bytes_change_from_build_to_build_is_named(
    sound: Package, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fill(destination: Path, _: Path) -> bool:
        destination.symlink_to(vendor.LIBRARIES)
        return True

    monkeypatch.setattr(vendor, "fill", fill)
    assert list(package_checks.reproducible(sound)) == []
    other = tmp_path / "x.tar.gz"
    other.write_bytes(package.packed(sound.staged, mtime=1))
    (fault,) = package_checks.reproducible(Package(sound.root, sound.staged, other))
    assert fault.startswith("sha256 ")

"""A release is the package with a valid bill of materials, checksums and its release notes."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path

import pytest

from tools.build import package, release
from tools.build.environments import EnvironmentProblem
from tools.build.package import ROOT, PackagingProblem
from tools.build.release import bill_of_materials, libraries, page_packages, release_notes

CHANGELOG = (
    "# Changelog\n\n## 1.2.3 - 2026-01-31\n\nMended.\n\n- One.\n\n## 1.2.2 - 2025-12-01\n\nOld.\n"
)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """What a release is made from, beside the package itself."""
    shutil.copytree(ROOT / "requirements", tmp_path / "requirements")
    shutil.copytree(ROOT / "push", tmp_path / "push")
    shutil.copytree(ROOT / "bin" / "cloudhsm", tmp_path / "bin" / "cloudhsm")
    for name in ("NOTICE", "LICENSE"):
        shutil.copy(ROOT / name, tmp_path)
    (tmp_path / "web").mkdir()
    shutil.copy(ROOT / "web" / "package-lock.json", tmp_path / "web")
    (tmp_path / "default").mkdir()
    (tmp_path / "default" / "app.conf").write_text("[id]\nversion = 1.2.3\n")
    (tmp_path / "app.manifest").write_text('{"info": {"releaseDate": "2026-01-31"}}')
    (tmp_path / "CHANGELOG.md").write_text(CHANGELOG)
    (tmp_path / "tools" / "build").mkdir(parents=True)
    shutil.copy(ROOT / "tools" / "build" / "sbom.py", tmp_path / "tools" / "build")
    (tmp_path / ".venv").symlink_to(ROOT / ".venv")
    return tmp_path


@pytest.fixture
def archive(root: Path) -> Path:
    path = root / "dist" / "TA-aws-cloudhsm-1.2.3.tar.gz"
    path.parent.mkdir()
    path.write_bytes(b"the package")
    return path


def test_the_notes_are_the_section_of_this_version(root: Path) -> None:
    assert release_notes(root) == "# TA-aws-cloudhsm 1.2.3\n\nMended.\n\n- One.\n"


def test_a_version_without_a_date_is_no_release_but_may_be_a_draft(root: Path) -> None:
    (root / "CHANGELOG.md").write_text(CHANGELOG.replace("2026-01-31", "unreleased"))
    with pytest.raises(PackagingProblem, match=r"1\.2\.3 is unreleased: write the date"):
        release_notes(root)
    assert "Mended." in release_notes(root, draft=True)


def test_a_version_of_which_nothing_is_said_is_no_release(root: Path) -> None:
    (root / "default" / "app.conf").write_text("[id]\nversion = 2.0.0\n")
    with pytest.raises(PackagingProblem, match=r"no section ## 2\.0\.0"):
        release_notes(root, draft=True)


def test_every_library_that_is_vendored_is_in_the_bill_with_its_licence(root: Path) -> None:
    found = {(one.folder, one.name): one for one in libraries(root)}
    assert {folder for folder, _name in found} == {"lib/common", "lib/py39", "lib/py313"}
    assert found["lib/common", "splunk-sdk"].license == "Apache-2.0"
    assert found["lib/common", "packaging"].license == "Apache-2.0 OR BSD-2-Clause"
    pins = sum(
        path.read_text().count("==") for path in (root / "requirements").glob("vendor-*3*.txt")
    ) + (root / "requirements" / "vendor-common.txt").read_text().count("==")
    assert len(found) == pins


def test_a_library_without_a_licence_is_named(root: Path) -> None:
    notice = (root / "NOTICE").read_text().replace("jmespath 1.1.0", "jmespath 1.0.0")
    (root / "NOTICE").write_text(notice)
    with pytest.raises(PackagingProblem, match=r"licence of jmespath 1\.1\.0: add it"):
        [*libraries(root)]


def test_the_bill_is_valid_names_all_and_is_the_same_twice(root: Path, archive: Path) -> None:
    text = bill_of_materials(root, archive)
    bill = json.loads(text)
    assert bill["specVersion"] == "1.6"
    assert bill["metadata"]["component"]["version"] == "1.2.3"
    (told,) = bill["metadata"]["component"]["hashes"]
    assert told["content"] == hashlib.sha256(b"the package").hexdigest()
    assert len(bill["components"]) == len([*libraries(root), *page_packages(root)])
    purls = {one["purl"] for one in bill["components"]}
    assert "pkg:npm/react@18.3.1" in purls
    assert any(purl.startswith("pkg:npm/%40splunk/react-ui@") for purl in purls)
    assert all(one["licenses"] and one["purl"] for one in bill["components"])
    assert bill_of_materials(root, archive) == text


def test_a_package_of_the_page_that_is_not_pinned_is_named(root: Path) -> None:
    lock = root / "web" / "package-lock.json"
    lock.write_text(lock.read_text().replace('"node_modules/react"', '"node_modules/other"'))
    with pytest.raises(PackagingProblem, match=r"does not pin react 18\.3\.1"):
        [*page_packages(root)]


def test_without_what_makes_the_bill_it_says_what_to_run(root: Path, archive: Path) -> None:
    (root / ".venv").unlink()
    with pytest.raises(EnvironmentProblem, match="run this through `make release`"):
        bill_of_materials(root, archive)


def test_a_release_has_all_that_belongs_to_it_with_checksums(
    root: Path, archive: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(package, "build", lambda _root: archive)
    folder = release.release(root, "notes\n")
    names = {path.name for path in folder.iterdir()}
    bill = "TA-aws-cloudhsm-1.2.3.cdx.json"
    files = {archive.name, bill, "cloudhsm-push-1.2.3.zip", "cloudhsm-push.yaml"}
    assert names == {*files, "SHA256SUMS", "RELEASE-NOTES.md"}
    sums = [line.split("  ") for line in (folder / "SHA256SUMS").read_text().splitlines()]
    assert {name for _digest, name in sums} == files
    for digest, name in sums:
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == digest


def test_what_is_wrong_is_told_in_one_line(
    root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (root / "CHANGELOG.md").write_text("# Changelog\n")
    monkeypatch.setattr(release, "ROOT", root)
    assert release.main(["--draft"]) == 1
    assert capsys.readouterr().err.startswith("release: CHANGELOG.md has no section")

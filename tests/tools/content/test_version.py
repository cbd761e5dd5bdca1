"""The version stands in one place; everything that shows it follows."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tools.build import package
from tools.content import generated, written_files
from tools.content.version import VersionProblem, places, version

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name in ("default/app.conf", "app.manifest", "bin/cloudhsm/__init__.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    return tmp_path


def raised(root: Path, to: str) -> None:
    """Edit the one place."""
    path = root / "default" / "app.conf"
    path.write_text(path.read_text().replace(f"version = {version(root)}", f"version = {to}", 1))


@pytest.mark.parametrize("to", ["1.0.0", "12.34.56", "2.0.0-rc.1"])
def test_raising_it_in_app_conf_raises_it_everywhere(root: Path, to: str) -> None:
    raised(root, to)
    assert version(root) == to
    written_files.write(root, places(root))
    conf = (root / "default" / "app.conf").read_text()
    assert conf.count(f"\nversion = {to}\n") == 2
    manifest = json.loads((root / "app.manifest").read_text())
    assert manifest["info"]["id"] == {"group": None, "name": "TA-aws-cloudhsm", "version": to}
    assert f'__version__ = "{to}"\n' in (root / "bin/cloudhsm/__init__.py").read_text()


def test_nothing_else_changes(root: Path) -> None:
    assert places(root) == {name: (ROOT / name).read_text("utf-8") for name in places(root)}
    before = places(root)
    raised(root, "9.8.7")
    for name, text in places(root).items():
        assert text.replace("9.8.7", version(ROOT)) == before[name]


def test_the_generated_files_of_this_source_show_it() -> None:
    assert {*places(ROOT)} <= {*generated.build(ROOT)}


@pytest.mark.parametrize("told", ["1.0", "v1.0.0", "1.0.0 ", "latest", ""])
def test_what_is_no_version_is_told(root: Path, told: str) -> None:
    path = root / "default" / "app.conf"
    path.write_text("[id]\nversion = " + (told.strip() if told.strip() else "") + "x\n")
    with pytest.raises(VersionProblem, match=r"default/app\.conf: \[id\] version = .*1\.2\.3"):
        version(root)


@pytest.mark.parametrize("name", ["default/app.conf", "app.manifest", "bin/cloudhsm/__init__.py"])
def test_a_place_that_is_missing_is_named(root: Path, name: str) -> None:
    path = root / name
    kept = "[id]\nversion = 1.2.3\n" if name.endswith("conf") else "{}"
    path.write_text(kept)
    with pytest.raises(VersionProblem, match=f"{name}: the place of the version is missing"):
        places(root)


def test_without_it_there_is_no_package(root: Path) -> None:
    (root / "default" / "app.conf").write_text("[launcher]\nversion = 1.2.3\n")
    with pytest.raises(package.PackagingProblem, match=r"\[id\] with version is missing"):
        package.version(root)

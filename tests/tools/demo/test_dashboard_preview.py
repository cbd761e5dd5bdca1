"""What is served is what the sources say now; nothing is built or written that is up to date."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import pytest

from emulator.errors import EmulatorError
from tools.build import node
from tools.build.environments import ROOT
from tools.content.dashboards.pages import file_of
from tools.content.strict_yaml import Fault, MappingError
from tools.demo import dashboard_preview
from tools.demo.dashboard_preview import PAGE, Refresh, answers

NOW = 1_800_000_000


def _file(path: Path, time: int) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("x")
    os.utime(path, (time, time))
    return path


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """One view, its XML as new as its YAML and newer than what views share."""
    _file(tmp_path / "dashboards" / "access.yml", NOW)
    _file(tmp_path / "dashboards" / "common" / "inputs.yml", NOW - 5)
    _file(tmp_path / file_of("access"), NOW)
    return tmp_path


def _writes(_root: Path, stems: Sequence[str]) -> dict[str, str]:
    return {file_of(stem): f"view of {stem}" for stem in stems}


def _fails(root: Path, _stems: Sequence[str]) -> dict[str, str]:
    raise MappingError([Fault(root / "dashboards/access.yml", 7, "title: is missing")])


def _shown(root: Path) -> str:
    return (root / file_of("access")).read_text("utf-8")


def test_a_view_that_is_up_to_date_stays(root: Path) -> None:
    Refresh(root, _writes)("cloudhsm_access")
    assert _shown(root) == "x"


@pytest.mark.parametrize("changed", ["dashboards/access.yml", "dashboards/common/inputs.yml"])
def test_a_view_is_written_anew_when_its_source_or_a_common_file_changed(
    root: Path, changed: str
) -> None:
    _file(root / changed, NOW + 1)
    Refresh(root, _writes)("cloudhsm_access")
    assert _shown(root) == "view of access"


def test_a_view_that_was_never_written_is(root: Path) -> None:
    (root / file_of("access")).unlink()
    Refresh(root, _writes)("cloudhsm_access")
    assert _shown(root) == "view of access"


def test_what_is_wrong_in_a_source_is_told_and_the_view_stays(root: Path) -> None:
    _file(root / "dashboards/access.yml", NOW + 1)
    with pytest.raises(EmulatorError, match=r"access\.yml:7: title: is missing"):
        Refresh(root, _fails)("cloudhsm_access")
    assert _shown(root) == "x"


@pytest.mark.parametrize("name", ["search", "cloudhsm_none", "cloudhsm_../access"])
def test_an_address_of_no_view_writes_nothing(root: Path, name: str) -> None:
    before = sorted(root.rglob("*"))
    Refresh(root, _fails)(name)
    assert sorted(root.rglob("*")) == before


@pytest.mark.parametrize(("built", "runs"), [(NOW + 1, 0), (NOW - 1, 1), (None, 1)])
def test_the_page_is_built_when_its_sources_are_newer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, built: int | None, runs: int
) -> None:
    _file(tmp_path / node.PAGE / "main.jsx", NOW)
    _file(tmp_path / node.PAGE / "notes.txt", NOW + 9)
    if built is not None:
        _file(tmp_path / PAGE / "index.html", built)
    commands: list[Sequence[str]] = []
    monkeypatch.setattr(node, "packages", lambda root: root / "binaries")
    monkeypatch.setattr(node, "run", lambda _binaries, command, _source: commands.append(command))
    assert dashboard_preview.build(tmp_path) == tmp_path / PAGE
    assert len(commands) == runs
    assert all("build" in command for command in commands)


def test_an_empty_index_answers_with_no_record() -> None:
    found = answers(ROOT, is_empty=True).results(["`cloudhsm_records` | stats count"], None, None)
    assert [row["count"] for row in found.rows] == ["0"]

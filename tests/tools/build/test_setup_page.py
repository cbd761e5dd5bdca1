"""The setup page's script is made once, and has nothing in it that NOTICE does not list."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tools.build import node, setup_page
from tools.build.environments import EnvironmentProblem
from tools.build.setup_page import NpmPackage, PageProblem, ascii_script, listed, refuse_unlisted

ROOT = Path(__file__).resolve().parents[3]
NOTICE = (
    "x\n\nThe script, appserver/static/cloudhsm_setup.js, is built from web/.\n\n"
    "  react 18.3.1                  MIT\n  @splunk/react-ui 5.16.0       Apache-2.0\n"
)
REACT, UI = (
    NpmPackage("react", "18.3.1", "MIT"),
    NpmPackage("@splunk/react-ui", "5.16.0", "Apache-2.0"),
)


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout whose Vite writes a script with two packages, and counts its runs."""
    (tmp_path / "web" / "src").mkdir(parents=True)
    (tmp_path / "web" / "package-lock.json").write_text("{}")
    (tmp_path / "web" / "src" / "main.jsx").write_text("page")
    (tmp_path / "NOTICE").write_text(NOTICE)
    (tmp_path / "build").mkdir()
    for one in (REACT, UI):
        modules = tmp_path / "web" / "node_modules" / one.name
        modules.mkdir(parents=True)
        (modules / "package.json").write_text(json.dumps({"version": one.version}))
        (modules / "LICENSE").write_text(f"license of {one.name}")

    def vite(_: Path, command: list[str], cwd: Path) -> None:
        folder = Path(command[-1])
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "cloudhsm_setup.js").write_text((cwd / "src" / "main.jsx").read_text() + "…")
        (folder / "bundled.json").write_text(json.dumps([REACT._asdict(), UI._asdict()]))
        with (tmp_path / "runs").open("a") as runs:
            runs.write("x")

    monkeypatch.setattr(node, "packages", lambda *_: tmp_path)
    monkeypatch.setattr(node, "run", vite)
    return tmp_path


def test_the_page_is_built_once_until_a_source_changes(root: Path) -> None:
    for _ in range(2):
        folder = setup_page.fill(root)
    assert (root / "runs").read_text() == "x"
    assert (folder / "cloudhsm_setup.js").read_text() == "page\\u2026"
    (root / "web" / "src" / "main.jsx").write_text("another page")
    setup_page.fill(root)
    assert (root / "runs").read_text() == "xx"


def test_the_licenses_of_what_is_inside_ship_with_it(root: Path) -> None:
    text = (setup_page.fill(root) / "cloudhsm_setup.LICENSES.txt").read_text()
    assert "==== react 18.3.1 (MIT)" in text
    assert "license of @splunk/react-ui" in text


def test_a_package_that_notice_does_not_list_stops_the_build(root: Path) -> None:
    (root / "NOTICE").write_text(NOTICE.replace("  react 18.3.1                  MIT\n", ""))
    with pytest.raises(PageProblem, match=r"NOTICE does not list react 18\.3\.1 \(MIT\)"):
        setup_page.fill(root)


def test_a_package_that_is_not_in_it_any_more_stops_the_build() -> None:
    with pytest.raises(PageProblem, match=r"NOTICE lists @splunk/react-ui 5\.16\.0"):
        refuse_unlisted([REACT], NOTICE)


@pytest.mark.parametrize("license_", ["GPL-3.0", "MPL-2.0", ""])
def test_a_license_that_may_not_ship_stops_the_build(license_: str) -> None:
    with pytest.raises(PageProblem, match="has the license"):
        refuse_unlisted([REACT._replace(license=license_)], NOTICE)


def test_notice_is_written_from_what_is_in_the_script(root: Path) -> None:
    (root / "NOTICE").write_text(NOTICE.partition("  react")[0] + "  old 1.0.0    MIT\n")
    setup_page.write_notice(root)
    assert listed((root / "NOTICE").read_text()) == [REACT, UI]


def test_a_script_that_is_too_big_stops_the_build(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(setup_page, "MAX_GZIPPED", 3)
    with pytest.raises(PageProblem, match=r"cloudhsm_setup\.js has .* more than 3"):
        setup_page.fill(root)


def test_without_node_the_reason_is_one_line(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(*_: object) -> Path:
        raise EnvironmentProblem("no node\nat all")

    monkeypatch.setattr(node, "packages", missing)
    with pytest.raises(PageProblem) as caught:
        setup_page.fill(root)
    assert "\n" not in str(caught.value)
    assert str(caught.value).startswith("the setup page needs Node 20.19, 22.12 or newer")


@pytest.mark.parametrize(
    ("text", "escaped"),
    [("a", "a"), ("…", "\\u2026"), ("\U0001f600", "\\ud83d\\ude00"), ("'\u00e9'", "'\\u00e9'")],
)
def test_a_script_is_ascii_whatever_is_in_it(text: str, escaped: str) -> None:
    assert ascii_script(text) == escaped


def test_notice_lists_splunks_packages_as_apache_licensed() -> None:
    packages = listed((ROOT / "NOTICE").read_text())
    own = {one.license for one in packages if one.name.startswith("@splunk/")}
    assert own == {"Apache-2.0"}
    assert {one.name for one in packages} >= {"react", "react-dom", "@splunk/react-ui"}


def test_the_lock_file_has_no_addresses() -> None:
    assert "resolved" not in (ROOT / "web" / "package-lock.json").read_text()

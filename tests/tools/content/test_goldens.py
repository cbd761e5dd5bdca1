from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests.default.corpus import Corpus, Sample
from tools.content import goldens
from tools.content.goldens import GoldenProblem
from tools.content.installed_app import installed_app

ROOT = Path(__file__).resolve().parents[3]
GOLDEN = Path("tests") / "default" / "golden"
LOGIN = "published/login_and_logout.expected.json"


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("written")
    for part in ("default", "lookups", "metadata", GOLDEN / "published"):
        shutil.copytree(ROOT / part, folder / part)
    assert goldens.main(["--root", str(folder)]) == 0
    return folder


@pytest.fixture
def source(tmp_path: Path, written: Path) -> Path:
    """The add-on's source with its golden files, just written."""
    return Path(shutil.copytree(written, tmp_path / "source"))


def check(source: Path) -> int:
    return goldens.main(["--check", "--root", str(source)])


def test_what_was_written_is_found_equal(source: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert check(source) == 0
    assert capsys.readouterr().err == ""


def test_writing_twice_gives_the_same_bytes(source: Path) -> None:
    files = {path: path.read_bytes() for path in (source / GOLDEN).rglob("*.*")}
    assert goldens.main(["--root", str(source)]) == 0
    assert {path: path.read_bytes() for path in (source / GOLDEN).rglob("*.*")} == files


def test_a_change_of_meaning_is_told_with_file_and_line(
    source: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = source / GOLDEN / LOGIN
    lines = path.read_text(encoding="utf-8").split("\n")
    changed = lines.index('  "outcome": "failure",')
    lines[changed] = '  "outcome": "success",'
    path.write_text("\n".join(lines), encoding="utf-8")
    assert check(source) == 1
    assert capsys.readouterr().err == (
        f"{path}:{changed + 1}: differs from what the configuration gives; run: make goldens\n"
    )


def test_a_missing_file_and_one_too_many_are_told(
    source: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (source / GOLDEN / LOGIN).unlink()
    (source / GOLDEN / "inferred" / "forgotten.log").write_text("Time:", encoding="utf-8")
    assert check(source) == 1
    told = capsys.readouterr().err
    assert f"{LOGIN}: is missing" in told
    assert "forgotten.log: nothing makes it any more" in told


def test_writing_removes_what_nothing_makes_and_keeps_what_people_wrote(source: Path) -> None:
    forgotten = source / GOLDEN / "inferred" / "forgotten.expected.jsonl"
    forgotten.write_text("{}", encoding="utf-8")
    kept = source / GOLDEN / "completeness.csv"
    kept.write_text("kept", encoding="utf-8")
    assert goldens.main(["--root", str(source)]) == 0
    assert not forgotten.exists()
    assert kept.exists()
    assert (source / GOLDEN / "published" / "login_and_logout.log").exists()


def test_a_broken_configuration_is_told_and_nothing_is_written(
    source: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (source / GOLDEN / LOGIN).unlink()
    props = source / "default" / "props.conf"
    props.write_text("[aws:cloudhsm:audit]\nEXTRACT-broken = (?<x>\n", encoding="utf-8")
    assert goldens.main(["--root", str(source)]) == 2
    assert "the golden files cannot be made: " in capsys.readouterr().err
    assert not (source / GOLDEN / LOGIN).exists()


def test_a_record_that_a_file_does_not_show_as_one_event_is_refused() -> None:
    app = installed_app(ROOT)
    with pytest.raises(GoldenProblem, match="two at once"):
        goldens.events_of(app, Corpus("both", [Sample("two at once", two_records())]))
    samples = [Sample("the first", one_record()), Sample("no record", "Opcode : X")]
    with pytest.raises(GoldenProblem, match="the first"):
        goldens.events_of(app, Corpus("swallowed", samples))


def one_record() -> str:
    text = (ROOT / GOLDEN / "published" / "share_key.log").read_text(encoding="utf-8")
    return text.rstrip("\n")


def two_records() -> str:
    return f"{one_record()}\n{one_record()}"


def test_what_the_origin_decides_stands_in_one_file_only(source: Path) -> None:
    folder = source / GOLDEN
    places = json.loads((folder / "place.expected.json").read_text(encoding="utf-8"))
    assert [place["sourcetype"] for place in places] == [
        "aws:cloudhsm:audit",
        "aws:cloudhsm:certificate",
    ]
    for record in json.loads((folder / LOGIN).read_text(encoding="utf-8")):
        assert not set(goldens.PLACE) & set(record)

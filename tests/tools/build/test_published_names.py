from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.tools.build.releases import broken_promises, newest_release, promises_hold, read_names
from tools.build.published_names import main, present_names
from tools.content.strict_yaml import MappingError

ROOT = Path(__file__).resolve().parents[3]
OLD = {"macros": ["one", "two(1)"], "keys of table": ["code"], "columns of table": ["code", "text"]}


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A copy of what has names, that nothing has been published of."""
    for folder in ("default", "mappings", "lookups"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    shutil.rmtree(tmp_path / "mappings" / "published")
    return tmp_path


def change(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def test_a_release_is_written_once_and_reads_back_as_it_is(source: Path) -> None:
    assert main(["--root", str(source)]) == 0
    path = newest_release(source)
    assert read_names(path) == present_names(source)
    assert main(["--root", str(source)]) == 0


def test_a_published_version_is_not_written_over(
    source: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--root", str(source)]) == 0
    before = newest_release(source).read_bytes()
    change(source / "default" / "macros.conf", "[cloudhsm_hex(1)]", "[cloudhsm_hexadecimal(1)]")
    assert main(["--root", str(source)]) == 1
    assert "raise the version first" in capsys.readouterr().err
    assert newest_release(source).read_bytes() == before


def test_a_faulty_mapping_is_told_and_nothing_written(
    source: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (source / "mappings" / "fields.yaml").write_text("[]", encoding="utf-8")
    assert main(["--root", str(source)]) == 2
    assert "fields.yaml:1:" in capsys.readouterr().err
    assert not (source / "mappings" / "published").exists()


@pytest.mark.parametrize(
    ("file", "old", "new", "kind", "name"),
    [
        ("macros.conf", "[cloudhsm_utc(2)]", "[cloudhsm_utc(3)]", "macros", "cloudhsm_utc(2)"),
        (
            "eventtypes.conf",
            "[aws_cloudhsm_login]",
            "[logins]",
            "event types",
            "aws_cloudhsm_login",
        ),
        ("props.conf", "[aws:cloudhsm:audit]", "[audit]", "source types", "aws:cloudhsm:audit"),
        (
            "savedsearches.conf",
            "[AWS CloudHSM - Continuity from the index]",
            "[Continuity]",
            "saved searches",
            "AWS CloudHSM - Continuity from the index",
        ),
        ("transforms.conf", "[cloudhsm_log_types]", "[types]", "lookups", "cloudhsm_log_types"),
        (
            "transforms.conf",
            "trail, status, digest,",
            "trail, digest,",
            "columns of cloudhsm_sign_offs",
            "status",
        ),
        (
            "props.conf",
            "cloudhsm_log_types log_type AS log_type_key OUTPUT",
            "cloudhsm_log_types log_type_code AS log_type OUTPUT",
            "keys of cloudhsm_log_types",
            "log_type",
        ),
        ("../mappings/fields.yaml", "name: log_type\n", "name: kind\n", "fields of", "log_type"),
        ("../lookups/cloudhsm_log_types.csv", "log_type_label", "words", "columns of", "log_type_"),
    ],
)
def test_a_name_that_is_gone_breaks_a_promise(
    source: Path, file: str, old: str, new: str, kind: str, name: str
) -> None:
    before = present_names(source)
    assert broken_promises(before, before, "1.0.0") == []
    change(source / "default" / file, old, new)
    broken = broken_promises(before, present_names(source), "1.0.0")
    assert any(
        one.startswith(f"1.0.0 published '{name}") and f"among the {kind}" in one for one in broken
    )


def test_a_lookup_may_get_columns_and_must_not_get_keys() -> None:
    more = OLD | {
        "columns of table": ["code", "text", "label"],
        "macros": ["one", "three", "two(1)"],
    }
    assert broken_promises(OLD, more, "1.0.0") == []
    other = OLD | {"keys of table": ["code", "text"], "keys of another": ["name"]}
    (broken,) = broken_promises(OLD, other, "1.0.0")
    assert broken.startswith("1.0.0 published the keys of table without 'text': give")


def test_what_is_gone_as_a_whole_is_told_name_by_name() -> None:
    broken = broken_promises(OLD, {}, "1.0.0")
    assert len(broken) == 5
    assert all(
        "keep the name (an alias will do), or raise the major version" in one for one in broken
    )


@pytest.mark.parametrize("name", ["opcode_key", "cluster_in_source", "_time", "host"])
def test_neither_inner_workings_nor_splunks_own_fields_are_promised(name: str) -> None:
    fields = present_names(ROOT)["fields of aws:cloudhsm:audit"]
    assert name not in fields
    assert {"opcode", "cluster_id", "category", "user"} <= set(fields)


@pytest.mark.parametrize(
    ("release", "now", "holds"),
    [("1.2.3", "1.9.0", True), ("0.1.0", "0.2.0", True), ("1.2.3", "2.0.0", False)],
)
def test_only_a_new_major_version_may_break_promises(release: str, now: str, holds: bool) -> None:
    assert promises_hold(release, now) is holds


def test_releases_are_ordered_by_number(tmp_path: Path) -> None:
    folder = tmp_path / "mappings" / "published"
    folder.mkdir(parents=True)
    with pytest.raises(FileNotFoundError, match=r"has no <version>\.yaml"):
        newest_release(tmp_path)
    for name in ("0.9.0", "0.10.0", "0.2.11", "notes"):
        (folder / f"{name}.yaml").write_text("{}", encoding="utf-8")
    assert newest_release(tmp_path).stem == "0.10.0"


@pytest.mark.parametrize(
    ("text", "what"),
    [("macros: [", "2: is not YAML"), ("- one", "1: must hold"), ("macros: 7", "1: must hold")],
)
def test_a_damaged_file_of_a_release_is_told_with_its_line(
    tmp_path: Path, text: str, what: str
) -> None:
    path = tmp_path / "1.0.0.yaml"
    path.write_text(f"{text}\n", encoding="utf-8")
    with pytest.raises(MappingError) as caught:
        read_names(path)
    assert str(caught.value).startswith(f"{path}:{what}")

"""slim divides the real package as deployment.yaml says; planted faults are reported."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tools.build import package, setup_page
from tools.checks import slim_partition
from tools.checks.slim_partition import Files, PartitionProblem
from tools.content.deployment import schema
from tools.content.deployment.schema import Deployment

ROOT = Path(__file__).resolve().parents[3]
SEARCH, INDEX, FORWARD = "_search_heads", "_indexers", "_forwarders"
PROPS = "default/props.conf"
Parts = dict[str, dict[str, bytes]]


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package as it ships, with one library in place of all."""
    folder = tmp_path_factory.mktemp("package")
    (folder / "lib" / "common").mkdir(parents=True)
    (folder / "lib" / "common" / "six.py").write_text("# a library\n")
    page = folder / "page"
    page.mkdir()
    for name in setup_page.FILES:
        (page / name).write_text("// a page\n")
    staged = package.stage(ROOT, folder / "lib", folder, page)
    built = folder / f"{package.APP_ID}-{package.version(ROOT)}.tar.gz"
    built.write_bytes(package.packed(staged, package.released(ROOT)))
    return built


@pytest.fixture(scope="module")
def whole(archive: Path) -> Files:
    return slim_partition.files_of(archive.read_bytes())


@pytest.fixture(scope="module")
def divided(archive: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Files]:
    return slim_partition.partition(archive, tmp_path_factory.mktemp("divided"))


@pytest.fixture
def parts(divided: dict[str, Files]) -> Parts:
    """What slim made, for a test to spoil."""
    return {name: dict(files) for name, files in divided.items()}


@pytest.fixture(scope="module")
def truth() -> Deployment:
    return schema.read(ROOT)


@pytest.fixture
def misplaced(truth: Deployment, whole: Files, parts: Parts) -> Callable[[], list[str]]:
    return lambda: list(slim_partition.misplaced(truth, whole, parts))


def edit(files: dict[str, bytes], file: str, old: str, new: str) -> None:
    text = files[file].decode()
    assert old in text
    files[file] = text.replace(old, new, 1).encode()


def without(deployment: Deployment, kind: str, **change: object) -> Deployment:
    """The truth with other content of one kind."""
    kinds = [one.model_copy(update=change) if one.name == kind else one for one in deployment.kinds]
    return deployment.model_copy(update={"kinds": kinds})


def test_slim_divides_the_package_as_the_table_says(archive: Path) -> None:
    assert list(slim_partition.faults(archive)) == []


def test_the_division_is_one_into_what_is_searched_indexed_and_collected(parts: Parts) -> None:
    assert set(parts) == {SEARCH, INDEX, FORWARD}
    here = {
        name: {file for file in files if file.endswith(".conf")} for name, files in parts.items()
    }
    assert "default/inputs.conf" in here[FORWARD] - here[SEARCH] - here[INDEX]
    assert "default/savedsearches.conf" in here[SEARCH] - here[INDEX] - here[FORWARD]
    assert b"\nLINE_BREAKER" in parts[INDEX][PROPS]
    assert b"\nEVAL-" not in parts[INDEX][PROPS] + parts[FORWARD][PROPS]
    assert b"\nEVAL-" in parts[SEARCH][PROPS]


def test_slim_leaves_nothing_in_the_home_of_whoever_runs_it(
    archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home, work = tmp_path / "home", tmp_path / "work"
    home.mkdir()
    work.mkdir()
    for name in ("HOME", "XDG_CONFIG_HOME", "SLIM_REPOSITORY"):
        monkeypatch.setenv(name, str(home))
    slim_partition.partition(archive, work)
    assert list(home.iterdir()) == []


def test_a_new_file_must_be_placed(truth: Deployment, whole: Files) -> None:
    assert list(slim_partition.unplaced(truth, {**whole, "default/commands.conf": b""})) == [
        f"default/commands.conf: no kind of {schema.FILE} names it: add it to the one "
        "for where it works"
    ]


def test_a_new_setting_must_be_placed(truth: Deployment, whole: Files) -> None:
    files = {**whole, PROPS: whole[PROPS] + b"\n[x]\nTRANSFORMS-set = y\n"}
    (fault,) = slim_partition.unplaced(truth, files)
    assert fault.startswith(f"{PROPS}: [x] TRANSFORMS-set: no kind of ")


def test_what_is_placed_twice_is_told(truth: Deployment, whole: Files) -> None:
    doubled = without(truth, "searches", files=["default/savedsearches.conf", "default/tags.conf"])
    assert list(slim_partition.unplaced(doubled, whole)) == [
        f"default/tags.conf: is in several kinds of {schema.FILE}, fields and searches: "
        "leave it in one"
    ]


def test_a_pattern_that_names_nothing_is_told(truth: Deployment, whole: Files) -> None:
    stale = without(truth, "searches", files=["default/savedsearches.conf", "default/gone*.conf"])
    assert list(slim_partition.unplaced(stale, whole)) == [
        f"{schema.FILE}: searches: the package has nothing like default/gone*.conf: delete it"
    ]


@pytest.mark.parametrize(
    ("part", "setting", "fault"),
    [
        (SEARCH, "KV_MODE = none", "KV_MODE: slim leaves it out, but"),
        (INDEX, "SHOULD_LINEMERGE = false", "SHOULD_LINEMERGE: slim leaves it out, but"),
        (FORWARD, "TIME_FORMAT = %s%6N", "TIME_FORMAT: slim leaves it out, but"),
    ],
)
def test_a_setting_missing_where_it_works_is_told(
    misplaced: Callable[[], list[str]], parts: Parts, part: str, setting: str, fault: str
) -> None:
    edit(parts[part], PROPS, setting, "# gone")
    (said,) = misplaced()
    assert said.startswith(f"{part}: {PROPS}: [aws:cloudhsm:audit] {fault}")
    assert said.endswith("correct its kind, or give the reason in slim_differs")


def test_a_search_time_setting_on_a_forwarder_is_told(
    misplaced: Callable[[], list[str]], parts: Parts, whole: Files
) -> None:
    line = next(line for line in whole[PROPS].decode().splitlines() if line.startswith("EVAL-dvc"))
    edit(parts[FORWARD], PROPS, "TRUNCATE", f"{line}\nTRUNCATE")
    (said,) = misplaced()
    assert said.startswith(
        f"{FORWARD}: {PROPS}: [aws:cloudhsm:audit] EVAL-dvc: slim keeps it, but "
        f"by {schema.FILE} it does nothing on heavy forwarders"
    )


def test_files_too_many_missing_foreign_and_altered_are_told(
    misplaced: Callable[[], list[str]], parts: Parts, whole: Files
) -> None:
    lookup = "lookups/cloudhsm_cim.csv"
    parts[INDEX][lookup] = parts[SEARCH].pop(lookup)
    parts[FORWARD]["default/outputs.conf"] = b""
    parts[FORWARD]["LICENSE"] = b"another"
    edit(parts[INDEX], PROPS, "TRUNCATE = 10000000", "TRUNCATE = 10000")
    said = misplaced()
    assert [one.split(", but")[0] for one in said] == [
        f"{SEARCH}: {lookup}: slim leaves it out",
        f"{INDEX}: {lookup}: slim keeps it",
        f"{INDEX}: {PROPS}: [aws:cloudhsm:audit] TRUNCATE: slim altered it",
        f"{FORWARD}: default/outputs.conf: is not in the package",
        f"{FORWARD}: LICENSE: slim altered it",
    ]


def test_a_part_that_slim_did_not_make_is_told(
    misplaced: Callable[[], list[str]], parts: Parts
) -> None:
    del parts[INDEX]
    assert f"slim made no part {INDEX}: see targetWorkloads in app.manifest" in misplaced()


def test_an_exception_that_no_longer_occurs_is_told(
    misplaced: Callable[[], list[str]], parts: Parts, whole: Files
) -> None:
    for part in (INDEX, FORWARD):
        parts[part]["app.manifest"] = whole["app.manifest"]
    assert misplaced() == [
        f"{schema.FILE}: slim_differs: slim no longer leaves app.manifest out for "
        f"{role}: delete it there"
        for role in ("indexers", "heavy forwarders")
    ]


def test_what_has_no_place_is_one_fault_not_two(
    truth: Deployment, whole: Files, divided: dict[str, Files]
) -> None:
    new = {"default/commands.conf": b""}
    parts = {name: {**files, **new} for name, files in divided.items()}
    assert list(slim_partition.misplaced(truth, {**whole, **new}, parts)) == []


def test_a_conf_file_that_is_not_utf_8_is_told(truth: Deployment, whole: Files) -> None:
    with pytest.raises(PartitionProblem, match=f"{PROPS}: is not UTF-8: save it as UTF-8"):
        list(slim_partition.unplaced(truth, {**whole, PROPS: b"\xff"}))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A checkout with the truth, and without slim."""
    (tmp_path / schema.FILE).parent.mkdir(parents=True)
    shutil.copy(ROOT / schema.FILE, tmp_path / schema.FILE)
    return tmp_path


def test_without_slim_the_fault_says_how_to_get_it(archive: Path, root: Path) -> None:
    (said,) = slim_partition.faults(archive, root)
    assert said.startswith("slim is not installed: `python3 -m tools.build.environments slim`")


def test_a_package_that_slim_refuses_says_what_slim_said(tmp_path: Path) -> None:
    staged = tmp_path / package.APP_ID
    staged.mkdir()
    (staged / "app.manifest").write_text("{")
    refused = tmp_path / "x.tar.gz"
    refused.write_bytes(package.packed(staged, 0))
    with pytest.raises(PartitionProblem, match=r"slim partition failed: [\s\S]*app\.manifest"):
        slim_partition.partition(refused, tmp_path)


def test_a_damaged_package_is_told(tmp_path: Path) -> None:
    damaged = tmp_path / "x.tar.gz"
    damaged.write_bytes(b"no archive")
    (said,) = slim_partition.faults(damaged)
    assert said.startswith("a package cannot be read (")
    assert said.endswith("): build it again")

"""The archive holds what is listed, in the same bytes each time, or the build stops with words."""

from __future__ import annotations

import io
import json
import os
import shutil
import tarfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tools.build import package, setup_page
from tools.build.package import PackagingProblem
from tools.build.setup_page import PageProblem
from tools.content.deployment.schema import FILE as DEPLOYMENT

NORMALIZED = "bin/cloudhsm/siem"
RELEASED = 1_767_225_600  # 2026-01-01


def write(path: Path, text: str = "x\n") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """The smallest checkout that makes a package, its libraries already in build/lib."""
    root = tmp_path / "checkout"
    for name in package.REQUIRED:
        write(root / name)
    identity = {"id": {"version": "1.2.3"}, "releaseDate": "2026-01-01"}
    write(root / "app.manifest", json.dumps({"info": identity}))
    write(root / "default" / "app.conf", "[id]\nversion = 1.2.3\n[launcher]\nversion = 1.2.3\n")
    write(root / "bin" / "cloudhsm" / "__init__.py", '__version__ = "1.2.3"\n')
    write(root / "tests" / "test_x.py")
    write(root / "build" / "lib" / "common" / "six.py")
    for folder in (
        "mappings",
        "lookups",
        "detections",
        "dashboards",
        "default/data",
    ):
        shutil.copytree(package.ROOT / folder, root / folder)
    generated = [
        f"default/{name}.conf"
        for name in ("analyticstories", "macros", "props", "savedsearches", "transforms")
    ]
    pages = [
        f"docs/{name}.md"
        for name in ("cim", "dashboards", "deploy", "detections", "ecs", "fields", "ocsf", "sigma")
    ]
    tables = [f"{NORMALIZED}/{name}.json" for name in ("ecs_rows", "field_names", "ocsf_rows")]
    for file in [*generated, *pages, *tables, DEPLOYMENT]:
        (root / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(package.ROOT / file, root / file)
    return root


@pytest.fixture
def vendored(monkeypatch: pytest.MonkeyPatch) -> None:
    """Vendoring has nothing left to do, and the setup page is built."""

    def page(root: Path) -> Path:
        folder = root / setup_page.BUNDLE
        for name in setup_page.FILES:
            write(folder / name)
        return folder

    monkeypatch.setattr("tools.build.vendor.fill", lambda *_: False)
    monkeypatch.setattr("tools.build.setup_page.fill", page)


def staged(root: Path) -> Path:
    return package.stage(root, root / "build" / "lib", root / "build")


def names(content: bytes) -> set[str]:
    with tarfile.open(fileobj=io.BytesIO(content)) as archive:
        return {member.name for member in archive.getmembers() if member.isfile()}


@pytest.mark.parametrize(
    ("path", "answer"),
    [
        ("bin/aws_cloudhsm.py", True),
        ("bin/cloudhsm/trail/gap_ledger.py", True),
        ("bin/cloudhsm/siem/ocsf.py", True),
        ("bin/cloudhsm/siem/ocsf_rows.json", True),
        ("bin/cloudhsm/trail/deeper/x.py", False),
        ("bin/aws_cloudhsm.pyc", False),
        ("default/props.conf", True),
        ("default/data/ui/views/overview.xml", True),
        ("local/inputs.conf", False),
        ("lookups/cloudhsm_opcodes.csv", True),
        ("mappings/opcodes.yaml", False),
        ("static/appIcon.svg", False),
        ("tests/bin/conftest.py", False),
        ("pyproject.toml", False),
    ],
)
def test_only_listed_paths_ship(path: str, answer: bool) -> None:
    assert package.ships(path) is answer


@pytest.mark.usefixtures("vendored")
def test_a_build_writes_the_listed_files_and_the_libraries(root: Path) -> None:
    archive = package.build(root)
    assert archive == root / "dist" / "TA-aws-cloudhsm-1.2.3.tar.gz"
    lookups = {f"lookups/{path.name}" for path in (root / "lookups").iterdir()}
    generated = {f"default/{name}.conf" for name in ("analyticstories", "macros", "savedsearches")}
    generated.add("bin/cloudhsm/__init__.py")
    tables = {f"{NORMALIZED}/{path.name}" for path in (root / NORMALIZED).iterdir()}
    data = root / "default" / "data"
    views = {path.relative_to(root).as_posix() for path in data.rglob("*.xml")}
    wanted = {*package.REQUIRED, *lookups, *tables, *generated, *views, "lib/common/six.py"}
    wanted |= {f"appserver/static/{name}" for name in setup_page.FILES}
    assert names(archive.read_bytes()) == {f"TA-aws-cloudhsm/{name}" for name in wanted}


@pytest.mark.usefixtures("vendored")
def test_times_modes_and_bytecode_of_the_checkout_leave_no_trace(root: Path) -> None:
    first = package.build(root).read_bytes()
    (root / "bin" / "aws_cloudhsm.py").chmod(0o777)
    (root / "default" / "props.conf").touch()
    write(root / "bin" / "__pycache__" / "aws_cloudhsm.cpython-39.pyc")
    write(root / "build" / "lib" / "common" / "__pycache__" / "six.cpython-39.pyc")
    assert package.build(root).read_bytes() == first

    write(root / "README.md", "y\n")
    assert package.build(root).read_bytes() != first


def test_members_have_the_release_date_no_owner_and_plain_modes(root: Path) -> None:
    folder = staged(root)
    if os.geteuid() == 0:
        os.chown(folder / "LICENSE", 1234, 1234)
    content = package.packed(folder, package.released(root))
    with tarfile.open(fileobj=io.BytesIO(content)) as archive:
        for member in archive.getmembers():
            assert member.mtime == RELEASED
            assert (member.uid, member.gid, member.uname, member.gname) == (0, 0, "", "")
            assert member.mode == (0o755 if member.isdir() else 0o644)


def test_a_file_that_was_removed_from_the_sources_leaves_the_package(root: Path) -> None:
    write(root / "bin" / "cloudhsm" / "old.py")
    assert (staged(root) / "bin/cloudhsm/old.py").exists()
    (root / "bin" / "cloudhsm" / "old.py").unlink()
    assert not (staged(root) / "bin/cloudhsm/old.py").exists()


@pytest.mark.parametrize("stray", ["bin/notes.txt", "default/.props.conf.swp", "static/x/a.png"])
def test_a_stray_file_in_a_shipped_folder_stops_the_build(root: Path, stray: str) -> None:
    write(root / stray)
    with pytest.raises(PackagingProblem, match=rf"{stray}: lies in a folder that ships"):
        staged(root)


def test_a_symbolic_link_stops_the_build(root: Path) -> None:
    (root / "lookups" / "link.csv").symlink_to("/etc/hostname")
    with pytest.raises(PackagingProblem, match=r"link\.csv: a symbolic link cannot ship"):
        staged(root)


@pytest.mark.parametrize("name", ["LICENSE", "bin/aws_cloudhsm.py"])
def test_a_missing_file_stops_the_build(root: Path, name: str) -> None:
    (root / name).unlink()
    with pytest.raises(PackagingProblem, match=f"{name}: is missing"):
        staged(root)


@pytest.mark.usefixtures("vendored")
def test_lookups_that_do_not_follow_from_the_mappings_stop_the_build(root: Path) -> None:
    with (root / "lookups" / "cloudhsm_opcodes.csv").open("a") as lookup:
        lookup.write("x\n")
    with pytest.raises(PackagingProblem, match="not what `make generate` makes"):
        package.build(root)


@pytest.mark.usefixtures("vendored")
def test_a_package_that_is_too_big_stops_the_build(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(package, "MAX_BYTES", 1000)
    with pytest.raises(
        PackagingProblem, match=r"TA-aws-cloudhsm-1\.2\.3\.tar\.gz has .* more than"
    ):
        package.build(root)


@pytest.mark.usefixtures("vendored")
def test_without_node_one_line_names_what_to_install(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(_: Path) -> Path:
        raise PageProblem("the setup page needs Node 20.19, 22.12 or newer")

    monkeypatch.setattr("tools.build.setup_page.fill", missing)
    with pytest.raises(PackagingProblem, match=r"^the setup page needs Node 20\.19.*$"):
        package.build(root)
    assert not (root / "dist").exists()


@pytest.mark.usefixtures("vendored")
def test_the_demo_gets_a_package_without_the_page_and_without_node(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tools.build.setup_page.fill", None)
    archive = package.build_without_page(root)
    assert archive.is_relative_to(root / "build")
    assert not [name for name in names(archive.read_bytes()) if "/appserver/" in name]


@pytest.mark.parametrize("manifest", ["{", "{}", '{"info": {"releaseDate": "soon"}}'])
def test_a_manifest_without_a_release_date_stops_the_build(root: Path, manifest: str) -> None:
    write(root / "app.manifest", manifest)
    with pytest.raises(PackagingProblem, match=r"info\.releaseDate must be a date"):
        package.released(root)


def test_an_app_conf_without_a_version_stops_the_build(root: Path) -> None:
    write(root / "default" / "app.conf", "[launcher]\nversion = 1.2.3\n")
    with pytest.raises(PackagingProblem, match=r"\[id\] with version is missing"):
        package.version(root)


@pytest.mark.usefixtures("vendored")
def test_builds_of_one_checkout_at_the_same_time_do_not_meet(root: Path) -> None:
    with ThreadPoolExecutor(6) as pool:
        archives = list(pool.map(lambda _: package.build(root), range(12)))
    assert len({archive.read_bytes() for archive in archives}) == 1
    assert [path.name for path in (root / "dist").iterdir()] == [archives[0].name]

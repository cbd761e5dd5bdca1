"""The functions' archive holds all they need and nothing else."""

from __future__ import annotations

import io
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tools.build import push
from tools.build.environments import plan
from tools.build.package import ROOT


def content() -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(push.packed(ROOT))) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def test_it_holds_our_rooms_and_of_the_add_on_those_that_they_need() -> None:
    names = set(content())
    assert {one for one in names if one.startswith("cloudhsm/")} == {
        "cloudhsm/__init__.py",
        "cloudhsm/base/__init__.py",
        "cloudhsm/base/errors.py",
        "cloudhsm/splunk/__init__.py",
        "cloudhsm/splunk/event_writer.py",
        "cloudhsm/trail/__init__.py",
        "cloudhsm/trail/log_group.py",
        "cloudhsm/trail/record_identity.py",
    }
    ours = {f"cloudhsm_push/{path.name}" for path in (ROOT / "push/cloudhsm_push").glob("*.py")}
    assert names - {one for one in names if one.startswith("cloudhsm/")} == {"LICENSE", *ours}


def test_the_same_sources_give_the_same_bytes_readable_to_everybody() -> None:
    first, second = push.packed(ROOT), push.packed(ROOT)
    assert first == second
    with zipfile.ZipFile(io.BytesIO(first)) as archive:
        assert {one.external_attr >> 16 for one in archive.infolist()} == {0o644}


@pytest.mark.parametrize("interpreter", ["dev", "py313"])
@pytest.mark.parametrize("handler", ["transform", "subscribe", "redrive"])
def test_every_handler_of_the_template_is_found_in_the_archive_alone(
    interpreter: str, handler: str, tmp_path: Path
) -> None:
    """On Lambda's Python too; boto3 comes with Lambda and is asked for only in a call."""
    archive = tmp_path / "push.zip"
    archive.write_bytes(push.packed(ROOT))
    environment = plan(interpreter)
    python = sys.executable if environment is None else str(environment.python)
    if environment is None:
        print(f"{interpreter}: not found, tried on {python}")
    code = (
        f"import sys; sys.path.insert(0, {str(archive)!r})\n"
        f"import cloudhsm_push.{handler} as it\n"
        "assert callable(it.handler) and 'push.zip' in it.__file__ and 'boto3' not in sys.modules"
    )
    done = subprocess.run([python, "-I", "-S", "-c", code], capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    assert f"Handler: cloudhsm_push.{handler}.handler" in (ROOT / "push" / push.TEMPLATE).read_text(
        "utf-8"
    )


def test_both_files_lie_in_dist_with_the_version_in_the_archives_name(
    tmp_path: Path,
) -> None:
    for name in ("push", "bin/cloudhsm", "default"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).symlink_to(ROOT / name)
    for name in ("LICENSE", "app.manifest"):
        (tmp_path / name).symlink_to(ROOT / name)
    archive, template = push.build(tmp_path)
    assert archive.name.startswith("cloudhsm-push-0.")
    assert template.read_bytes() == (ROOT / "push" / push.TEMPLATE).read_bytes()

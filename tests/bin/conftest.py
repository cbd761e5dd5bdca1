"""Puts the vendored libraries on the path, as `bin/aws_cloudhsm.py` does inside Splunk."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LIBRARIES = ROOT / "build" / "lib"

if not LIBRARIES.is_dir():
    raise RuntimeError(f"{LIBRARIES} is missing: run `make test`, which vendors it first")

sys.path[:0] = [
    str(LIBRARIES / ("py39" if sys.version_info < (3, 10) else "py313")),
    str(LIBRARIES / "common"),
]


@pytest.fixture(scope="session")
def app(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The add-on as it is installed: bin/ next to lib/."""
    folder = tmp_path_factory.mktemp("apps") / "TA-aws-cloudhsm"
    shutil.copytree(ROOT / "bin", folder / "bin", ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "lib").symlink_to(LIBRARIES)
    return folder

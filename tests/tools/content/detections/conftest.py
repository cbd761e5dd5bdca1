from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tools.content import generated
from tools.content.deployment.schema import FILE as DEPLOYMENT
from tools.content.detections import __main__ as detections

ROOT = Path(__file__).resolve().parents[4]
STEM = "crypto_officer_created"


class Build:
    """A copy of the add-on with one detection, which a test may spoil, and the two builds."""

    def __init__(self, folder: Path) -> None:
        self.root = folder
        self.path = folder / "detections" / f"{STEM}.yml"

    def change(self, old: str, new: str) -> None:
        """Replace a text that stands in the detection once at least."""
        text = self.path.read_text(encoding="utf-8")
        assert old in text
        self.path.write_text(text.replace(old, new), encoding="utf-8")

    def generate(self) -> int:
        """`make generate`."""
        return generated.run(self.root, check=False)

    def review(self) -> int:
        """`make detections`."""
        return detections.main(["--root", str(self.root)])


@pytest.fixture
def build(tmp_path: Path) -> Build:
    for folder in ("default", "lookups", "metadata", "mappings", "dashboards", "docs"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    (tmp_path / "bin" / "cloudhsm").mkdir(parents=True)
    (tmp_path / DEPLOYMENT).parent.mkdir(parents=True)
    for name in ("app.manifest", "bin/cloudhsm/__init__.py", DEPLOYMENT):
        shutil.copy(ROOT / name, tmp_path / name)
    (tmp_path / "detections").mkdir()
    shutil.copy(ROOT / "detections" / f"{STEM}.yml", tmp_path / "detections")
    made = Build(tmp_path)
    assert made.generate() == 0
    return made


Told = Callable[[], str]


@pytest.fixture
def told(capsys: pytest.CaptureFixture[str], build: Build) -> Told:
    """What was written to standard error since, without the folder."""
    return lambda: capsys.readouterr().err.replace(f"{build.root}/", "")

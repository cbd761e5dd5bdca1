"""tests/slow.txt lists files that exist, once each, in order."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def test_every_listed_file_exists_and_is_listed_once() -> None:
    lines = (ROOT / "tests" / "slow.txt").read_text("utf-8").splitlines()
    listed = [line for line in lines if not line.startswith("#")]
    assert listed == sorted(set(listed))
    assert [name for name in listed if not (ROOT / name).is_file()] == []

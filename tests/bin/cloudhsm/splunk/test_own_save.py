"""What the add-on itself saves is not validated like what a person saves."""

from __future__ import annotations

import os
import time
from pathlib import Path

from cloudhsm.splunk.own_save import announced, is_announced


def test_an_input_is_announced_while_it_is_saved(tmp_path: Path) -> None:
    folder = tmp_path / "not made yet"
    assert not is_announced(folder, "a/b")
    with announced(folder, "a/b"):
        assert is_announced(folder, "a/b")
        assert not is_announced(folder, "a_b")
    assert not is_announced(folder, "a/b")


def test_a_marker_that_a_crash_left_is_ignored(tmp_path: Path) -> None:
    with announced(tmp_path, "a"):
        (marker,) = tmp_path.iterdir()
        os.utime(marker, (time.time() - 3600,) * 2)
        assert not is_announced(tmp_path, "a")


def test_a_folder_that_cannot_be_written_prevents_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with announced(tmp_path / "file", "a"):
        assert not is_announced(tmp_path / "file", "a")

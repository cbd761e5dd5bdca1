"""Every release that a person pinned is locked with hashes, and no lock has an address."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tools.build import lock
from tools.build.environments import ROOT, EnvironmentProblem, installed_uv

SOURCES = sorted((ROOT / "requirements").glob("*.in"))


def pins(text: str) -> set[tuple[str, str]]:
    """Name and release of each package, as PyPI compares names."""
    found = re.findall(r"(?m)^([A-Za-z0-9._-]+)==([^\s;\\]+)", text)
    return {(re.sub(r"[-_.]+", "-", name).lower(), release) for name, release in found}


def with_included(source: Path) -> str:
    text = source.read_text("utf-8")
    return re.sub(r"(?m)^-r (\S+)$", lambda one: with_included(source.parent / one[1]), text)


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.stem)
def test_a_lock_has_each_pinned_release_with_its_hashes(source: Path) -> None:
    locked = source.with_suffix(".txt").read_text("utf-8")
    pinned = with_included(source)
    assert pins(locked) <= pins(pinned)
    assert pins(locked) >= pins(re.sub(r"(?m)^.*;.*$", "", pinned))  # others need not apply here
    for entry in re.split(r"(?m)^(?=[A-Za-z0-9])", locked)[1:]:
        assert re.search(r"--hash=sha256:[0-9a-f]{64}", entry), entry.splitlines()[0]


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.stem)
def test_a_lock_names_no_host_and_no_path(source: Path) -> None:
    assert not re.search(r"://|(?m:^ *-)(?!-hash)|/", source.with_suffix(".txt").read_text("utf-8"))


def test_a_file_that_uv_cannot_lock_is_named_with_uvs_words(tmp_path: Path) -> None:
    source = tmp_path / "x.in"
    source.write_text("six==0.0.999\n")
    with pytest.raises(EnvironmentProblem, match=r"x\.in: uv cannot lock it\n"):
        lock.lock(source, installed_uv(ROOT))


@pytest.mark.parametrize("line", ["six", "six>=1", "six==", "./six", "git+https://x/y", "--pre"])
def test_a_line_that_pins_no_release_is_named(tmp_path: Path, line: str) -> None:
    source = tmp_path / "x.in"
    source.write_text(f"# why\n{line}\n")
    with pytest.raises(EnvironmentProblem, match=r"x\.in:2: write NAME==RELEASE"):
        lock.lock(source, Path("/no/uv"))

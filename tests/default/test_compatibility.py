"""What the last release published by name is still there: people have built searches on it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.tools.build.releases import broken_promises, newest_release, promises_hold, read_names
from tools.build.package import version
from tools.build.published_names import present_names

ROOT = Path(__file__).resolve().parents[2]
RELEASE = newest_release(ROOT)
PUBLISHED = read_names(RELEASE)


@pytest.mark.parametrize("kind", PUBLISHED)
def test_every_name_that_the_last_release_published_is_still_there(kind: str) -> None:
    if not promises_hold(RELEASE.stem, version(ROOT)):
        pytest.skip(f"a new major version may break what {RELEASE.stem} promised")
    assert broken_promises({kind: PUBLISHED[kind]}, present_names(ROOT), RELEASE.stem) == []


def test_the_last_release_published_names_of_every_kind() -> None:
    for kind in present_names(ROOT):
        if not kind.startswith(("keys of ", "columns of ")):
            assert PUBLISHED[kind], kind

"""No test may reach the AWS account, profile or proxy of the person who runs it, nor its speed."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

for _name in list(os.environ):
    if _name.upper().startswith("AWS_") or _name.upper().endswith("_PROXY"):
        del os.environ[_name]
os.environ["AWS_CONFIG_FILE"] = os.environ["AWS_SHARED_CREDENTIALS_FILE"] = os.devnull

# How long an example takes says how busy the machine is, not whether the code is right.
settings.register_profile("unhurried", deadline=None)
settings.register_profile("repeatable", deadline=None, derandomize=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "unhurried"))

_TESTS = Path(__file__).parent


@pytest.fixture(autouse=True)
def proxies_as_before() -> Iterator[None]:
    """The collector adds addresses to NO_PROXY of its process, which here is that of all tests."""
    before = {name: os.environ.get(name) for name in ("no_proxy", "NO_PROXY")}
    yield
    for name, value in before.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value


def _slow_files() -> set[Path]:
    listed = (_TESTS / "slow.txt").read_text(encoding="utf-8").splitlines()
    return {_TESTS.parent / name for name in listed if name and not name.startswith("#")}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks the tests of the files in slow.txt, which `make check` leaves out."""
    slow = _slow_files()
    for item in items:
        if item.path in slow:
            item.add_marker(pytest.mark.slow)

"""Assumption 53: bin; Search Reference, "bin"."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from emulator.errors import SearchError
from emulator.spl.context import Context, ResultRow
from emulator.spl.pipeline import run

Piped = Callable[..., list[ResultRow]]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("bin _time span=5m", "1772323200"),
        ("bucket span=1h _time", "1772323200"),
        ("bin _time span=60", "1772323440"),
        ("bin span=1d _time", "1772323200"),
    ],
)
def test_a_time_becomes_the_beginning_of_its_bin(text: str, expected: str) -> None:
    """bucket is an alias; without a unit, seconds; a day begins at midnight (UTC here)."""
    context = Context(events=[{"_time": "1772323499.75"}])

    assert run(f"* | {text}", context).rows == [{"_time": expected}]


def test_a_new_name_leaves_the_field_alone() -> None:
    context = Context(events=[{"_time": "3601.5"}])

    assert run("* | bin _time span=1h AS hour", context).rows == [
        {"_time": "3601.5", "hour": "3600"}
    ]


def test_a_number_becomes_the_range_of_its_bin(piped: Piped) -> None:
    rows: list[ResultRow] = [{"v": "0"}, {"v": "9.5"}, {"v": "10"}, {"v": "-1"}, {}]

    assert piped("bin v span=10", rows) == [
        {"v": "0-10"}, {"v": "0-10"}, {"v": "10-20"}, {"v": "-10-0"}, {},
    ]  # fmt: skip


@pytest.mark.parametrize(
    "text",
    [
        "bin _time",
        "bin span=5m",
        "bin v span=5m",
        "bin v span=0",
        "bin v span=1.5",
        "bin _time span=2d",
        "bin _time span=1mon",
        "bin _time span=0",
        "bin _time bins=10",
        "bin _time span=1h aligntime=@d",
        "bin v w span=5",
        "bin t span=5",
        "bin m span=5",
    ],
)
def test_what_is_malformed_or_not_modelled_is_refused(piped: Piped, text: str) -> None:
    with pytest.raises(SearchError):
        piped(text, [{"v": "1", "t": "x", "m": ["1", "2"]}])

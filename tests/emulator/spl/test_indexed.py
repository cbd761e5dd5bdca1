"""Assumption 59: tstats; Search Reference, "tstats"."""

from __future__ import annotations

import pytest

from emulator.errors import EmulatorError
from emulator.spl.context import Context
from emulator.spl.pipeline import run

_EVENTS = [
    {
        "_time": "7300.5",
        "_indextime": "7400",
        "index": "main",
        "host": "h2",
        "source": "s",
        "x": "1",
    },
    {"_time": "3700", "_indextime": "3800", "index": "main", "host": "h1", "source": "s", "x": "1"},
    {"_time": "3600", "_indextime": "3700", "index": "main", "host": "h1", "source": "t", "x": "1"},
    {"_time": "10", "_indextime": "9000", "index": "other", "host": "h1", "source": "s", "x": "1"},
]


def _rows(text: str, **times: float) -> list[tuple[object, ...]]:
    context = Context(events=_EVENTS, **times)  # type: ignore[arg-type]
    return [tuple(row.values()) for row in run(f"| tstats {text}", context).rows]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("count where index=*", [("4",)]),
        ("count where index=main by host", [("h1", "2"), ("h2", "1")]),
        (
            "min(_time) AS a max(_time) AS b latest(source) AS c where index=main host=h1",
            [("3600", "3700", "s")],
        ),
        ("count where index=* host=h1 by _time span=1h", [("0", "1"), ("3600", "2")]),
        (
            "dc(source) AS n where index=main by host, _time span=1h",
            [("h1", "3600", "2"), ("h2", "7200", "1")],
        ),
        ("max(_indextime) AS m where index=main OR index=none", [("7400",)]),
        ("count where index=* source IN (t, u)", [("1",)]),
        ('count where (index="main" NOT host = h2) OR (index=other AND source!=t)', [("3",)]),
    ],
)
def test_statistics_of_indexed_fields(text: str, expected: list[tuple[str, ...]]) -> None:
    """With a span, _time of a row is the beginning of its bin."""
    assert _rows(text) == expected


def test_the_time_range_of_the_search_counts() -> None:
    assert _rows("count where index=*", earliest=3600, latest=7300.5) == [("2",)]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("count where index=* x=1", "x is no indexed field; it knows _indextime, _time, host"),
        ("count where index=* x IN (1, 2)", "x is no indexed field"),
        ("count where index=* error", "error without a field"),
        ('count where index=* ("x=1" OR host=h1)', '"" without a field'),
        ("count where index=* by x", "x is no indexed field"),
        ("sum(x) where index=*", "x is no indexed field"),
        ("count", "tstats is modelled as"),
        ("count from datamodel=Change", "tstats is modelled as"),
        ("count where index=* by _time", "by _time needs a span"),
        ("count where index=* by host span=1h", "by _time needs a span"),
        ("max(_time) where index=* by _time span=1h", "with by _time"),
        ("count where index=* by _time span=1mon", "span=1mon is not modelled"),
        ("summariesonly=t count where index=*", "does not model 'summariesonly=t'"),
        ("count where index=* AND", "unexpected the end"),
    ],
)
def test_what_the_index_does_not_know_is_refused(text: str, message: str) -> None:
    with pytest.raises(EmulatorError, match=message):
        _rows(text)


def test_tstats_must_be_the_first_command() -> None:
    with pytest.raises(EmulatorError, match="'tstats' must be the first command"):
        run("* | tstats count where index=*", Context())

"""Assumption 58: append and appendpipe; Search Reference, pages of these names."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from emulator.conf.macros import Macros
from emulator.errors import SearchError
from emulator.spl.context import Context, ResultRow
from emulator.spl.pipeline import check, run

Piped = Callable[..., list[ResultRow]]


def test_append_adds_another_search_of_the_same_time_range_after_the_rows() -> None:
    events = [{"_time": str(time), "v": str(time)} for time in (3, 2, 1)]
    context = Context(events=events, earliest=2)
    table = run("v=3 | table v | append [search v<3 | stats count by v]", context)

    assert (table.rows, table.columns) == ([{"v": "3"}, {"v": "2", "count": "1"}], ("v", "count"))


def test_append_beyond_what_splunk_keeps_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Search Reference, "append", maxout: 50,000, which would take long here."""
    monkeypatch.setattr("emulator.spl.appending._MOST", 2)

    assert len(run("* | append [| makeresults count=2]", Context()).rows) == 2
    with pytest.raises(SearchError, match="Splunk silently drops the rows after the first 2"):
        run("* | append [| makeresults count=3]", Context())


def test_appendpipe_runs_on_the_rows_themselves(piped: Piped) -> None:
    """The example of searchbnf.conf: subtotals after the rows."""
    rows: list[ResultRow] = [
        {"action": "a", "user": "x"}, {"action": "a", "user": "y"}, {"action": "b", "user": "x"},
    ]  # fmt: skip
    text = (
        "stats count by action user"
        ' | appendpipe [stats sum(count) as count by action | eval user="ALL"]'
    )

    assert piped(text, rows)[3:] == [
        {"action": "a", "count": "2", "user": "ALL"},
        {"action": "b", "count": "1", "user": "ALL"},
    ]


def test_appendpipe_leaves_the_rows_alone(piped: Piped) -> None:
    assert piped("appendpipe [eval a=2]", [{"a": "1"}]) == [{"a": "1"}, {"a": "2"}]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("* | append", "append is modelled as"),
        ("* | append maxout=5 [search x]", "without options"),
        ("* | append [search x] [search y]", "append is modelled as"),
        ("* | append [search x | statz]", "Unknown search command 'statz'"),
        ("* | appendpipe [statz]", "Unknown search command 'statz'"),
        ("* | appendpipe [| stats count]", "begins without a pipe"),
        ("* | appendpipe run_in_preview=f [stats count]", "without options"),
    ],
)
def test_faults_show_without_running(text: str, message: str) -> None:
    with pytest.raises(SearchError, match=message):
        check(text, Macros({}))

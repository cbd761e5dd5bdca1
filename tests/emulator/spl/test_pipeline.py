"""Assumptions 34, 35 and 43: where a search begins, what it refers to, and what it writes."""

from __future__ import annotations

import pytest

from emulator.conf.conf_file import parse_conf
from emulator.conf.macros import Macros
from emulator.errors import EmulatorError, SearchError
from emulator.spl.context import Context, ResultRow, Results
from emulator.spl.pipeline import check, compiled_search, run

_WHO = "/services/authentication/current-context splunk_server=local"


def _times(context: Context) -> list[object]:
    return [row["_time"] for row in run("x=1", context).rows]


def test_a_search_begins_with_the_events_of_its_time_range_newest_first() -> None:
    """The earliest time is inside the range, the latest is not."""
    events = [{"_time": str(time), "x": "1"} for time in (4, 3, 2, 1)]

    assert _times(Context(events=events)) == ["4", "3", "2", "1"]
    assert _times(Context(events=events, earliest=2, latest=4)) == ["3", "2"]


def test_macros_are_expanded_before_anything_else() -> None:
    conf = parse_conf("[m(1)]\nargs = n\ndefinition = x=1 | head $n$\n", "macros.conf")
    context = Context(
        events=[{"_time": "1", "x": "1"}, {"_time": "0", "x": "1"}], macros=Macros.from_conf(conf)
    )

    assert len(run("`m(1)`", context).rows) == 1


def test_a_subsearch_is_replaced_by_its_field_search() -> None:
    """Search Manual, "Change the format of subsearch results"."""
    context = Context(events=[{"_time": "0"}], user="alice")
    results = run(
        f'* | eval who=[| rest {_WHO} | eval search="\\"" . username . "!\\"" | fields search]',
        context,
    )

    assert results.rows == [{"_time": "0", "who": "alice!"}]


def test_a_saved_search_runs_by_name_in_the_time_range_of_the_search() -> None:
    context = Context(
        events=[{"_time": "2", "x": "1"}, {"_time": "1", "x": "1"}],
        latest=2,
        saved_searches={"A b": "x=1 | stats count"},
    )

    assert run('| savedsearch "A b" | eval count=count+1', context).rows == [{"count": "2"}]
    with pytest.raises(SearchError, match="Unable to find saved search named 'A c'"):
        run('| savedsearch "A c"', context)


def test_a_compiled_search_runs_again_over_other_events() -> None:
    search = compiled_search("x=1 | stats count | eval at=now()", Macros({}))

    for count, now in ((1, 5), (2, 9)):
        context = Context(events=[{"_time": "0", "x": "1"}] * count, now=now)
        assert search.run(context).rows == [{"count": str(count), "at": str(now)}]


def test_the_commands_after_the_first_one_run_on_given_rows() -> None:
    search = compiled_search("x=1 | head 1 | fields x", Macros({}))

    assert search.after_first(Results([{"x": "7"}, {"x": "8"}]), Context()).rows == [{"x": "7"}]


@pytest.mark.parametrize(
    ("text", "chosen"),
    [
        ("x=1 y=2 | stats count", [False, True]),
        ("search x=1 | stats count", [True, True]),
        ("| makeresults | search x=1", None),
        ("| tstats count where index=*", None),
        ("x=[search y=1] | stats count", None),
    ],
)
def test_a_search_has_the_predicate_of_its_events(text: str, chosen: list[bool] | None) -> None:
    selects = compiled_search(text, Macros({})).selects
    events: list[ResultRow] = [{"x": "1"}, {"x": "1", "y": "2"}]

    assert (selects and [selects(event) for event in events]) == chosen


def test_now_is_when_the_search_began_but_not_inside_quotes() -> None:
    """Search Reference, "now": in whole seconds."""
    context = Context(events=[{"_time": "0"}], now=7.6)

    (row,) = run('* | eval a=now()+1, b="now()"', context).rows
    assert (row["a"], row["b"]) == ("9", "now()")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("* | statz count", "Unknown search command 'statz'"),
        ("| where a=1", "'where' needs rows before it"),
        ("* | rest /x", "'rest' must be the first command"),
        ('* | savedsearch "x"', "must be the first command"),
        ("| rest /services/x", "rest is modelled as"),
        ("| savedsearch a b=c", "with a name and without replacements"),
        ("* | eval a=[| rest /services/x]", "rest is modelled as"),
        ("* | eval a=[x=1 | statz]", "Unknown search command 'statz'"),
        ("* | eval a=foo(1)", "'foo' function is unsupported"),
        ("`none`", "macro 'none' cannot be found"),
    ],
)
def test_faults_show_without_running(text: str, message: str) -> None:
    with pytest.raises(EmulatorError, match=message):
        check(text, Macros({}))


def test_a_search_may_begin_with_what_also_follows_a_pipe() -> None:
    check("| inputlookup l | inputlookup append=true l", Macros({}))


def test_a_sound_search_is_checked_without_running() -> None:
    check(f"x=1 | eval a=[| rest {_WHO} | eval search=1 | fields search]", Macros({}))


@pytest.mark.parametrize(
    "inner", ["x=2 | fields search", "x=1 | fields a", 'x=1 | eval search="1" | fields search a']
)
def test_other_results_of_a_subsearch_are_refused(inner: str) -> None:
    context = Context(events=[{"_time": "0", "x": "1", "a": "1"}])

    with pytest.raises(SearchError, match="a subsearch is modelled if"):
        run(f"* | eval b=[search {inner}]", context)

"""Assumptions 43 and 46: reading and writing KV store collections, and lookups."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from emulator.app import App
from emulator.errors import EmulatorError, SearchError
from emulator.spl.context import Context, Records, ResultRow
from emulator.spl.pipeline import run

Collected = Callable[..., Context]

_COLLECTIONS = "[c]\nfield.a = string\nfield.b = string\n"
_LOOKUP = "[l]\nexternal_type = kvstore\ncollection = c\nfields_list = a, b\n"
_KEYED = _LOOKUP.replace("[l]", "[keyed]").replace("a, b", "_key, a, b")


@pytest.fixture
def collected(app: Callable[..., App]) -> Collected:
    """A search over two events `a=1` and `a=2`, the newest first, and records in the collection c,
    which the lookups l and keyed show.
    """
    loaded = app(
        collections=_COLLECTIONS,
        transforms=f"{_LOOKUP}{_KEYED}[t]\nfilename = t.csv\n",
        t_csv="a,label\n1,one\n2,\n",
    )

    def context(records: Sequence[dict[str, str]] = ()) -> Context:
        stored: Records = [*records]
        events = [{"_time": "1", "a": "1"}, {"_time": "0", "a": "2"}]
        return Context(events=events, lookups=loaded.knowledge.lookups, stores={"c": stored})

    return context


def _rows(text: str, context: Context) -> list[ResultRow]:
    return run(text, context).rows


def test_records_come_after_the_rows_with_append_and_alone_as_the_first_command(
    collected: Collected,
) -> None:
    context = collected([{"_key": "k", "a": "9", "b": "x"}])

    assert _rows("* | table a | inputlookup append=true l", context) == [
        {"a": "1"}, {"a": "2"}, {"a": "9", "b": "x"},
    ]  # fmt: skip
    assert _rows("| inputlookup l", context) == [{"a": "9", "b": "x"}]
    assert _rows("| inputlookup keyed", context) == [{"_key": "k", "a": "9", "b": "x"}]


def test_the_rows_of_a_file_are_read_without_its_empty_cells(collected: Collected) -> None:
    assert _rows("| inputlookup t", collected()) == [{"a": "1", "label": "one"}, {"a": "2"}]


def test_outputlookup_replaces_unless_it_appends_and_passes_the_rows_on(
    collected: Collected,
) -> None:
    """Search Reference, "outputlookup": append=false writes the results to the collection."""
    context = collected([{"a": "9"}])

    assert _rows("* | table a | outputlookup append=true l", context) == [{"a": "1"}, {"a": "2"}]
    assert context.stores["c"] == [{"a": "9"}, {"a": "1"}, {"a": "2"}]
    _rows("* a=2 | table a | outputlookup l", context)
    assert context.stores["c"] == [{"a": "2"}]
    _rows("* a=3 | outputlookup l", context)
    assert context.stores["c"] == []


def test_a_key_field_updates_records_and_adds_others(collected: Collected) -> None:
    """Search Reference, "outputlookup": key_field makes append=true the default."""
    context = collected([{"_key": "1", "a": "1", "b": "old"}, {"_key": "7", "a": "7"}])

    _rows("* | table a | outputlookup l key_field=a", context)

    assert context.stores["c"] == [
        {"_key": "1", "a": "1"}, {"_key": "7", "a": "7"}, {"_key": "2", "a": "2"},
    ]  # fmt: skip
    _rows("* a=2 | table a | outputlookup append=false key_field=a l", context)
    assert context.stores["c"] == [{"_key": "2", "a": "2"}]


def test_of_two_rows_with_one_key_the_last_stays(collected: Collected) -> None:
    context = collected()

    _rows('* | table a | eval b="k" | outputlookup key_field=b l', context)

    assert context.stores["c"] == [{"_key": "k", "a": "2", "b": "k"}]


def test_a_record_that_was_read_with_its_key_is_updated(collected: Collected) -> None:
    context = collected([{"_key": "k", "a": "1", "b": "old"}])

    _rows('| inputlookup keyed | eval b="new" | outputlookup keyed append=True', context)

    assert context.stores["c"] == [{"_key": "k", "a": "1", "b": "new"}]


def test_internal_fields_that_the_lookup_does_not_list_are_left_out(collected: Collected) -> None:
    context = collected()

    assert _rows("* a=1 | outputlookup l", context) == [{"_time": "1", "a": "1"}]
    assert context.stores["c"] == [{"a": "1"}]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("* | inputlookup append=true none", "no KV store lookup [none]"),
        ("* | outputlookup t", "no KV store lookup [t]"),
        ("| inputlookup c", "no KV store lookup [c]"),
        ("* | inputlookup l", "as the first command only"),
        ("* | inputlookup append=true l where", "of a lookup only"),
        ("* | inputlookup append=true l where a=1", "does not model the option a"),
        ("* | outputlookup none", "no KV store lookup [none]"),
        ("* | outputlookup max=1 l", "does not model the option max"),
        ("* | outputlookup", "of a lookup only"),
        ("* | eval z=1 | outputlookup l", "the lookup l has no field z"),
        ("* | outputlookup key_field=b l", "a row without the key field b"),
        ("* | eval b=mvappend(a, a) | outputlookup l", "multivalue field b"),
    ],
)
def test_what_a_collection_cannot_do_is_refused(
    collected: Collected, text: str, message: str
) -> None:
    with pytest.raises(SearchError) as caught:
        _rows(text, collected())
    assert message in str(caught.value)


# --- lookup


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("lookup t a", [{"a": "1", "label": "one"}, {"a": "2"}]),
        ("lookup t a OUTPUT label AS b", [{"a": "1", "b": "one"}, {"a": "2"}]),
        ('eval b="x" | lookup t a OUTPUTNEW label AS b | head 1', [{"a": "1", "b": "x"}]),
        ("lookup local=true l a OUTPUT b", [{"a": "1", "b": "stored"}, {"a": "2"}]),
        ("eval q=a | fields q | lookup t a AS q OUTPUT label | fields q, label",
         [{"q": "1", "label": "one"}, {"q": "2"}]),
    ],
)  # fmt: skip
def test_lookup_in_files_and_collections(
    collected: Collected, text: str, rows: list[ResultRow]
) -> None:
    context = collected([{"a": "1", "b": "stored"}])

    assert _rows(f"* | {text} | fields - _time", context) == rows
    assert "label" not in next(iter(context.events))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("lookup none a", r"has no lookup \[none\]"),
        ("lookup t z", r"lookups/t\.csv has no column z"),
        ("lookup t OUTPUT label", "at least one field to match"),
        ("lookup update=true t a", "does not model the option update"),
        ("lookup l a OUTPUT b", "lookup l: set replicate = true, or local=true here"),
        ("eval a=mvappend(a, 3) | lookup t a", "looking up the multivalue field a"),
    ],
)
def test_what_lookup_cannot_do_is_refused(collected: Collected, text: str, message: str) -> None:
    with pytest.raises(EmulatorError, match=message):
        _rows(f"* | {text}", collected())


def test_a_table_of_hours_is_made_and_kept(app: Callable[..., App]) -> None:
    loaded = app(
        collections="[hours]\nfield.hour_of_week = string\nfield.open = string\n",
        transforms="[hours]\nexternal_type = kvstore\ncollection = hours\n"
        "fields_list = hour_of_week, open\n",
    )
    context = Context(now=7, lookups=loaded.knowledge.lookups, stores={"hours": []})

    _rows(
        "| makeresults | eval hour_of_week=mvrange(0,168) | mvexpand hour_of_week"
        ' | eval open=if(hour_of_week<120 AND hour_of_week%24>=8 AND hour_of_week%24<18, "true",'
        ' "false") | outputlookup hours',
        context,
    )

    records = context.stores["hours"]
    assert len(records) == 168
    assert records[8] == {"hour_of_week": "8", "open": "true"}
    assert sum(record["open"] == "true" for record in records) == 5 * 10

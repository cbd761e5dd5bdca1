"""Assumptions 43 and 45: lookups in KV store collections, and what automatic ones find."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from emulator.app import App
from emulator.errors import ConfError, EmulatorError, LookupTableError
from emulator.event import IndexedEvent

MakeApp = Callable[..., App]

_COLLECTIONS = "[c]\nenforceTypes = true\nreplicate = true\nfield.a = string\nfield.b = string\n"
_LOOKUP = "[l]\nexternal_type = kvstore\ncollection = c\nfields_list = a, b\n"
_PROPS = "[st]\nKV_MODE = none\nEXTRACT-k = k=(?<k>\\w+)\nLOOKUP-l = l a AS k OUTPUT b AS found\n"
_RECORDS = [{"a": "x", "b": "1"}, {"a": "y"}, {"a": "x", "b": "2"}]


def _app(app: MakeApp, settings: str = "", props: str = _PROPS, **files: str) -> App:
    return app(
        **{"props": props, "collections": _COLLECTIONS, "transforms": _LOOKUP + settings, **files}
    )


def _event(raw: str) -> IndexedEvent:
    return IndexedEvent(raw, 0, "h", "s", "st", "main")


def _output(loaded: App, raw: str, records: list[dict[str, str]]) -> object:
    return loaded.search_time(_event(raw), {"c": records}).get("found")


def test_a_lookup_has_the_fields_that_it_lists(app: MakeApp) -> None:
    loaded = app(collections=_COLLECTIONS, transforms=_LOOKUP)

    assert loaded.knowledge.lookups["l"].columns == ("a", "b")


def test_the_key_of_a_record_needs_no_declaration(app: MakeApp) -> None:
    loaded = app(collections=_COLLECTIONS, transforms=_LOOKUP.replace("a, b", "_key b"))

    assert loaded.knowledge.lookups["l"].columns == ("_key", "b")


@pytest.mark.parametrize(
    ("collections", "transforms", "message"),
    [
        (_COLLECTIONS, _LOOKUP + "max_matches = x\n", ":5 [l]: max_matches = 'x'"),
        (_COLLECTIONS, _LOOKUP + "filter = a=1\n", ":5 [l]: the emulator does not model filter"),
        (_COLLECTIONS, _LOOKUP + "match_type = WILDCARD(a)\n", "does not model match_type"),
        (_COLLECTIONS, _LOOKUP + "case_sensitive_match = 0\n", ":5 [l]: matching without case"),
        (_COLLECTIONS, _LOOKUP.replace("kvstore", "python"), ":2 [l]: external_type: only kvstore"),
        (_COLLECTIONS, _LOOKUP.replace("= c", "= d"), ":3 [l]: collections.conf has no [d]"),
        (_COLLECTIONS, _LOOKUP.replace("a, b", "a, z"), ":4 [l]: collections.conf: [c] declares"),
        (_COLLECTIONS, "[l]\nexternal_type = kvstore\ncollection = c\n", "needs fields_list"),
        (
            _COLLECTIONS + "accelerated_fields.x = {}\n",
            _LOOKUP,
            "the emulator does not model acceler",
        ),
        (_COLLECTIONS.replace("replicate = true", "replicate = x"), _LOOKUP, "is not a boolean"),
    ],
)
def test_what_is_malformed_or_not_modelled_is_refused(
    app: MakeApp, collections: str, transforms: str, message: str
) -> None:
    with pytest.raises(ConfError) as caught:
        app(collections=collections, transforms=transforms)
    assert message in str(caught.value)


# --- automatic lookups


@pytest.mark.parametrize(
    ("settings", "raw", "value"),
    [
        ("", "k=x", ["1", "2"]),
        ("", "k=X", None),
        ("", "k=z", None),
        ("", "k=y", None),
        ("", "no key", None),
        ("max_matches = 1", "k=x", "1"),
        ("min_matches = 1\ndefault_match = none", "k=z", "none"),
        ("min_matches = 1\ndefault_match = none", "k=x", ["1", "2"]),
        ("min_matches = 1\ndefault_match = none", "no key", None),
        ("case_sensitive_match = true\nmax_ext_batch = 300", "k=x", ["1", "2"]),
    ],
)
def test_records_match_exactly_in_the_order_of_writing(
    app: MakeApp, settings: str, raw: str, value: object
) -> None:
    assert _output(_app(app, settings), raw, _RECORDS) == value


def test_a_default_match_fills_every_output(app: MakeApp) -> None:
    props = _PROPS.replace("found", "found a AS other")
    fields = _app(app, "min_matches = 1\ndefault_match = d", props).search_time(_event("k=z"))

    assert (fields["found"], fields["other"]) == ("d", "d")


def test_a_collection_without_records_is_empty(app: MakeApp) -> None:
    assert "found" not in _app(app).search_time(_event("k=x"))


def test_outputnew_keeps_what_there_is(app: MakeApp) -> None:
    props = _PROPS.replace("OUTPUT", "OUTPUTNEW") + 'EVAL-found = if(k="x", "mine", null())\n'
    loaded = _app(app, props=props)

    assert _output(loaded, "k=x", _RECORDS) == "mine"
    assert _output(loaded, "k=q", [{"a": "q", "b": "5"}]) == "5"


def test_lookups_in_files_and_collections_go_by_class(app: MakeApp) -> None:
    """Assumption 11: of two that write one field, the last class wins."""
    props = _PROPS.replace("LOOKUP-l", "LOOKUP-b")
    files = {"transforms": _LOOKUP + "[t]\nfilename = t.csv\n", "t_csv": "k,found\nx,file\n"}

    first = _app(app, props=props + "LOOKUP-a = t k OUTPUT found\n", **files)
    last = _app(app, props=props + "LOOKUP-c = t k OUTPUT found\n", **files)

    assert _output(first, "k=x", _RECORDS) == ["1", "2"]
    assert _output(last, "k=x", _RECORDS) == "file"


def test_several_lookups_may_use_one_collection(app: MakeApp) -> None:
    more = _LOOKUP.replace("[l]", "[m]") + "max_matches = 1\n"
    loaded = _app(app, more, _PROPS + "LOOKUP-m = m a AS k OUTPUT b AS one\n")

    fields = loaded.search_time(_event("k=x"), {"m": _RECORDS})
    assert (fields["found"], fields["one"]) == (["1", "2"], "1")


def test_records_of_an_unknown_collection_are_refused(app: MakeApp) -> None:
    with pytest.raises(LookupTableError, match="no KV store lookup or its collection is called z"):
        _app(app).search_time(_event("k=x"), {"z": []})


def test_two_lists_for_one_collection_are_refused(app: MakeApp) -> None:
    with pytest.raises(LookupTableError, match=r"two different lists of records for \[c\]"):
        _app(app).search_time(_event("k=x"), {"c": [], "l": _RECORDS})


@pytest.mark.parametrize(
    ("collections", "message"),
    [
        (_COLLECTIONS.replace("replicate = true\n", ""), r"needs replicate = true for \[c\]"),
        (_COLLECTIONS.replace("= true", "= 0"), r"needs replicate = true for \[c\]"),
        (_COLLECTIONS.replace("b = string", "b = number"), "the number b is not modelled"),
        (_COLLECTIONS.replace("a = string", "a = bool"), "the bool a is not modelled"),
    ],
)
def test_what_an_automatic_lookup_cannot_use_is_refused(
    app: MakeApp, collections: str, message: str
) -> None:
    with pytest.raises(ConfError, match=rf"props\.conf:4 \[st\]: .*{message}"):
        _app(app, collections=collections)


def test_several_values_are_not_looked_up(app: MakeApp) -> None:
    props = _PROPS + "EVAL-k = mvappend(k, k)\n"

    with pytest.raises(EmulatorError, match=r"props\.conf:4 \[st\]: looking up the multivalue"):
        _output(_app(app, props=props), "k=x", _RECORDS)

"""Assumptions 20 and 22: event types and tags."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from emulator.errors import EmulatorError

Search = Callable[..., dict[str, object]]
_PROPS = "[st]\nKV_MODE = none\nEXTRACT-k = k=(?<k>[^ ]+)\n"


def _fields(
    search: Search, eventtypes: str = "", tags: str = "", **files: str
) -> dict[str, object]:
    return search("k=a", props=_PROPS, eventtypes=eventtypes, tags=tags, **files)


def test_event_types_come_by_priority_then_by_name(search: Search) -> None:
    types = "[c]\nsearch = k=a\n[b]\nsearch = k=a\npriority = 1\n[a]\nsearch = k=a\npriority = 5\n"

    assert _fields(search, types)["eventtype"] == ["b", "c", "a"]


def test_only_enabled_event_types_that_match_count(search: Search) -> None:
    types = (
        "[x]\nsearch = k=a\ncolor = et_red\n[y]\nsearch = k=b\n[z]\nsearch = k=a\ndisabled = 1\n"
    )

    assert _fields(search, types)["eventtype"] == "x"
    assert "eventtype" not in _fields(search, "[y]\nsearch = k=b\n")


def test_event_types_expand_macros(search: Search) -> None:
    fields = _fields(
        search, "[x]\nsearch = `is(a)`\n", macros="[is(1)]\nargs = v\ndefinition = (k=$v$)\n"
    )

    assert fields["eventtype"] == "x"


@pytest.mark.parametrize(
    ("types", "message"),
    [
        ("[x]\n", r"eventtypes\.conf:1 \[x\]: an event type needs a search"),
        ("[x]\nsearch = k=a | head\n", r":2 \[x\]: not modelled or malformed at '\| head'"),
        ("[x]\nsearch = `no`\n", r":2 \[x\]: The search macro 'no' cannot be found\."),
        ("[x]\nsearch = tag=y\n", r":2 \[x\]: an event type must not depend on tag"),
        ("[x]\nsearch = a\npriority = 11\n", "priority goes from 1 to 10"),
        ("[x]\nsearch = a\npriority = 0\n", "write a whole number of 1"),
        ("[x]\nsearch = a\ntags = b\n", r":3 \[x\]: the emulator does not model tags"),
        ("[x-%k%]\nsearch = a\n", "named after fields are not modelled"),
    ],
)
def test_faulty_event_types_raise_at_load_time_with_their_place(
    search: Search, types: str, message: str
) -> None:
    with pytest.raises(EmulatorError, match=message):
        _fields(search, types)


@pytest.mark.parametrize(
    ("search_text", "matches"),
    [
        ("m=a", True),
        ("m=B", True),
        ("m=a m=b", True),
        ("m=c", False),
        ("m=b*", True),
        ("m IN (c, b)", True),
        ("NOT m=c", True),
        ("NOT m=b", False),
        ("m>1", False),
        ("n>1", True),
        ("n>2", False),
    ],
)
def test_any_value_of_a_multivalue_field_matches(
    search: Search, search_text: str, matches: bool
) -> None:
    """Assumption 21."""
    props = _PROPS + 'EVAL-m = mvappend("a", "b")\nEVAL-n = mvappend("1", "2")\n'
    fields = search("k=a", props=props, eventtypes=f"[x]\nsearch = {search_text}\n")

    assert ("eventtype" in fields) is matches


def test_a_refusal_at_run_time_names_the_event_type(search: Search) -> None:
    props = _PROPS + "EVAL-m = mvappend(k,k)\n"

    with pytest.raises(EmulatorError, match=r"eventtypes\.conf:2 \[x\]: m!= on a multivalue"):
        search("k=a", props=props, eventtypes="[x]\nsearch = m!=b\n")


def test_tags_come_from_field_value_pairs_sorted_and_once(search: Search) -> None:
    fields = _fields(
        search,
        "[x]\nsearch = k=a\n[y]\nsearch = k=a\n",
        """
        [eventtype=x]
        web = enabled
        auth = enabled
        off = disabled
        [eventtype=y]
        web = enabled
        [k=a]
        letter = enabled
        [k=b]
        other = enabled
        """,
    )

    assert fields["tag"] == ["auth", "letter", "web"]
    assert fields["tag::eventtype"] == ["auth", "web"]
    assert fields["tag::k"] == "letter"


def test_values_in_a_stanza_s_name_are_url_decoded(search: Search) -> None:
    """tags.conf.spec."""
    fields = search("k=a%3D[b]", props=_PROPS, tags="[k=a%253D%5Bb%5D]\nodd = enabled\n")

    assert fields["tag"] == "odd"


def test_tags_match_a_value_with_its_case(search: Search) -> None:
    assert "tag" not in _fields(search, tags="[k=A]\nx = enabled\n")


@pytest.mark.parametrize(
    ("tags", "message"),
    [
        ("[k]\nx = enabled\n", r"tags\.conf:1 \[k\]: a tag's stanza is \[field=value\]"),
        ("[k=*]\nx = enabled\n", "without wildcards"),
        ("[k=a]\nx = yes\n", r"tags\.conf:2 \[k=a\]: x: write enabled or disabled"),
    ],
)
def test_faulty_tags_raise_with_their_place(search: Search, tags: str, message: str) -> None:
    with pytest.raises(EmulatorError, match=message):
        _fields(search, tags=tags)

"""Assumptions 12 to 16; props.conf.spec EXTRACT-, transforms.conf.spec REGEX, FORMAT, DELIMS."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from emulator.errors import EmulatorError

Search = Callable[..., dict[str, object]]
_METADATA = {"_raw", "_time", "host", "source", "sourcetype", "index"}


def _new(fields: dict[str, object]) -> dict[str, object]:
    return {name: value for name, value in fields.items() if name not in _METADATA}


def _extract(search: Search, raw: str, settings: str, **files: str) -> dict[str, object]:
    return _new(search(raw, props=f"[st]\nKV_MODE = none\n{settings}\n", **files))


# --- EXTRACT


def test_extract_gets_dot_all_and_multi_line(search: Search) -> None:
    fields = _extract(search, "x\na=1\nb=2", r"EXTRACT-a = ^a=(?<a>\d)$.^b=(?<b>\d)")

    assert fields == {"a": "1", "b": "2"}


def test_extract_takes_the_first_match_only(search: Search) -> None:
    assert _extract(search, "a=1 a=2", r"EXTRACT-a = a=(?<a>\d)") == {"a": "1"}


def test_classes_go_in_ascii_order_and_the_first_that_finds_a_field_keeps_it(
    search: Search,
) -> None:
    settings = "EXTRACT-a = (?<x>a)\nEXTRACT-Z = (?<x>z)"

    assert _extract(search, "az", settings) == {"x": "z"}
    assert _extract(search, "a", settings) == {"x": "a"}


def test_empty_and_unset_groups_give_no_field(search: Search) -> None:
    assert _extract(search, "a=", r"EXTRACT-a = a=(?<a>\d*)(?<b>z)?") == {}


def test_extract_in_a_field_reads_that_field(search: Search) -> None:
    settings = r"EXTRACT-a = ^(?<part>\w+)-(?<rest>.*) in source" "\n"
    settings += "EXTRACT-b = ^(?<first>.) in rest"

    assert _new(search("r", source="ab-cd", props=f"[st]\nKV_MODE = none\n{settings}\n")) == {
        "part": "ab", "rest": "cd", "first": "c",
    }  # fmt: skip


def test_extract_in_a_field_that_an_event_lacks_finds_nothing(search: Search) -> None:
    settings = "EXTRACT-a = (?<a>q)\nEXTRACT-b = (?<b>.) in a"

    assert _extract(search, "r", settings) == {}


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ("EXTRACT-a = (?<b>.) in later\nEXTRACT-b = (?<later>.)", r":3 \[st\]: 'in later'"),
        ("EXTRACT-a = (.)", r":3 \[st\]: the regex needs named groups"),
        ("EXTRACT-a = (?<a>.", r":3 \[st\]: bad regex \(compilation failed at position 6"),
        ("EXTRACT-a = (?<host>.)", "writing the field host is not modelled"),
        ("EXTRACT-a = (?<_x>.)", "writing the field _x is not modelled"),
    ],
)
def test_a_faulty_extract_raises_with_its_place(
    search: Search, settings: str, message: str
) -> None:
    with pytest.raises(EmulatorError, match=message):
        _extract(search, "r", settings)


def test_a_regex_that_ends_like_in_a_field_is_written_with_a_class(search: Search) -> None:
    """props.conf.spec: [i]n <string>."""
    assert _extract(search, "x in town", "EXTRACT-a = (?<a>.) [i]n town") == {"a": "x"}


def test_a_runaway_extract_raises_with_its_place(search: Search) -> None:
    with pytest.raises(EmulatorError, match=r"props\.conf:3 \[st\]: regex stopped \(match limit"):
        _extract(search, "a" * 40 + "b", "EXTRACT-a = (?<a>(a+)+)$")


def test_the_limits_of_a_stanza_count(search: Search) -> None:
    settings = "EXTRACT-a = (?<a>(a+)+)$\nMATCH_LIMIT = 100"

    with pytest.raises(EmulatorError, match="match limit"):
        _extract(search, "a" * 12 + "b", settings)
    assert _extract(search, "a" * 12 + "b", settings.replace("100", "100000")) == {}


# --- REPORT


_CONSTANTS = "[c]\nINDEXED_VALUE = false\n[d]\nINDEXED_VALUE = false\n"


def _report(search: Search, raw: str, transform: str, settings: str = "") -> dict[str, object]:
    transforms = f"[t]\n{transform}\n"
    return _extract(
        search, raw, f"{settings}\nREPORT-r = t", transforms=transforms, fields=_CONSTANTS
    )


@pytest.mark.parametrize(
    ("raw", "transform", "fields"),
    [
        ("a=1 a=2", r"REGEX = a=(?<a>\d)", {"a": "1"}),
        ("a=1 a=2", "REGEX = a=(?<a>\\d)\nMV_ADD = true", {"a": ["1", "2"]}),
        ("a@b c@d", "REGEX = (\\w@\\w)\nFORMAT = email::$1\nMV_ADD = 1", {"email": ["a@b", "c@d"]}),
        ("a@b c@d", "REGEX = (\\w@\\w)\nFORMAT = email::$1", {"email": "a@b"}),
        ("k=v l=w", "REGEX = (\\w)=(\\w)\nFORMAT = $1::$2", {"k": "v", "l": "w"}),
        ("k=v l=w", r"REGEX = (?<_KEY_1>\w)=(?<_VAL_1>\w)", {"k": "v", "l": "w"}),
        ("k=v k=w", "REGEX = (\\w)=(\\w)\nFORMAT = $1::$2", {"k": "v"}),
        ("k=v k=w", "REGEX = (\\w)=(\\w)\nFORMAT = $1::$2\nMV_ADD = t", {"k": ["v", "w"]}),
        ("xy", 'REGEX = (x)(y)\nFORMAT = a::$1 b::$2 c::other d::"two words"',
         {"a": "x", "b": "y", "c": "other", "d": "two words"}),
        ("_1a-b=v", "REGEX = (.*)=(v)\nFORMAT = $1::$2", {"a_b": "v"}),
        ("_1a-b=v", "REGEX = (.*)=(v)\nFORMAT = $1::$2\nCLEAN_KEYS = false", {"_1a-b": "v"}),
        ("__=v", "REGEX = (.*)=(v)\nFORMAT = $1::$2", {}),
        ("a=", "REGEX = (a)=(.*)\nFORMAT = $1::$2", {}),
        ("a=", "REGEX = (a)=(.*)\nFORMAT = $1::$2\nKEEP_EMPTY_VALS = true", {"a": ""}),
        ("x\na", "REGEX = ^(?<a>a)", {}),
        ("x\na", "REGEX = (?m)^(?<a>a)", {"a": "a"}),
    ],
)  # fmt: skip
def test_transforms_with_a_regex(
    search: Search, raw: str, transform: str, fields: dict[str, object]
) -> None:
    assert _report(search, raw, transform) == fields


def test_a_field_from_extract_keeps_its_value_unless_values_are_added(search: Search) -> None:
    extract = "EXTRACT-a = (?<a>x)"

    assert _report(search, "xy", "REGEX = (?<a>y)", extract) == {"a": "x"}
    assert _report(search, "xy", "REGEX = (?<a>y)\nMV_ADD = true", extract) == {"a": ["x", "y"]}


def test_a_name_from_the_text_cannot_add_to_metadata(search: Search) -> None:
    """Assumption 14."""
    transforms = "[t]\nREGEX = (\\w+)=(\\w)\nFORMAT = $1::$2\nMV_ADD = true\n"
    fields = search("host=x", props="[st]\nKV_MODE = none\nREPORT-r = t\n", transforms=transforms)

    assert fields["host"] == "h"


@pytest.mark.parametrize(
    ("raw", "opcodes"),
    [
        ("Opcode : A\nx", "A"),
        ("x\nOpcode : A\ny\nOpcode : B\n", ["A", "B"]),
        ("Opcode : A\nOpcode : B\nx Opcode : no\nOpcode\t: C", ["A", "B", "C"]),
        ("Opcode : A\nOpcode : A", ["A", "A"]),
    ],
)
def test_a_transform_can_add_the_second_and_later_occurrences_only(
    search: Search, raw: str, opcodes: object
) -> None:
    """Assumption 14: the next match begins where the last one ended, and sees what is before."""
    extract = r"EXTRACT-opcode = ^Opcode[ \t]*+:[ \t]*+(?<opcode>\w+)"
    later = (
        r"REGEX = (?m)(?:\A(?s:.*?)^Opcode[ \t]*+:|(?!\A)\G)(?s:.*?)^Opcode[ \t]*+:"
        r"[ \t]*+(?<opcode>\w+)"
    )

    assert _report(search, raw, f"{later}\nMV_ADD = true", extract) == {"opcode": opcodes}


def test_a_constant_is_set_once_where_the_regex_matches(search: Search) -> None:
    twice = r"REGEX = (?m)^(k)=.*\n(?s:.*?)^\1=" "\nFORMAT = c::true"

    assert _report(search, "k=1\nk=2\nk=3\nk=4", twice) == {"c": "true"}
    assert _report(search, "k=1", twice) == {}


def test_a_constant_that_a_search_would_look_for_in_the_text_is_refused(search: Search) -> None:
    """transforms.conf.spec, FORMAT: INDEXED_VALUE = false in fields.conf."""
    with pytest.raises(EmulatorError, match=r"transforms\.conf:3 \[t\]: .*under \[e\] in fields"):
        _report(search, "k", "REGEX = (k)\nFORMAT = e::true")


def test_source_key_reads_another_field(search: Search) -> None:
    extract = "EXTRACT-a = (?<a>.+)"

    assert _report(search, "x=1", "SOURCE_KEY = a\nREGEX = =(?<b>.)", extract)["b"] == "1"
    assert _report(search, "x=1", "SOURCE_KEY = none\nREGEX = =(?<b>.)") == {}


def test_transforms_of_one_report_go_in_listed_order(search: Search) -> None:
    transforms = "[one]\nREGEX = (?<a>x)\n[two]\nREGEX = (?<a>y)\n"
    fields = _extract(search, "xy", "REPORT-r = two, one", transforms=transforms)

    assert fields == {"a": "y"}


@pytest.mark.parametrize(
    ("raw", "transform", "fields"),
    [
        ("a=1|b=2", 'DELIMS = "|", "="', {"a": "1", "b": "2"}),
        ("a=1||b=2|c", 'DELIMS = "|", "="', {"a": "1", "b": "2"}),
        ("a=1=2", 'DELIMS = "|", "="', {"a": "1=2"}),
        ("1, 2, 3", 'DELIMS = ", "\nFIELDS = x, y, "z z"\nCLEAN_KEYS = 0', {"x": "1", "z z": "2"}),
        ("1,,3", 'DELIMS = ","\nFIELDS = x, y, z', {"x": "1", "z": "3"}),
        ("a,1,b,2", 'DELIMS = ","', {"a": "1", "b": "2"}),
        ("a\tb", 'DELIMS = "\\t"\nFIELDS = x, y', {"x": "a", "y": "b"}),
    ],
)
def test_transforms_with_delimiters(
    search: Search, raw: str, transform: str, fields: dict[str, object]
) -> None:
    assert _report(search, raw, transform) == fields


@pytest.mark.parametrize(
    ("transform", "message"),
    [
        ("REGEX = k\nFORMAT = c::true", r":2 \[t\]: REGEX needs a capturing group"),
        ("REGEX = (.)", r"transforms\.conf:2 \[t\]: REGEX needs named groups, or a FORMAT"),
        ("REGEX = (", r"transforms\.conf:2 \[t\]: bad regex"),
        ("REGEX = (.)\nFORMAT = a::$1.$1", r":3 \[t\]: FORMAT: .* concatenates"),
        ("REGEX = (.)\nFORMAT = a::$2", "REGEX has 1"),
        ("REGEX = (.)\nFORMAT = a::$0", "has no group"),
        ("REGEX = (.)\nFORMAT = a", "write name::value pairs"),
        ("REGEX = (.)\nFORMAT =", "FORMAT is empty"),
        ("REGEX = (.)\nFORMAT = host::$1", "writing the field host"),
        ("REGEX = (?<_KEY_1>.)", "_KEY_1 has no _VAL_1"),
        ("REGEX = (?<a>.)\nDEST_KEY = x", r":3 \[t\]: the emulator does not model DEST_KEY"),
        ("REGEX = (?<a>.)\nSOURCE_KEY = field:x", "SOURCE_KEY with a prefix"),
        ("REGEX = (?<a>.)\nFIELDS = x", "FIELDS belongs to DELIMS"),
        ("REGEX = (?<a>.)\nMV_ADD = maybe", "is not a boolean"),
        ('REGEX = (?<a>.)\nDELIMS = ","', "REGEX or DELIMS, not both"),
        ("DELIMS = ,", "malformed list"),
        ('DELIMS = ",", "=", ";"', "one or two quoted sets"),
        ('DELIMS = ",", "="\nFIELDS = a', "two sets of DELIMS is not modelled"),
    ],
)
def test_a_faulty_transform_raises_with_its_place(
    search: Search, transform: str, message: str
) -> None:
    with pytest.raises(EmulatorError, match=message):
        _report(search, "r", transform)


def test_delimiters_on_quoted_text_are_refused_with_a_place(search: Search) -> None:
    with pytest.raises(EmulatorError, match=r"props\.conf:4 \[st\]: DELIMS on text with a double"):
        _report(search, 'a="1"', 'DELIMS = "|", "="')


# --- KV_MODE


def test_json_fields_come_after_extracted_ones_and_do_not_replace_them(search: Search) -> None:
    raw = '{"a": 1, "b": {"c": [1, 2]}, "host": "x"}'
    props = "[st]\nKV_MODE = json\nEXTRACT-a = (?<a>[a-z])\n"

    fields = search(raw, props=props)
    assert _new(fields) == {"a": "a", "b.c{}": ["1", "2"]}
    assert fields["host"] == "h"


@pytest.mark.parametrize("mode", ["KV_MODE = auto", "KV_MODE = xml", ""])
def test_other_modes_are_refused(search: Search, mode: str) -> None:
    with pytest.raises(EmulatorError, match="set none or json"):
        search("r", props=f"[st]\nEVAL-a = 1\n{mode}\n")

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator.eval.json_fields import is_json, json_at, json_fields


def test_names_are_paths_and_lists_have_braces() -> None:
    """Assumption 16; Search Reference, "spath": a.b, a{}, a{}.b."""
    text = '{"a": {"b": 1}, "l": ["x", "y"], "o": [{"k": 1}, {"k": 2}], "n": [[1], [2]]}'

    assert json_fields(text) == {
        "a.b": ["1"],
        "l{}": ["x", "y"],
        "o{}.k": ["1", "2"],
        "n{}{}": ["1", "2"],
    }


def test_values_keep_their_spelling() -> None:
    """Assumption 16."""
    text = ' {"t": 1513717277.140810, "e": 1e3, "y": true, "z": null, "s": "\\u00e9\\n"}'

    assert json_fields(text) == {
        "t": ["1513717277.140810"],
        "e": ["1e3"],
        "y": ["true"],
        "z": ["null"],
        "s": ["é\n"],
    }


@pytest.mark.parametrize("text", ["", "5", '"a"', "{", '{"a":1} x', "a=1", "[1,", "{'a': 1}"])
def test_a_text_that_is_no_json_object_or_array_has_no_fields(text: str) -> None:
    assert not is_json(text)
    assert json_fields(text) == {}
    assert json_at(text, "a") is None


def test_values_after_the_cut_off_are_left_out() -> None:
    """Assumption 16; limits.conf.spec, [spath] extraction_cutoff = 5000 bytes."""
    text = json.dumps({"first": 1, "big": "é" * 3000, "last": 2}, ensure_ascii=False)

    assert json_fields(text) == {"first": ["1"]}
    assert set(json_fields(text, cutoff=10_000)) == {"first", "big", "last"}


def test_deep_nesting_has_no_fields_instead_of_a_crash() -> None:
    assert json_fields("[" * 100_000 + "]" * 100_000) == {}


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("a.b{0}", ["1.50"]),
        ("a.b{}", ["1.50", '{"c":[2,3.5]}']),
        ("a.b{}.c{1}", ["3.5"]),
        ("a.b{7}", []),
        ("a.b.c", []),
        ("z", []),
        ("{}", []),
    ],
)
def test_paths(path: str, expected: list[str]) -> None:
    assert json_at('{"a":{"b":[1.50,{"c":[2,3.5]}]}}', path) == expected


_DOCUMENTS = st.dictionaries(
    st.text(min_size=1, max_size=5),
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=5),
        lambda below: (
            st.lists(below, max_size=3)
            | st.dictionaries(st.text(min_size=1, max_size=5), below, max_size=3)
        ),
        max_leaves=10,
    ),
    max_size=4,
)


@given(_DOCUMENTS, st.sampled_from([None, 1]))
def test_every_leaf_of_a_document_is_one_value(document: dict[str, object], indent: int) -> None:
    text = json.dumps(document, indent=indent)

    values = [value for listed in json_fields(text, cutoff=10**9).values() for value in listed]
    assert len(values) == _leaves(document)


def _leaves(value: object) -> int:
    if isinstance(value, dict):
        return sum(map(_leaves, value.values()))
    if isinstance(value, list):
        return sum(map(_leaves, value))
    return 1

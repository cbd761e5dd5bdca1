"""Assumptions 18 and 19: what LOOKUP- sets and clears; the command lookup has tests of its own."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from emulator.errors import EmulatorError

Search = Callable[..., dict[str, object]]

_TRANSFORMS = "[t]\nfilename = t.csv\n[w]\nfilename = t.csv\nmatch_type = WILDCARD(k)\n"
_TABLE = "k,label,extra\na,alpha,1\nb,,2\n*,star,\n"


def _fields(search: Search, raw: str, settings: str) -> dict[str, object]:
    props = f"[st]\nKV_MODE = none\nEXTRACT-k = k=(?<k>\\w+)\n{settings}\n"
    return search(raw, props=props, transforms=_TRANSFORMS, t_csv=_TABLE)


def test_output_overwrites_and_outputnew_fills_only_what_is_absent(search: Search) -> None:
    label = 'EVAL-label = "mine"\n'

    over = _fields(search, "k=a", f"{label}LOOKUP-l = t k OUTPUT label extra")
    fill = _fields(search, "k=a", f"{label}LOOKUP-l = t k OUTPUTNEW label extra")

    assert (over["label"], over["extra"]) == ("alpha", "1")
    assert (fill["label"], fill["extra"]) == ("mine", "1")


def test_output_clears_when_the_input_exists_and_nothing_matches(search: Search) -> None:
    """props.conf.spec, LOOKUP-<class>: no matching entry clears all of the output fields."""
    label = 'EVAL-label = "mine"\n'

    assert "label" not in _fields(search, "k=zzz", f"{label}LOOKUP-l = t k OUTPUT label")
    assert _fields(search, "k=zzz", f"{label}LOOKUP-l = t k OUTPUTNEW label")["label"] == "mine"
    assert _fields(search, "", f"{label}LOOKUP-l = t k OUTPUT label")["label"] == "mine"


def test_an_empty_cell_is_no_value(search: Search) -> None:
    """Assumption 19."""
    label = 'EVAL-label = "mine"\n'

    assert "label" not in _fields(search, "k=b", f"{label}LOOKUP-l = t k OUTPUT label")
    assert "label" not in _fields(search, "k=b", "LOOKUP-l = t k OUTPUTNEW label")


def test_columns_can_be_renamed_on_both_sides(search: Search) -> None:
    fields = _fields(
        search, "k=a", 'EVAL-q = k\nLOOKUP-l = t k AS q OUTPUT label AS "the label", extra as e'
    )

    assert (fields["the label"], fields["e"]) == ("alpha", "1")  # fmt: skip


def test_without_a_list_all_other_columns_are_output(search: Search) -> None:
    fields = _fields(search, "k=a", "LOOKUP-l = t k")

    assert (fields["label"], fields["extra"]) == ("alpha", "1")


def test_several_matches_give_several_values_in_file_order(search: Search) -> None:
    fields = _fields(search, "k=a", "LOOKUP-l = w k OUTPUT label extra")

    assert (fields["label"], fields["extra"]) == (["alpha", "star"], "1")


def test_every_match_field_must_exist(search: Search) -> None:
    settings = "LOOKUP-l = t k, extra AS none OUTPUT label"

    assert "label" not in _fields(search, "k=a", settings)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ("LOOKUP-l = nope k OUTPUT label", r":4 \[st\]: transforms\.conf has no lookup \[nope\]"),
        ("LOOKUP-l =", r"has no lookup \[\]"),
        ("LOOKUP-l = t zz OUTPUT label", r"lookups/t\.csv has no column zz, only k, label, extra"),
        ("LOOKUP-l = t k OUTPUT zz", "has no column zz"),
        ("LOOKUP-l = t OUTPUT label", "at least one field to match"),
        ("LOOKUP-l = t k OUTPUT", "OUTPUT names no field"),
        ("LOOKUP-l = t k AS", "missing after AS"),
        ("LOOKUP-l = t k OUTPUT label AS host", "writing the field host"),
        ("LOOKUP-a = t k OUTPUT label\nLOOKUP-b = t k AS label OUTPUT extra", "cannot depend"),
    ],
)  # fmt: skip
def test_faulty_references_raise_at_load_time_with_their_place(
    search: Search, settings: str, message: str
) -> None:
    with pytest.raises(EmulatorError, match=message):
        _fields(search, "k=a", settings)


def test_looking_up_several_values_is_refused(search: Search) -> None:
    with pytest.raises(EmulatorError, match=r"props\.conf:5 \[st\]: looking up the multivalue"):
        _fields(search, "k=a", "EVAL-m = mvappend(k,k)\nLOOKUP-l = t k AS m OUTPUT label")

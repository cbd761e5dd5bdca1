"""Assumptions 11 and 17: the order of the steps, aliases, calculated fields."""

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


# --- the order of the steps


def test_each_step_sees_what_earlier_steps_made(search: Search) -> None:
    """Knowledge Manager Manual, "The sequence of search-time operations"."""
    fields = search(
        '{"k": "a", "j": "json"}',
        props="""
        [st]
        KV_MODE = json
        EXTRACT-x = "k": "(?<x>\\w)
        REPORT-r = r
        FIELDALIAS-f = j AS aliased
        EVAL-calculated = aliased . x
        LOOKUP-l = t k AS x OUTPUT label
        """,
        transforms="[r]\nSOURCE_KEY = x\nREGEX = (?<y>.)\n[t]\nfilename = t.csv\n",
        t_csv="k,label\na,alpha\n",
        eventtypes="[looked]\nsearch = label=alpha calculated=jsona\n",
        tags="[eventtype=looked]\nseen = enabled\n",
    )

    assert {name: fields[name] for name in ("x", "y", "j", "aliased", "calculated", "label")} == {
        "x": "a", "y": "a", "j": "json", "aliased": "json", "calculated": "jsona", "label": "alpha",
    }  # fmt: skip
    assert (fields["eventtype"], fields["tag"]) == ("looked", "seen")


@pytest.mark.parametrize(
    "settings",
    [
        "FIELDALIAS-f = made AS seen\nEVAL-made = 1",
        "EVAL-seen = label\nLOOKUP-l = t k OUTPUT label",
    ],
)
def test_no_step_sees_what_later_steps_make(search: Search, settings: str) -> None:
    fields = _fields(search, "k=a", settings)

    assert "seen" not in fields
    assert {"made", "label"} & set(fields)


# --- FIELDALIAS


def test_as_overwrites_and_removes_and_asnew_does_neither(search: Search) -> None:
    """props.conf.spec, FIELDALIAS-<class>."""
    extract = "EXTRACT-v = v=(?<v>\\w+)\n"

    assert _fields(search, "k=a v=1", f"{extract}FIELDALIAS-f = k AS v")["v"] == "a"
    assert "v" not in _fields(search, "v=1", f"{extract}FIELDALIAS-f = k AS v")
    assert _fields(search, "k=a v=1", f"{extract}FIELDALIAS-f = k ASNEW v")["v"] == "1"
    assert _fields(search, "v=1", f"{extract}FIELDALIAS-f = k ASNEW v")["v"] == "1"
    assert _fields(search, "k=a", f"{extract}FIELDALIAS-f = k asnew v")["v"] == "a"


def test_one_class_can_hold_several_aliases_over_several_lines(search: Search) -> None:
    fields = _fields(search, "k=a", 'FIELDALIAS-f = k AS one \\\n  k AS "two words"')

    assert (fields["one"], fields["two words"], fields["k"]) == ("a", "a", "a")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ("FIELDALIAS-f = k", r":4 \[st\]: write FIELDALIAS-x = original AS alias"),
        ("FIELDALIAS-f =", "write FIELDALIAS-x = original AS alias"),
        ("FIELDALIAS-f = k IS v", "write FIELDALIAS-x = original AS alias"),
        ("FIELDALIAS-f = k AS v j AS v", "two aliases write v"),
        ("FIELDALIAS-f = k AS v\nFIELDALIAS-g = v AS w", r":5 \[st\]: v is itself an alias"),
        ("FIELDALIAS-f = k AS source", "writing the field source"),
        ('FIELDALIAS-f = k AS "v', "unbalanced quotes"),
    ],
)
def test_faulty_aliases_raise_with_their_place(search: Search, settings: str, message: str) -> None:
    with pytest.raises(EmulatorError, match=message):
        _fields(search, "k=a", settings)


# --- EVAL


def test_calculated_fields_run_in_parallel(search: Search) -> None:
    """props.conf.spec, EVAL-<fieldname>: x = y*2 takes y from before y=100."""
    fields = _fields(search, "k=5", "EVAL-k = 100\nEVAL-x = k*2\nEVAL-a = k")

    assert (fields["k"], fields["x"], fields["a"]) == ("100", "10", "5")


def test_a_null_result_removes_the_field(search: Search) -> None:
    """Assumption 17."""
    assert "k" not in _fields(search, "k=a", "EVAL-k = null()")
    assert "x" not in _fields(search, "k=a", "EVAL-x = none")


def test_calculated_fields_can_be_multivalued_and_numbers_become_text(search: Search) -> None:
    fields = _fields(search, "k=a", 'EVAL-m = mvappend(k, "b")\nEVAL-n = 1/4')

    assert (fields["m"], fields["n"]) == (["a", "b"], "0.25")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ("EVAL-x = k=1", r":4 \[st\]: Fields cannot be assigned a boolean"),
        ("EVAL-x = foo(k)", r":4 \[st\]: The 'foo' function is unsupported"),
        ('EVAL-x = replace(k,"(","")', r":4 \[st\]: bad regex"),
        ("EVAL-_time = 1", "writing the field _time"),
        ("EVAL-m = mvappend(k,k)\nEVAL-host = 1", "writing the field host"),
    ],
)
def test_faulty_expressions_raise_at_load_time_with_their_place(
    search: Search, settings: str, message: str
) -> None:
    with pytest.raises(EmulatorError, match=message):
        _fields(search, "", settings)


def test_what_is_refused_at_run_time_names_the_setting(search: Search) -> None:
    with pytest.raises(EmulatorError, match=r"default/props\.conf:4 \[st\]: substr\(\): the start"):
        _fields(search, "k=0", "EVAL-x = substr(k,k)")


# --- REPORT


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ("REPORT-r = nope", r":4 \[st\]: transforms\.conf has no stanza \[nope\] for REPORT"),
        ("REPORT-r = t", r"has no stanza \[t\] for REPORT"),
    ],
)
def test_a_report_that_names_no_transform_raises_with_its_place(
    search: Search, settings: str, message: str
) -> None:
    with pytest.raises(EmulatorError, match=message):
        _fields(search, "k=a", settings)

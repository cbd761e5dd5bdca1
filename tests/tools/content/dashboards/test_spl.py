"""What becomes of SPL on its way into a view."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import unquote

import pytest

from tools.content.dashboards.schema import Inputs, read_common
from tools.content.dashboards.spl import Unfilled, filled, in_address, with_empty_row

ROOT = Path(__file__).resolve().parents[4]


@pytest.fixture(scope="module")
def inputs() -> Inputs:
    return read_common(ROOT).inputs


def _of(inputs: Inputs, *names: str) -> dict[str, str | None]:
    return {name: inputs.by_name[name].condition for name in names}


def test_chosen_becomes_the_conditions_of_the_inputs(inputs: Inputs) -> None:
    found = filled("`m` | {{chosen}} | stats count", _of(inputs, "time", "cluster", "hsm"))

    assert found == (
        '`m` | where ($cluster|s$="*" OR cluster_id=$cluster|s$)'
        ' AND ($hsm|s$="*" OR hsm_id=$hsm|s$) | stats count'
    )


def test_chosen_may_be_some_of_the_inputs(inputs: Inputs) -> None:
    found = filled("`m` | {{ chosen: hsm }}", _of(inputs, "time", "cluster", "hsm"))

    assert found == '`m` | where ($hsm|s$="*" OR hsm_id=$hsm|s$)'


@pytest.mark.parametrize("names", [[], ["time"]])
def test_where_nothing_can_be_chosen_all_is_kept(inputs: Inputs, names: list[str]) -> None:
    assert filled("`m` | {{chosen}}", _of(inputs, *names)) == "`m` | search *"


@pytest.mark.parametrize("text", ["{{chosen: user}}", "{{other}}", "{{}}", "{{chosen\n: }} {{x}}"])
def test_other_placeholders_are_refused(inputs: Inputs, text: str) -> None:
    with pytest.raises(Unfilled):
        filled(f"`m` | {text}", _of(inputs, "cluster"))


def test_tokens_are_only_ever_compared_as_quoted_text(inputs: Inputs) -> None:
    conditions = [one.condition or "" for one in inputs.by_name.values()]

    assert all(text.count("$") == 2 * text.count("|s$") for text in conditions)


def test_an_address_holds_spl_encoded_and_tokens_as_they_are() -> None:
    found = in_address('`m` a="$row.hsm_id.value$"\n| where x=$hsm|s$ AND y="50%&#+"')

    assert "$row.hsm_id.value$" in found
    assert "$hsm|s$" in found
    assert not set(found.replace("$hsm|s$", "")) & set(' "&#+\n`')
    assert unquote(found) == 'search `m` a="$row.hsm_id.value$" | where x=$hsm|s$ AND y="50%&#+"'


def test_a_search_that_generates_rows_stays_first_in_an_address() -> None:
    assert unquote(in_address("| inputlookup x")) == "| inputlookup x"


def test_advice_is_quoted() -> None:
    assert 'eval user="Say \\"so\\" or \\\\"' in with_empty_row("user", 'Say "so" or \\')

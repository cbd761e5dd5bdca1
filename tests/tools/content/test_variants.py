"""Numbered variants of an operation are found by one rule, wherever operations are listed."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tools.content.mappings import Operation, OperationList
from tools.content.variants import Variants

SHIPPED = OperationList(Path(__file__).resolve().parents[3] / "mappings").checked()
LOGIN = next(operation for operation in SHIPPED if operation.name == "CN_LOGIN")


def named(*names: str, **variant_of: str) -> list[Operation]:
    return [
        LOGIN.model_copy(update={"name": name, "variant_of": variant_of.get(name)})
        for name in names
    ]


@pytest.mark.parametrize(
    ("names", "opcode", "found"),
    [
        (["A"], "A", True),
        (["A"], "A7", True),
        (["A"], "A12", True),
        (["A"], "AB", False),
        (["A"], "A2B", False),
        (["A"], "B2", False),  # known as an operation of its own
        (["B"], "B2", False),
        (["B"], "B3", True),
        (["B2"], "B2", True),
        (["B2"], "B3", False),
        (["B", "B2"], "B2", True),
        (["C"], "C2", True),  # a variant with an entry of its own
        (["D_STAGE1"], "D_STAGE1", True),
        (["D_STAGE1"], "D_STAGE5", True),
        (["D_STAGE1"], "D_STAGE", False),
        (["E_V1"], "E_V1", True),
        (["E_V1"], "E_V9", False),  # the last that is known stands for others
        (["E_V2"], "E_V9", True),
        (["A", "E_V2"], "A", True),
    ],
)
def test_a_pattern_finds_operations_and_what_counts_as_one(
    names: list[str], opcode: str, found: bool
) -> None:
    operations = named("A", "B", "B2", "C", "C2", "D_STAGE1", "E_V1", "E_V2", C2="C")
    pattern = f"^(?:{Variants(operations).pattern(names)})$"
    assert (re.match(pattern, opcode) is not None) is found


def test_every_shipped_operation_is_in_its_own_pattern_and_in_no_other() -> None:
    variants = Variants(SHIPPED)
    names = [operation.name for operation in SHIPPED if operation.name[0] not in "(*"]
    for name in names:
        found = [one for one in names if re.fullmatch(variants.pattern([name]), one)]
        assert {name} <= {*found} <= {name, f"{name}2"}

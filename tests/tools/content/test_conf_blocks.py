from __future__ import annotations

import re
from pathlib import Path

import pytest

from tools.content import conf_blocks
from tools.content.conf_blocks import BlockProblem
from tools.content.sources import read_mappings

ROOT = Path(__file__).resolve().parents[3]
PROPS = (ROOT / "default" / "props.conf").read_text(encoding="utf-8")
TRANSFORMS = (ROOT / "default" / "transforms.conf").read_text(encoding="utf-8")


MAPPINGS = read_mappings(ROOT / "mappings")
RECORD_KEYS = MAPPINGS.dictionary.record_keys


def made(text: str) -> str:
    return conf_blocks.props(text, RECORD_KEYS, MAPPINGS.operations, MAPPINGS.activities)


def emptied(text: str) -> str:
    return re.sub(r"(?ms)^(# >>> [^\n]*\n).*?^(# <<<)$", r"\1\2", text)


def test_blocks_follow_from_what_is_written_by_hand_alone() -> None:
    assert made(emptied(PROPS)) == made(PROPS) == PROPS
    assert conf_blocks.transforms(emptied(TRANSFORMS), PROPS) == TRANSFORMS


def test_nothing_outside_a_block_changes() -> None:
    spoilt = PROPS.replace("EVAL-user = ", "EVAL-user = x")
    assert spoilt != PROPS
    assert emptied(made(spoilt)) == emptied(PROPS)


def test_every_line_of_a_record_has_rules_for_a_second_one_and_for_one_line() -> None:
    stanza = PROPS[PROPS.index("[aws:cloudhsm:audit]") : PROPS.index("[aws:cloudhsm:certificate]")]
    by_hand = set(re.findall(r"(?m)^EXTRACT-(\w+) = (?:\\A\(\?:\(\?!|\(\?m\)\^)", stanza))
    by_hand = {name for name in by_hand if not name.startswith(("one_line", "zz_"))}
    assert len(by_hand) == len(RECORD_KEYS) - 1  # the first line apart
    for name in by_hand:
        assert f"\nEXTRACT-one_line_{name} = " in stanza
        assert f"[cloudhsm_repeated_{name}]" in TRANSFORMS
    assert "[cloudhsm_repeated_usecs]" in TRANSFORMS


@pytest.mark.parametrize("title", ["keys", "one line", "actors", "activity", "other collectors"])
def test_a_block_that_is_not_there_is_named(title: str) -> None:
    with pytest.raises(BlockProblem, match=f"no block '# >>> {title}: "):
        made(PROPS.replace(f"# >>> {title}:", "# >>> gone:"))


def test_a_stanza_that_is_not_there_is_named() -> None:
    with pytest.raises(BlockProblem, match=r"no stanza \[aws:cloudhsm:audit\]"):
        conf_blocks.transforms(TRANSFORMS, "[other]\n")

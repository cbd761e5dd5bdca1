from __future__ import annotations

import json
from pathlib import Path

import pytest

from cloudhsm.aws.log_source import FoundGroup
from cloudhsm.base.aws_clock import AwsClock
from cloudhsm.base.counters import Counters
from cloudhsm.base.settings import parse
from cloudhsm.state.input_cache import Failure, InputFile, InputState, asked
from tests.bin.fakes import GROUP

FULL = InputState(
    "[]",
    1,
    [FoundGroup(GROUP, 86_400_000), FoundGroup(GROUP)],
    AwsClock(-5, -5),
    7,
    Counters(runs=3),
    {GROUP.name: Failure("AccessDenied", 1, 2, 3)},
)


def test_what_was_remembered_is_there_again(tmp_path: Path) -> None:
    file = InputFile(tmp_path / "new", "aws_cloudhsm://x")
    assert file.load() == InputState()
    assert file.save(FULL)
    assert file.load() == FULL
    assert [path.name for path in (tmp_path / "new").iterdir()] == [file.path.name]


@pytest.mark.parametrize(
    "damage",
    [
        b"",
        b"\xff",
        b"[]",
        b"{}",
        b'{"version":2}',
        json.dumps({**FULL.to_json(), "groups": [1]}).encode(),
        json.dumps({**FULL.to_json(), "failures": {"x": {"odd": 1}}}).encode(),
        json.dumps({**FULL.to_json(), "tally": None}).encode(),
    ],
)
def test_a_damaged_memory_is_an_empty_one(tmp_path: Path, damage: bytes) -> None:
    file = InputFile(tmp_path, "aws_cloudhsm://x")
    file.path.write_bytes(damage)
    assert file.load() == InputState()


def test_inputs_of_similar_names_have_memories_of_their_own(tmp_path: Path) -> None:
    paths = {InputFile(tmp_path, f"aws_cloudhsm://{name}").path for name in ("a b", "a_b", "a/b")}
    assert len(paths) == 3
    assert {path.parent for path in paths} == {tmp_path}


def test_a_memory_that_cannot_be_written_says_so_and_leaves_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert not InputFile(tmp_path / "file", "aws_cloudhsm://x").save(FULL)


def test_another_setting_asks_anew() -> None:
    stanzas: list[dict[str, str | None]] = [
        {"aws_region": "us-east-1", "log_groups": "/aws/x"},
        {"aws_region": "us-east-1", "log_groups": "/aws/x*"},
        {"aws_region": "us-east-2", "log_groups": "/aws/x"},
        {"aws_region": "us-east-1", "log_groups": "/aws/x", "endpoint_url": "https://vpce"},
    ]
    settings = [parse("aws_cloudhsm://x", stanza, 0) for stanza in stanzas]
    assert len({asked(one) for one in settings}) == 4
    assert InputState().is_new_to(settings[0])
    assert not InputState(asked(settings[0])).is_new_to(settings[0])

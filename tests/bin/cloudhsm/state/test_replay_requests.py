from __future__ import annotations

import json
import logging
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloudhsm.base.errors import StateError
from cloudhsm.state import replay_requests
from cloudhsm.state.file_store import FileStateStore
from cloudhsm.state.replay_requests import Request, discard, found, waiting, write
from tests.bin.fakes import GROUP, HSM, NOW_MS

ID = "0123456789abcdef0123456789abcdef"
OTHER_ID = "f" * 32
REQUEST = Request(ID, GROUP, HSM, 1000, 2000, "alice", NOW_MS, "index hsm was lost")
DOCUMENT: dict[str, Any] = {
    "version": 1,
    "id": ID,
    "group": {
        "partition": "aws",
        "account": "111122223333",
        "region": "us-east-1",
        "name": "/aws/cloudhsm/cluster-likphkxygsn",
    },
    "stream": HSM,
    "start_ms": 1000,
    "end_ms": 2000,
    "requested_by": "alice",
    "requested_ms": NOW_MS,
    "reason": "index hsm was lost",
}


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """Where a state would be; requests need none."""
    return FileStateStore(tmp_path).path(GROUP)


def test_a_request_lies_beside_the_state_as_documented(state: Path) -> None:
    file = write(state, REQUEST)
    assert file == state.with_name(f"{state.name[: -len('.state')]}.replay-{ID}")
    assert json.loads(file.read_text("ascii")) == DOCUMENT
    assert [path.name for path in state.parent.iterdir()] == [file.name]


def test_the_user_that_runs_splunk_can_read_what_root_asked_for(state: Path) -> None:
    before = os.umask(0o077)
    try:
        assert write(state, REQUEST).stat().st_mode & 0o777 == 0o644
    finally:
        os.umask(before)


@given(
    asked=st.builds(
        Request,
        st.just(ID),
        st.just(GROUP),
        st.one_of(st.none(), st.from_regex(r"[^:*]{1,512}", fullmatch=True)),
        st.integers(0, NOW_MS),
        st.integers(NOW_MS, NOW_MS * 2),
        st.text(min_size=1, max_size=200),
        st.integers(0, NOW_MS),
        st.text(st.characters(), max_size=replay_requests.LONGEST_REASON),
    )
)
def test_every_request_is_read_as_it_was_written(
    tmp_path_factory: pytest.TempPathFactory, asked: Request
) -> None:
    state = tmp_path_factory.mktemp("states") / "a.b-1.state"
    write(state, asked)
    assert waiting(state, GROUP) == [asked]


def test_the_oldest_request_comes_first(state: Path) -> None:
    later = replace(REQUEST, id=ID, requested_ms=2)
    earlier = replace(REQUEST, id=OTHER_ID, requested_ms=1)
    for request in (later, earlier):
        write(state, request)
    assert waiting(state) == [earlier, later]


def test_a_request_of_another_group_is_not_seen(state: Path) -> None:
    other = FileStateStore(state.parent).path(replace(GROUP, account="444455556666"))
    write(other, REQUEST)
    assert waiting(state) == []


def test_without_requests_or_folder_there_is_nothing_to_do(state: Path) -> None:
    assert waiting(state) == []
    assert waiting(state.parent / "missing" / state.name) == []


def test_an_adopted_request_is_removed_and_may_be_gone_already(state: Path) -> None:
    write(state, REQUEST)
    for _ in range(2):
        discard(state, REQUEST)
    assert [*state.parent.iterdir()] == []


DAMAGED = {
    "no JSON": b"\xff{",
    "cut short": json.dumps(DOCUMENT).encode()[:-10],
    "empty": b"",
    "no object": b"[1]",
    "nested without end": b"[" * 60_000,
    "huge": b" " * 70_000 + json.dumps(DOCUMENT).encode(),
    **{
        f"{key} = {value!r}": json.dumps({**DOCUMENT, key: value}).encode()
        for key, value in [
            ("version", 2),
            ("version", "1"),
            ("id", OTHER_ID),
            ("id", "../../../../etc/passwd"),
            ("group", "x"),
            ("group", {**DOCUMENT["group"], "account": 1}),
            ("stream", "a:b"),
            ("stream", ""),
            ("stream", 7),
            ("start_ms", 2001),
            ("start_ms", -1),
            ("start_ms", True),
            ("start_ms", 1.5),
            ("end_ms", 10**30),
            ("requested_by", ""),
            ("requested_ms", None),
            ("reason", "x" * 501),
            ("surplus", 1),
        ]
    },
    **{
        f"no {key}": json.dumps({k: v for k, v in DOCUMENT.items() if k != key}).encode()
        for key in DOCUMENT
    },
}


@pytest.mark.parametrize("content", DAMAGED.values(), ids=DAMAGED.keys())
def test_what_is_no_request_is_set_aside_told_and_stops_nothing(
    state: Path, caplog: pytest.LogCaptureFixture, content: bytes
) -> None:
    good = replace(REQUEST, id="e" * 32)
    write(state, good)
    bad = replay_requests.path(state, REQUEST)
    bad.write_bytes(content)
    with caplog.at_level(logging.ERROR):
        assert waiting(state) == [good]
    assert "error=RequestRejected" in caplog.text
    assert str(bad) in caplog.text
    assert bad.with_name(f"{bad.name}.rejected").read_bytes() == content
    caplog.clear()
    assert waiting(state) == [good]
    assert caplog.text == ""


def test_a_request_for_another_group_under_this_ones_name_is_set_aside(state: Path) -> None:
    write(state, replace(REQUEST, group=replace(GROUP, account="444455556666")))
    assert waiting(state, GROUP) == []
    assert [path.suffix for path in state.parent.iterdir()] == [".rejected"]


@pytest.mark.parametrize("name", ["1", "", ID[:-1], ID.upper(), f"{ID}.bak"])
def test_a_file_named_otherwise_is_set_aside(state: Path, name: str) -> None:
    file = state.with_name(f"{state.stem}.replay-{name}")
    file.write_text(json.dumps(DOCUMENT))
    assert waiting(state) == []
    assert file.with_name(f"{file.name}.rejected").exists()


def test_looking_changes_nothing(state: Path) -> None:
    file = replay_requests.path(state, REQUEST)
    file.write_bytes(b"x")
    ((seen, error),) = found(state)
    assert seen == file
    assert "This is no request for a replay" in str(error)
    assert file.exists()


def test_a_folder_in_a_requests_place_stops_nothing(state: Path) -> None:
    replay_requests.path(state, REQUEST).mkdir()
    assert waiting(state) == []


def test_a_request_that_cannot_be_written_leaves_nothing(state: Path) -> None:
    with pytest.raises(StateError, match="The request cannot be written"):
        write(state.parent / "missing" / state.name, REQUEST)
    replay_requests.path(state, REQUEST).mkdir()  # so that renaming fails
    with pytest.raises(StateError, match="cannot be written"):
        write(state, REQUEST)
    assert len([*state.parent.iterdir()]) == 1


def test_a_request_that_cannot_be_removed_is_told_and_stops_nothing(
    state: Path, caplog: pytest.LogCaptureFixture
) -> None:
    replay_requests.path(state, REQUEST).mkdir()
    discard(state, REQUEST)
    assert "error=StateError" in caplog.text
    assert "Remove this file" in caplog.text

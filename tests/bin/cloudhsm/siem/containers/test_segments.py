"""Records survive every container, nested and joined at random, and nothing is lost silently."""

from __future__ import annotations

import io
import json
from collections import Counter
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cloudhsm.siem.containers import byte_streams, json_stream
from cloudhsm.siem.record_files import Found, Origin, Report, records
from tests.bin.cloudhsm.siem.containers.writers import (
    ALL,
    GROUP,
    HSM,
    IS_TEXT,
    NAMED,
    WRAPPERS,
    record,
    subscription,
)

# At most 31 characters, as an HSM allows: forged lines, quotes and how containers begin.
NAMES = (
    *("audituser", "a b", "x,y", 'q"uote', "t'ick", "back\\slash", '{"a":1}', "[1,2]", "|", "'"),
    *("eve\nOpcode : CN_X (0x1)", "a\nTime: 01/01/26 00:00:00.1, u", "\u00e9\u4e16\u754c"),
    *("a\nUser Type : X", "tab\there", '{\n"a": 1}', 'a\n{"message":"x"}', "a\n[[1]]", "%s \\n"),
    *(
        "z\n2026-01-01T00:00:00 Time:",
        " lead ",
        "- a: b",
        "a: b",
        "x\n- eventId: 'a'",
        "a\nevents:",
    ),
    *("x\nmessage,time", "EVENTS\t1\t2", "a\nSEARCHEDLOGSTREAMS"),
)


def read(data: bytes, report: Report | None = None) -> list[Found]:
    return [*records(io.BytesIO(data), Origin("a file"), report)]


def texts_of(found: Sequence[Found]) -> Counter[str]:
    """The texts with the HSM's line ends, and without those after the last line."""
    return Counter(one.text.replace("\r\n", "\n").rstrip("\n") for one in found)


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("count", [1, 3])
def test_a_container_gives_each_record_once_as_it_was(name: str, count: int) -> None:
    texts = [record(number, key=number == 2) for number in range(count)]
    assert texts_of(read(ALL[name](texts))) == Counter(texts)


@pytest.mark.parametrize("name", NAMED)
def test_a_container_that_has_the_hsms_name_gives_it(name: str) -> None:
    found = read(NAMED[name]([record(1), record(2, key=True)]))
    assert {one.origin[1] for one in found} == {HSM}


@pytest.mark.parametrize("name", sorted({*NAMED} - {"YAML, single", "YAML, double"}))
def test_a_log_group_that_is_named_next_to_a_record_is_known(name: str) -> None:
    data = NAMED[name]([record(1)])
    if GROUP.encode() in data:
        (found,) = read(data)
        assert f"{GROUP}:{HSM}" in found.origin[0]


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("user", NAMES)
def test_no_user_name_divides_a_record_or_ends_a_container(name: str, user: str) -> None:
    texts = [record(1), record(2, user), record(3)]
    if name == "rsyslog" and "#" in user:
        pytest.skip("rsyslog does not escape its own escapes")
    assert texts_of(read(ALL[name](texts))) == Counter(texts)


@pytest.mark.parametrize("wrapper", WRAPPERS)
@pytest.mark.parametrize("name", ALL)
def test_a_container_is_read_inside_another_encoding(name: str, wrapper: str) -> None:
    texts = [record(number) for number in range(3)]
    assert texts_of(read(WRAPPERS[wrapper](ALL[name](texts)))) == Counter(texts)


Part = tuple[str, list[str], list[str], bytes]


@st.composite
def parts(draw: st.DrawFn) -> list[Part]:
    """Containers with their records, what is around them, and what is between them."""
    numbers = iter(range(10**6))
    chosen: list[Part] = []
    for name in draw(st.lists(st.sampled_from([*ALL]), min_size=1, max_size=4)):
        users = draw(st.lists(st.sampled_from(NAMES), min_size=1, max_size=4))
        texts = [record(next(numbers), user, draw(st.booleans())) for user in users]
        around = draw(st.lists(st.sampled_from(sorted({*WRAPPERS} - IS_TEXT)), max_size=3))
        chosen.append((name, texts, around, draw(st.sampled_from([b"\n", b"\n\n", b"\r\n"]))))
    return chosen


def joined(chosen: Sequence[Part]) -> bytes:
    data = b""
    for name, texts, around, after in chosen:
        one = ALL[name](texts)
        for wrapper in around:
            one = WRAPPERS[wrapper](one)
        data += one + after
    return data


@given(parts(), st.sampled_from([7, 100, 4096, 1 << 18]))
@settings(max_examples=300)
def test_containers_nested_and_joined_at_random_give_each_record_once(
    chosen: list[Part], chunk: int
) -> None:
    report = Report()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(byte_streams, "CHUNK", chunk)
        found = read(joined(chosen), report)
    assert texts_of(found) == Counter(text for part in chosen for text in part[1])
    assert report.taken() == []


@given(
    st.sampled_from(sorted({*ALL} - {"Lambda", "Kinesis", "Firehose", "SQS"})),
    st.sampled_from([*ALL]),
    st.integers(0, 10**6),
    st.sampled_from([b"", b"\xff", b'"', b"}", b"\x05<damage>"]),
)
@settings(max_examples=400, derandomize=True)
def test_damage_costs_the_records_that_it_is_in_and_no_others(
    name: str, after: str, place: int, damage: bytes
) -> None:
    """One before it, or its successor, may be hard to divide from it."""
    texts = [record(number) for number in range(6)]
    others = [record(number) for number in (10, 11)]
    data = ALL[name](texts)
    at = place % len(data)
    found = texts_of(read(data[:at] + damage + data[at + 1 :] + b"\n" + ALL[after](others)))
    missing = Counter([*texts, *others]) - found
    assert sum(missing.values()) <= 3, (at, data[at : at + 20])


@given(
    st.sampled_from([*ALL]),
    st.text("abc XYZ.-\u00e9", min_size=5, max_size=60).filter(lambda text: text.strip()),
)
def test_text_between_containers_becomes_a_damaged_record(name: str, stray: str) -> None:
    first, second = [record(1)], [record(2)]
    data = ALL[name](first) + f"\n\n### {stray}\n\n".encode() + ALL[name](second)
    found = read(data)
    assert any(f"### {stray}".strip() in one.text for one in found)
    assert record(2) in texts_of(found)


@pytest.mark.parametrize("order", ["logGroup first", "events first"])
@pytest.mark.parametrize("can_reopen", [True, False])
@pytest.mark.parametrize("chunk", [1000, 1 << 18])
def test_names_after_more_events_than_memory_may_have_are_known(
    order: str, can_reopen: bool, chunk: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(json_stream, "WINDOW", 5_000)
    monkeypatch.setattr(byte_streams, "CHUNK", chunk)
    texts = [record(number) for number in range(100)]
    payload = subscription(texts)
    if order == "events first":
        payload = dict(reversed(payload.items()))
    other = {**subscription([record(1000)] * 30), "logStream": "hsm-aaaaaaaaaaa"}
    data = json.dumps([payload, dict(reversed(other.items()))]).encode()
    data = b"\n".join([json.dumps({"a": {"b": json.loads(data)}}).encode(), data])
    reopen = (lambda: io.BytesIO(data)) if can_reopen else None
    found = [*records(io.BytesIO(data), Origin(), None, reopen)]
    assert [one.origin[1] for one in found] == ([HSM] * 100 + ["hsm-aaaaaaaaaaa"] * 30) * 2


def test_control_messages_are_counted_and_give_no_record() -> None:
    control = {"messageType": "CONTROL_MESSAGE", "logEvents": [{"message": "CWL CONTROL MESSAGE"}]}
    report = Report()
    data = b"\n".join(json.dumps(one).encode() for one in (control, subscription([record(1)])))
    for _ in range(2):
        data = WRAPPERS["Base64"](data)
    assert [one.text for one in read(data, report)] == [record(1)]
    assert report.control == 1


def test_numbers_of_any_length_are_as_they_were() -> None:
    digits = "1234567890" * 600
    (found,) = read(json.dumps({"events": [{"x": "y"}]}).replace('"y"', digits).encode())
    assert found.text == f'{{"x": {digits}}}'


@pytest.mark.parametrize("begin", ["[" * 100_000, '{"a":' * 100_000, '[{"events":' * 5_000])
def test_json_of_any_depth_is_read_to_its_end(begin: str) -> None:
    found = read(f"{begin}\n{record(7)}\n".encode())
    assert record(7) in texts_of(found)


def test_one_record_kept_under_two_keys_is_one_record() -> None:
    event = {"message": record(1), "event": {"original": record(1)}, "log": record(1)}
    assert len(read(json.dumps(event).encode())) == 1


def test_a_name_that_aws_would_not_give_is_no_name() -> None:
    event = {"message": record(1), "logGroup": "a:b", "logStream": "x:y", "owner": "12"}
    (found,) = read(json.dumps(event).encode())
    assert found.origin == ("", "")


def test_compressed_data_that_ends_early_is_reported_and_what_follows_is_read() -> None:
    torn = WRAPPERS["gzip"](ALL["plain"]([record(number) for number in range(400)]))[:-300]
    report = Report()
    found = texts_of(read(torn + b"\n" + ALL["plain"]([record(1000)]), report))
    assert record(0) in found
    assert record(1000) in found
    assert len(report.taken()) == 1

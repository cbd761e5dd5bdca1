"""Every kind of file gives its records, whole, with their place and origin, and drops nothing."""

from __future__ import annotations

import gzip
import io
import json
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloudhsm.siem.containers import byte_streams, json_stream, record_heads, text_records
from cloudhsm.siem.record_files import Found, Origin, Report, records

FIRST = "Time: 12/19/17 21:01:17.140812, usecs:1513717277140812\nSequence No : 0x1d\nUser Name : a"
SECOND = "Time: 12/19/17 21:01:18.140812, usecs:1513717278140812\nSequence No : 0x1e"
CERTIFICATE = '{\n  "timestamp": 1725482484559,\n  "op_code": "CreateObject"\n}'
ORIGIN = Origin("a.log")
NAMES = ("", "")
GROUP, HSM = "/aws/cloudhsm/cluster-likphkxygsn", "hsm-nwbbiqbj4jk"
SOURCE = f"111122223333:us-east-1:{GROUP}:{HSM}"


def read(text: str | bytes, origin: Origin = ORIGIN) -> list[Found]:
    data = text if isinstance(text, bytes) else text.encode()
    return [*records(io.BytesIO(data), origin)]


@pytest.mark.parametrize("end", ["", "\n", "\r\n", "\n\n\n"])
@pytest.mark.parametrize("between", ["\n", "\r\n", "\n\n"])
def test_text_gives_its_records_with_the_lines_on_which_they_start(between: str, end: str) -> None:
    found = read(f"{FIRST}{between}{SECOND}{end}")
    lines = 4 + (between == "\n\n")
    assert found == [Found(FIRST, NAMES, 1), Found(SECOND, NAMES, lines)]


def test_text_before_the_first_record_and_bytes_that_are_no_text_are_kept() -> None:
    found = read(b"stray \xff line\n" + FIRST.encode())
    assert [one.text for one in found] == ["stray \\xff line", FIRST]
    assert [one.place for one in found] == [1, 2]


def test_a_line_that_only_begins_like_a_record_breaks_none() -> None:
    text = f"{FIRST}\nTime: soon\nTime: 12/19/17 21:01:17.140812"
    assert [one.text for one in read(text)] == [text]


@given(
    st.lists(st.text(st.sampled_from("\r\nTime: 12/34.56,usecs{}ab"), max_size=30), max_size=8),
    st.integers(1, 40),
)
def test_chunks_of_any_size_give_the_same_and_lose_nothing(texts: list[str], size: int) -> None:
    text = "x" + f"\n{FIRST}".join(texts) + f"\n{SECOND}"
    with pytest.MonkeyPatch.context() as patch:
        whole = read(text)
        patch.setattr(byte_streams, "CHUNK", size)
        assert read(text) == whole
    assert [
        *"".join(one.text for one in whole if one.text).replace("\n", "").replace("\r", "")
    ] == [*text.replace("\n", "").replace("\r", "")]


def test_an_export_tells_when_each_record_came() -> None:
    text = f"2017-12-19T21:01:18.000Z {FIRST}\n2017-12-19T21:01:19.500Z {SECOND}\n"
    assert read(text) == [
        Found(FIRST, NAMES, 1, 1_513_717_278_000_000),
        Found(SECOND, NAMES, 4, 1_513_717_279_500_000),
    ]
    exported = f"2024-09-04T20:41:24.559Z {CERTIFICATE}\n2024-09-04T20:41:24.600Z {CERTIFICATE}"
    assert [one.text for one in read(exported)] == [CERTIFICATE, CERTIFICATE]


def test_gzip_is_told_by_its_content() -> None:
    assert read(gzip.compress(FIRST.encode()) + gzip.compress(f"\n{SECOND}".encode())) == read(
        f"{FIRST}\n{SECOND}"
    )


def test_a_torn_gzip_gives_what_it_has_and_is_reported() -> None:
    packed = gzip.compress("\n".join([FIRST, SECOND] * 5000).encode())
    report = Report()
    found = [*records(io.BytesIO(packed[:-20]), ORIGIN, report)]
    ((place, what),) = report.taken()
    assert place == "a.log"
    assert "gzip data is cut off" in what
    assert found[:2] == [Found(FIRST, NAMES, 1), Found(SECOND, NAMES, 4)]


def test_certificate_records_are_as_they_were_written() -> None:
    large = '{"timestamp": 1, "object_handle": 9007199254740993}'
    assert [one.text for one in read(f"{CERTIFICATE}\n{large}\n")] == [CERTIFICATE, large]


def _event(text: str = FIRST, **more: object) -> dict[str, object]:
    return {"timestamp": 1_513_717_278_000, "message": text, **more}


def test_events_that_the_aws_command_line_prints_know_their_stream() -> None:
    events = [_event(logStreamName=HSM, eventId="1"), _event(SECOND, logStreamName=HSM)]
    text = json.dumps({"events": events, "searchedLogStreams": []}, indent=4)
    origin = Origin("a.json", "111122223333", "us-east-1", GROUP)
    assert read(text, origin) == [
        Found(FIRST, (SOURCE, HSM), 1, 1_513_717_278_000_000),
        Found(SECOND, (SOURCE, HSM), 2, 1_513_717_278_000_000),
    ]


@pytest.mark.parametrize("between", ["", "\n"])
def test_what_a_subscription_delivers_knows_account_group_and_stream(between: str) -> None:
    payload = {"messageType": "DATA_MESSAGE", "owner": "111122223333", "logGroup": GROUP}
    payloads = [{**payload, "logStream": HSM, "logEvents": [_event(text)]} for text in (FIRST, "")]
    found = read(between.join(map(json.dumps, payloads)), Origin("a", region="us-east-1"))
    assert [(one.text, one.origin) for one in found] == [
        (FIRST, (SOURCE, HSM)),
        ("", (SOURCE, HSM)),
    ]


def test_what_is_given_comes_before_what_a_file_tells() -> None:
    text = json.dumps(_event(logStreamName="hsm-other", logGroup="/other"))
    (found,) = read(text, Origin("", "111122223333", "us-east-1", GROUP, HSM))
    assert found.origin == (SOURCE, HSM)


def test_an_event_a_line_and_a_line_that_is_none() -> None:
    found = read(f"{json.dumps(_event(logStream=HSM))}\n{{broken\n{json.dumps(_event())}")
    assert [(one.text, one.place) for one in found] == [(FIRST, 1), ("{broken", 2), (FIRST, 3)]


@pytest.mark.parametrize(
    "event", ['{"timestamp": 1}', '"text"', "[1]", '{"message": 7}', "null", '{"message": null}']
)
def test_an_event_without_a_message_is_kept_as_it_is(event: str) -> None:
    assert read(f'{{"events": [{event}]}}') == [Found(event, NAMES, 1)]


@pytest.mark.parametrize("stamp", ["true", '"1"', "null", "1.5"])
def test_a_time_that_is_none_is_left_out(stamp: str) -> None:
    (found,) = read(f'{{"message": "x", "timestamp": {stamp}}}')
    assert found.arrived is None


def test_json_that_ends_too_early_gives_what_it_has() -> None:
    first, second = read(json.dumps({"events": [_event(), _event(SECOND)]})[:-30])
    assert first.text == FIRST
    assert second.text in json.dumps(SECOND)
    assert second.text.startswith('"Time: 12/19/17 21:01:18.140812')


@pytest.mark.parametrize("text", ["", "\n\n", " \r\n"])
def test_nothing_gives_no_record(text: str) -> None:
    assert read(text) == []


class _Endless(io.RawIOBase):
    """`count` times the same text."""

    def __init__(self, text: str, count: int) -> None:
        self._left, self._text = count, text.encode()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        size = min(self._left, len(buffer) // len(self._text))
        self._left -= size
        buffer[: size * len(self._text)] = self._text * size
        return size * len(self._text)


@pytest.mark.parametrize("text", [f"{FIRST}\n", "x" * 64, f"{json.dumps(_event())}\n"])
def test_memory_does_not_grow_with_the_file(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (record_heads, text_records, json_stream):
        monkeypatch.setattr(module, "MOST_RECORD", 300_000)
    monkeypatch.setattr(byte_streams, "CHUNK", 50_000)
    tracemalloc.start()
    try:
        count = sum(1 for _ in records(_Endless(text, 6_000_000 // len(text)), ORIGIN))
        _now, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert count >= 20
    assert peak < 2_000_000


KEYS = ("message", "events", "logGroup", "other", "log")


def _member(key: str, text: str) -> str:
    value = [{"message": text}] if key == "events" else text
    return f"{json.dumps(key)}: {json.dumps(value)}"


@given(st.lists(st.sampled_from(KEYS), min_size=1, max_size=6), st.sampled_from([30, 1 << 20]))
def test_members_with_the_same_key_give_the_record_of_each(keys: list[str], window: int) -> None:
    texts = [f"{FIRST}{number}" for number in range(10, 10 + len(keys))]
    data = "{" + ", ".join(map(_member, keys, texts)) + "}"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(json_stream, "WINDOW", window)
        assert sorted(one.text for one in read(f"{data}\n[{data}]")) == sorted([*texts, *texts])


def test_damaged_texts_under_the_same_key_are_all_printed() -> None:
    found = read('{"events": [{"message": "one of", "message": "two", "log": "copy"}]}')
    assert [one.text for one in found] == ["one of", "two"]


def test_the_last_name_under_a_repeated_key_counts() -> None:
    data = {"logStream": HSM, "message": FIRST}
    text = json.dumps(data).replace("{", '{"logStream": "hsm-aaaaaaaaaaa", ', 1)
    assert [one.origin[1] for one in read(text)] == [HSM]


def test_a_record_after_a_thousand_members_of_a_large_object_is_printed() -> None:
    members = [f'"k{number}": "{"x" * 50}"' for number in range(1200)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(json_stream, "WINDOW", 1 << 12)
        found = read("{" + ", ".join(members) + ", " + _member("message", FIRST) + "}")
    assert FIRST in [one.text for one in found]


def _cut_shapes() -> dict[str, str]:
    """One text each with the records FIRST and SECOND, as programs print them."""
    first, second = (_event(text, logStreamName=HSM, eventId="1" * 20) for text in (FIRST, SECOND))
    subscription = {
        "messageType": "DATA_MESSAGE",
        "owner": "111122223333",
        "logGroup": GROUP,
        "logStream": HSM,
        "logEvents": [{"id": "1", "timestamp": 1, "message": text} for text in (FIRST, SECOND)],
    }
    hec = [{"event": text, "host": HSM, "source": SOURCE} for text in (FIRST, SECOND)]
    return {
        "answer": json.dumps({"events": [first, second], "searchedLogStreams": []}),
        "pretty answer": json.dumps({"events": [first, second]}, indent=4),
        "lines": json.dumps(first) + "\n" + json.dumps(second),
        "text first": json.dumps({"message": FIRST, "host": "a", "n": {"x": 1}}),
        "subscription": json.dumps(subscription),
        "HEC": "\n".join(map(json.dumps, hec)),
    }


CUT_SHAPES = _cut_shapes()


@pytest.mark.parametrize("shape", CUT_SHAPES)
def test_whatever_is_cut_off_every_complete_record_is_printed_and_the_cut_is_reported(
    shape: str,
) -> None:
    text = CUT_SHAPES[shape]
    ends = [
        text.index(one) + len(one) for one in (json.dumps(FIRST), json.dumps(SECOND)) if one in text
    ]
    for end in range(1, len(text)):
        report = Report()
        found = [one.text for one in records(io.BytesIO(text[:end].encode()), ORIGIN, report)]
        complete = [one for one, last in zip((FIRST, SECOND), ends) if last <= end]
        assert [one for one in complete if one not in found] == [], text[:end][-40:]
        is_between_lines = shape in ("lines", "HEC") and text[end - 1 :].startswith(("}\n", "\n"))
        is_reported = bool(report.taken()) or {*found} != {*complete}
        assert is_reported or is_between_lines, text[:end][-40:]


@pytest.mark.parametrize(
    "text",
    [
        '{"events":[{"message":%s},{]"message":%s}]}',
        '{"events":[{"message":%s},{"x":]"message":%s}]}',
        '{"events":[{"message":%s}}{"message":%s}]}',
        '[{"message":%s},,{"message":%s}',
        '{"a":{"message":%s,"message":%s',
    ],
)
def test_a_stray_bracket_costs_no_record(text: str) -> None:
    report = Report()
    data = (text % (json.dumps(FIRST), json.dumps(SECOND))).encode()
    found = [one.text for one in records(io.BytesIO(data), ORIGIN, report)]
    assert [one for one in (FIRST, SECOND) if one not in found] == []
    assert report.taken() or {*found} != {FIRST, SECOND}


@pytest.mark.parametrize(
    "text",
    [
        "[]",
        "[[]]",
        '{"events": [], "searchedLogStreams": []}',
        '{"results": [], "statistics": {"recordsMatched": 0.0}, "status": "Complete"}',
        '[{"events": [], "nextToken": "f/3"}, {"events": []}]',
        '{"events": []}\n{"events": []}\n',
        "events: []\nsearchedLogStreams: []\n",
    ],
)
def test_an_answer_without_events_gives_no_record_and_no_report(text: str) -> None:
    report = Report()
    assert [*records(io.BytesIO(text.encode()), ORIGIN, report)] == []
    assert report.taken() == []


def test_an_empty_page_between_pages_is_no_damage() -> None:
    page = {"events": [_event()]}
    assert [one.text for one in read(json.dumps([page, {"events": []}, page]))] == [FIRST, FIRST]


@pytest.mark.parametrize("text", ["{}", '{"a": 1}', '{"events": [{}]}', '{"events": [1]}'])
def test_json_of_another_kind_is_no_empty_answer(text: str) -> None:
    report = Report()
    assert read(text) or [*records(io.BytesIO(text.encode()), ORIGIN, report)] or report.taken()


@pytest.mark.parametrize("place", [0.3, 0.5, 0.9])
def test_damage_in_gzip_costs_nothing_before_it(place: float) -> None:
    texts = [FIRST.replace("0x1d", hex(number)) for number in range(400)]
    packed = bytearray(gzip.compress("\n".join(texts).encode(), 1))
    at = int(len(packed) * place)
    packed[at : at + 40] = b"\xff" * 40
    report = Report()
    found = [one.text for one in records(io.BytesIO(bytes(packed)), ORIGIN, report)]
    complete = [one for one in found if one in set(texts)]
    assert len(complete) > 400 * place * 0.7
    assert found[: len(complete)] == texts[: len(complete)]
    assert any("damaged" in what for _place, what in report.taken())


def test_a_record_in_a_control_message_is_printed() -> None:
    control = {"messageType": "CONTROL_MESSAGE", "owner": "CloudwatchLogs", "logGroup": ""}
    text = "CWL CONTROL MESSAGE: Checking health of destination Firehose."
    usual, odd = ({**control, "logEvents": [{"message": one}]} for one in (text, FIRST))
    report = Report()
    data = f"{json.dumps(usual)}\n{json.dumps(odd)}".encode()
    assert [one.text for one in records(io.BytesIO(data), ORIGIN, report)] == [FIRST]
    assert report.control == 1

"""Every log event reaches HEC once, or lies in S3, whatever the batch."""

from __future__ import annotations

import base64
import gzip
import json
import os
import random
import sys
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cloudhsm_push import envelope as envelopes
from cloudhsm_push.envelope import packed
from cloudhsm_push.routing import Routing
from cloudhsm_push.transform import MOST_BYTES, Answer, handler
from tests.push.batches import (
    ACCOUNT,
    ROUTING,
    Kept,
    Sink,
    batch,
    body,
    envelope,
    pushed,
    transform,
)

SIX_MIB = 6 * 1024 * 1024
CONTROL = gzip.compress(
    b'{"messageType":"CONTROL_MESSAGE","owner":"CloudwatchLogs","logGroup":"","logStream":"",'
    b'"subscriptionFilters":[],"logEvents":[{"id":"","timestamp":1790000000000,'
    b'"message":"CWL CONTROL MESSAGE: Checking health of destination Firehose."}]}'
)


def texts(*data: bytes) -> list[str]:
    """The events that HEC gets of one call that has room for all."""
    return event_texts(body(transform(batch(*data), ROUTING, Nowhere())))


def event_texts(sent: str) -> list[str]:
    return [json.loads(line)["event"] for line in sent.split("\n") if line]


def results(answers: Sequence[Answer]) -> list[str]:
    return [answer["result"] for answer in answers]


def size(answers: Sequence[Answer]) -> int:
    return len(json.dumps({"records": answers}).encode())


class Nowhere:
    """A stream that nothing may be put into."""

    def put(self, records: Sequence[bytes]) -> None:
        raise AssertionError(f"{len(records)} records were put again")


def incompressible(kilobytes: int, seed: int = 0) -> str:
    return base64.b64encode(random.Random(seed).randbytes(kilobytes * 768)).decode()


def test_each_log_event_becomes_an_event_with_its_text_unchanged() -> None:
    record = "Time: 12/19/17 21:01:16.962174, usecs:1513717276962174\nSequence No : 0x0\n\n  x\r\n"
    assert texts(packed(envelope(record, "second\nline"))) == [record, "second\nline"]


def test_a_control_message_is_dropped() -> None:
    answers = transform(batch(CONTROL), ROUTING, Nowhere())
    assert results(answers) == ["Dropped"]


def test_answers_bear_the_ids_of_their_records_in_their_order() -> None:
    records = batch(packed(envelope("a")), CONTROL, b"torn", packed(envelope("b")))
    answers = transform(records, ROUTING, Nowhere())
    assert [item["recordId"] for item in answers] == [item["recordId"] for item in records]
    assert results(answers) == ["Ok", "Dropped", "ProcessingFailed", "Ok"]


def test_what_cannot_be_understood_goes_to_s3_untouched_and_the_others_to_splunk(
    capsys: pytest.CaptureFixture[str],
) -> None:
    records = batch(b"torn", packed(envelope("a")))
    answers = transform(records, ROUTING, Nowhere())
    assert answers[0] == {**records[0], "result": "ProcessingFailed"}
    assert event_texts(body(answers)) == ["a"]
    line = json.loads(capsys.readouterr().out)
    assert line["event"] == "record_failed"
    assert "not gzip" in line["message"]
    assert line["record_id"] == records[0]["recordId"]
    assert "processing-failed/" in line["next_step"]


def test_records_that_do_not_fit_the_answer_are_put_into_the_stream_again_unchanged() -> None:
    data = [packed(envelope(incompressible(700, seed))) for seed in range(12)]
    again = Sink()
    answers = transform(batch(*data), ROUTING, again)
    assert size(answers) < SIX_MIB
    taken = results(answers).count("Ok")
    assert 3 <= taken < 12
    assert results(answers) == ["Ok"] * taken + ["Dropped"] * (12 - taken)
    assert again.taken == data[taken:]


def test_a_single_record_that_is_too_large_comes_again_in_two_halves() -> None:
    whole = envelope(*[f"{n} " + "x" * 100_000 for n in range(90)])
    again = Sink()
    answers = transform(batch(packed(whole)), ROUTING, again)
    assert results(answers) == ["Dropped"]
    assert [*map(envelopes.read, again.taken)] == [*envelopes.halves(whole)]
    assert sorted(event_texts(pushed([whole]))) == sorted(event.message for event in whole.events)


def test_one_log_event_that_no_answer_can_hold_goes_to_s3() -> None:
    records = batch(packed(envelope("\x00" * 1_048_000)))
    answers = transform(records, ROUTING, Nowhere())
    assert answers == [{**records[0], "result": "ProcessingFailed"}]


def test_a_failed_record_beyond_the_limit_comes_again_too() -> None:
    full = [packed(envelope(incompressible(900, seed))) for seed in range(4)]
    torn = os.urandom(1_000 * 1024)
    again = Sink()
    answers = transform(batch(*full, torn), ROUTING, again)
    assert size(answers) < SIX_MIB
    assert results(answers)[-1] == "Dropped"
    assert again.taken[-1] == torn


def test_a_stream_that_refuses_ends_the_call_so_that_the_batch_comes_again() -> None:
    data = [packed(envelope(incompressible(700, seed))) for seed in range(12)]
    with pytest.raises(AssertionError, match="records were put again"):
        transform(batch(*data), ROUTING, Nowhere())


def test_an_unexpected_record_takes_no_other_with_it() -> None:
    """A log stream of CloudWatch Logs has no such name; any other sender to the stream could."""
    odd = packed(envelope("a", stream="\ud800"))
    answers = transform(batch(odd, packed(envelope("b"))), ROUTING, Nowhere())
    assert results(answers) == ["ProcessingFailed", "Ok"]
    assert event_texts(body(answers)) == ["b"]


def test_the_function_knows_region_partition_stream_and_index(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    calls: list[str] = []

    class Boto3:
        @staticmethod
        def client(service: str) -> Firehose:
            calls.append(service)
            return Firehose()

    class Firehose:
        def put_record_batch(self, **request: Any) -> dict[str, Any]:  # noqa: ANN401
            calls.append(request["DeliveryStreamName"])
            return {"RequestResponses": [{"RecordId": "1"} for _ in request["Records"]]}

    monkeypatch.setitem(sys.modules, "boto3", Boto3)
    monkeypatch.setenv("SPLUNK_INDEX", "hsm")
    monkeypatch.setenv("BUCKET", "backup")
    arn = "arn:aws-cn:firehose:cn-north-1:111122223333:deliverystream/cloudhsm-push"
    whole = envelope(*["x" * 100_000] * 90)
    records = batch(packed(envelope("a")), packed(whole))
    event = {"deliveryStreamArn": arn, "region": "cn-north-1", "records": records}
    line = json.loads(body(handler(event)["records"]))
    assert (line["source"].split(":")[1], line["index"]) == ("cn-north-1", "hsm")
    assert calls == ["firehose", "s3", "cloudhsm-push"]


def test_events_that_were_made_before_pass_as_they_are() -> None:
    made = pushed([envelope("a", "b")])
    assert body(transform(batch(made.encode()), ROUTING, Nowhere())) == made


OTHERS = {
    "account": (envelope("a")._replace(owner="444455556666"), "the account is '444455556666'"),
    "log group": (
        envelope("a")._replace(log_group="/aws/lambda/x"),
        "the log group '/aws/lambda/x' does not begin with /aws/cloudhsm/",
    ),
}


@pytest.mark.parametrize("kind", OTHERS)
def test_an_envelope_of_another_account_or_log_group_is_kept_and_not_passed_on(kind: str) -> None:
    other, reason = OTHERS[kind]
    kept = Kept()
    records = batch(packed(other), packed(envelope("b")))
    answers = transform(records, ROUTING, Nowhere(), kept)
    assert results(answers) == ["Dropped", "Ok"]
    assert event_texts(body(answers)) == ["b"]
    ((data, why),) = kept.kept
    assert data == packed(other)
    assert reason in why


def test_only_the_log_groups_of_the_stack_are_passed_on() -> None:
    narrow = ROUTING._replace(log_groups="/aws/cloudhsm/cluster-other")
    kept = Kept()
    assert results(transform(batch(packed(envelope("a"))), narrow, Nowhere(), kept)) == ["Dropped"]
    assert len(kept.kept) == 1


def test_a_foreign_line_among_our_own_is_kept_and_not_passed_on() -> None:
    made = pushed([envelope("a", "b")])
    forged = made.replace('"a"', '"x", "fields": {"user": "root"}')
    kept = Kept()
    answers = transform(batch(forged.encode()), ROUTING, Nowhere(), kept)
    assert event_texts(body(answers)) == ["b"]
    ((data, _),) = kept.kept
    assert b"root" in data
    assert b'"b"' not in data


def test_what_cannot_be_kept_comes_again() -> None:
    class Full(Kept):
        def keep(self, _data: bytes, _reason: str) -> None:
            raise OSError("S3 does not answer")

    with pytest.raises(OSError, match="S3 does not answer"):
        transform(batch(packed(OTHERS["account"][0])), ROUTING, Nowhere(), Full())


def test_records_that_firehose_decompresses_are_passed_on_and_reported(
    capsys: pytest.CaptureFixture[str],
) -> None:
    plain = gzip.decompress(packed(envelope("a"))) + b"\n"
    assert texts(plain) == ["a"]
    line = json.loads(capsys.readouterr().out)
    assert line["event"] == "stream_misconfigured"
    assert "Turn off decompression and message extraction" in line["next_step"]


@pytest.mark.parametrize("message", [b"Time: 12/19/17 21:01:16\nSequence No : 0x0", b'{"x": 1}\n'])
def test_messages_that_firehose_extracts_go_to_s3_and_are_reported(
    message: bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    records = batch(message)
    assert transform(records) == [{**records[0], "result": "ProcessingFailed"}]
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["event"] for line in lines] == ["stream_misconfigured", "record_failed"]


def test_partition_region_and_index_are_the_streams() -> None:
    origin = Routing("aws-us-gov", "us-gov-west-1", ACCOUNT, "hsm")
    event = json.loads(pushed([envelope("a")], origin))
    assert event["source"].split(":")[1] == "us-gov-west-1"
    assert event["index"] == "hsm"


def test_a_log_event_without_text_is_reported_and_the_others_are_sent(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert texts(packed(envelope("a", "", "b"))) == ["a", "b"]
    assert json.loads(capsys.readouterr().out)["log_events"] == 1


SIZES = st.lists(st.lists(st.integers(1, 400_000), min_size=1, max_size=6), max_size=8)


@settings(max_examples=12, deadline=None)
@given(SIZES, st.lists(st.binary(max_size=40), max_size=3), st.randoms(use_true_random=False))
def test_for_every_batch_no_log_event_is_lost_or_doubled_and_every_answer_fits(
    sizes: list[list[int]], torn: list[bytes], chance: random.Random
) -> None:
    texts = [
        [f"{number}.{index} " + "\u4e16" * length for index, length in enumerate(of)]
        for number, of in enumerate(sizes)
    ]
    waiting = [*(packed(envelope(*of)) for of in texts), CONTROL, *torn]
    chance.shuffle(waiting)
    got, failed, calls, kept = [], [], 0, Kept()
    while waiting:
        again = Sink()
        records = batch(*waiting)
        answers = transform(records, ROUTING, again, kept)
        assert size(answers) <= MOST_BYTES + 4096
        assert len(answers) == len(records)
        got += event_texts(body(answers))
        failed += [answer["data"] for answer in answers if answer["result"] == "ProcessingFailed"]
        waiting = again.taken
        calls += 1
    assert sorted(got) == sorted(text for of in texts for text in of)
    failed += [base64.b64encode(data).decode() for data, _ in kept.kept]
    assert sorted(failed) == sorted(base64.b64encode(data).decode() for data in torn)
    assert calls <= 30

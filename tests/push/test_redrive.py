"""What Firehose left in S3 goes into the stream again, and none of it is taken for done."""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Iterator, Sequence
from io import BytesIO
from typing import Any

import pytest

from cloudhsm_push.envelope import packed
from cloudhsm_push.firehose import MOST_RECORD_BYTES, RefusedRecords
from cloudhsm_push.redrive import S3, InvalidBackup, Redriven, redriven, undelivered
from tests.push.batches import ROUTING, Sink, batch, body, envelope, pushed, transform

DAY = "splunk-failed/2026/11/23/"


def failed(*raw: bytes) -> bytes:
    """An object as Firehose writes it for what Splunk did not take."""
    return b"".join(
        json.dumps(
            {
                "attemptsMade": 6,
                "arrivalTimestamp": 1790000000000,
                "errorCode": "Splunk.InvalidToken",
                "errorMessage": "The HEC token is invalid.",
                "attemptEndingTimestamp": 1790007200000,
                "rawData": base64.b64encode(record).decode(),
                "EventId": f"4956{number}.000000",
            }
        ).encode()
        + b"\n"
        for number, record in enumerate(raw)
    )


class Bucket:
    def __init__(self, **objects: bytes) -> None:
        self.objects = {DAY + name: data for name, data in objects.items()}

    def keys(self, prefix: str, after: str) -> Iterator[str]:
        yield from sorted(k for k in self.objects if k.startswith(prefix) and k > after)

    def read(self, key: str) -> bytes:
        return self.objects[key]


def drive(bucket: Bucket, stream: Sink, *left_s: int, **event: object) -> Redriven:
    left = iter([*(seconds * 1000 for seconds in left_s), *[900_000] * 100])
    return redriven({"prefix": DAY, **event}, bucket, stream, ROUTING, lambda: next(left))


def test_every_record_of_every_object_is_put_into_the_stream_in_the_order_of_time() -> None:
    bucket = Bucket(a=failed(b"1", b"2"), b=gzip.compress(failed(b"3")))
    stream = Sink()
    assert drive(bucket, stream) == Redriven(2, 3, "", [])
    assert stream.taken == [b"1", b"2", b"3"]


def test_without_time_it_stops_between_two_objects_and_returns_where_to_go_on() -> None:
    bucket = Bucket(a=failed(b"1"), b=failed(b"2"), c=failed(b"3"))
    stream = Sink()
    first = drive(bucket, stream, 900, 900, 59)
    assert first == Redriven(2, 2, DAY + "b", [])
    assert drive(bucket, stream, after=first.after) == Redriven(1, 1, "", [])
    assert stream.taken == [b"1", b"2", b"3"]


def test_what_was_transformed_before_reaches_splunk_as_it_was() -> None:
    made = pushed([envelope("a", "b"), envelope("c")])
    stream = Sink()
    drive(Bucket(a=failed(made.encode())), stream)
    assert body(transform(batch(*stream.taken), ROUTING, Sink())) == made


def test_what_this_stack_did_not_make_stays_in_s3_and_is_reported() -> None:
    made = pushed([envelope("a", "b")])
    forged = made.replace('"a"', '"x", "fields": {"user": "root"}').encode()
    other = packed(envelope("c")._replace(owner="444455556666"))
    stream = Sink()
    outcome = drive(Bucket(a=failed(forged, other, packed(envelope("d")))), stream)
    assert body(transform(batch(*stream.taken))) == pushed([envelope("b")], ROUTING).replace(
        "1790000000.000000", "1790000000.001000"
    ) + pushed([envelope("d")])
    assert outcome.records == 2
    assert outcome.faults == [
        f"{DAY}a: not put into the stream: lines that this stack did not make: 1",
        f"{DAY}a: not put into the stream: the account is '444455556666' instead of 111122223333",
    ]


def test_what_was_not_is_transformed_now() -> None:
    stream = Sink()
    drive(Bucket(a=failed(packed(envelope("a")))), stream)
    assert body(transform(batch(*stream.taken), ROUTING, Sink())) == pushed([envelope("a")])


def test_more_than_a_record_may_hold_is_cut_at_the_ends_of_lines() -> None:
    made = pushed([envelope(*[f"{n}" + "x" * 5_000 for n in range(600)])]).encode()
    assert len(made) > 2 * MOST_RECORD_BYTES
    pieces = [*undelivered(failed(made))]
    assert b"".join(pieces) == made
    assert all(len(piece) <= MOST_RECORD_BYTES and piece.endswith(b"\n") for piece in pieces)


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"{", "no record with rawData at character 0"),
        (failed(b"1") + b"[]", "no record with rawData at character"),
        (b'{"rawData": "*"}', "no record with rawData"),
        (b'{"rawData": 1}', "no record with rawData"),
        (b"\xff\xfe", "cannot be read"),
        (gzip.compress(b"x" * 1000)[:-9], "cannot be read"),
        (gzip.compress(b"x" * 1000)[:12] + b"\xff" * 30, "cannot be read"),
        (failed(b"x" * (MOST_RECORD_BYTES + 1)), "exceeds Firehose's record size"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_an_invalid_object_is_reported_and_the_others_go_on(data: bytes, why: str) -> None:
    with pytest.raises(InvalidBackup, match=why):
        [*undelivered(data)]
    stream = Sink()
    outcome = drive(Bucket(a=data, b=failed(b"2")), stream)
    assert (outcome.objects, outcome.records, stream.taken) == (2, 1, [b"2"])
    (fault,) = outcome.faults
    assert fault.startswith(DAY + "a: ")


def test_an_unreadable_object_is_reported_and_the_others_go_on() -> None:
    class Refusing(Bucket):
        def read(self, key: str) -> bytes:
            if key.endswith("a"):
                raise PermissionError("no")
            return super().read(key)

    stream = Sink()
    outcome = drive(Refusing(a=failed(b"1"), b=failed(b"2")), stream)
    assert outcome == Redriven(2, 1, "", [f"{DAY}a: no"])
    assert stream.taken == [b"2"]


def test_a_stream_that_refuses_ends_the_call_which_returns_where_to_go_on() -> None:
    class Full(Sink):
        def put(self, records: Sequence[bytes]) -> None:
            if b"2" in records:
                raise RefusedRecords("full")
            super().put(records)

    bucket = Bucket(a=b"{", b=failed(b"1"), c=failed(b"2"), d=failed(b"3"))
    outcome = drive(bucket, Full())
    assert (outcome.objects, outcome.records, outcome.after) == (2, 1, DAY + "b")
    assert [fault.split(":")[0] for fault in outcome.faults] == [DAY + "a", DAY + "c"]
    assert drive(bucket, Sink(), after=outcome.after) == Redriven(2, 2, "", [])


def test_the_bucket_is_read_after_the_last_key() -> None:
    class Client:
        def get_paginator(self, operation_name: str) -> Client:
            assert operation_name == "list_objects_v2"
            return self

        def paginate(self, **request: str) -> list[dict[str, Any]]:
            assert request == {"Bucket": "backup", "Prefix": DAY, "StartAfter": DAY + "a"}
            return [{"Contents": [{"Key": DAY + "b"}]}, {}, {"Contents": [{"Key": DAY + "c"}]}]

        def get_object(self, *, Bucket: str, Key: str) -> dict[str, Any]:
            return {"Body": BytesIO(f"{Bucket} {Key}".encode())}

    bucket = S3(Client(), "backup")
    assert [*bucket.keys(DAY, DAY + "a")] == [DAY + "b", DAY + "c"]
    assert bucket.read("x") == b"backup x"


def test_to_continue_after_the_last_object_is_no_fault() -> None:
    assert drive(Bucket(a=failed(b"1")), Sink(), after=DAY + "a") == Redriven(0, 0, "", [])


def test_a_prefix_without_objects_is_reported() -> None:
    assert drive(Bucket(), Sink()).faults == [
        f"No object key begins with {DAY}. Check the keys in the bucket"
    ]


@pytest.mark.parametrize("event", [{}, {"prefix": ""}, {"prefix": 3}])
def test_a_call_without_a_prefix_shows_what_to_send(event: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r'"prefix": "splunk-failed/'):
        redriven(event, Bucket(), Sink(), ROUTING, lambda: 900_000)

"""What the stream refuses for the moment is put again, and nothing else is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloudhsm_push.firehose import RefusedRecords, Stream

THROTTLED = {"ErrorCode": "ServiceUnavailableException", "ErrorMessage": "Slow down."}
BROKEN = {"ErrorCode": "InternalFailure", "ErrorMessage": "Sorry."}


class ScriptedFirehose:
    """A stream that refuses, at each call, the places that its script names."""

    def __init__(self, *refused: set[int]) -> None:
        self.refused = [*refused]
        self.calls: list[list[bytes]] = []
        self.taken: list[bytes] = []

    def put_record_batch(
        self, *, DeliveryStreamName: str, Records: Sequence[dict[str, bytes]]
    ) -> dict[str, Any]:
        assert DeliveryStreamName == "cloudhsm-push"
        data = [record["Data"] for record in Records]
        no = self.refused.pop(0) if self.refused else set()
        self.calls.append(data)
        self.taken += [record for index, record in enumerate(data) if index not in no]
        refusals = [THROTTLED, BROKEN]
        answers = [refusals[n % 2] if n in no else {"RecordId": str(n)} for n in range(len(data))]
        return {"FailedPutCount": len(no), "RequestResponses": answers}


def put(client: ScriptedFirehose, records: Sequence[bytes]) -> list[float]:
    waited: list[float] = []
    Stream(client, "cloudhsm-push", waited.append).put(records)
    return waited


def test_only_what_was_refused_is_put_again_after_growing_waits() -> None:
    client = ScriptedFirehose({1, 2}, {0})
    waited = put(client, [b"a", b"b", b"c"])
    assert client.calls == [[b"a", b"b", b"c"], [b"b", b"c"], [b"b"]]
    assert client.taken == [b"a", b"c", b"b"]
    assert 0.5 <= waited[0] <= 1 <= waited[1] <= 2


def test_a_stream_that_keeps_refusing_is_reported_with_its_reason() -> None:
    client = ScriptedFirehose(*[{0}] * 20)
    with pytest.raises(
        RefusedRecords,
        match=r"refused 1 records 6 times \(ServiceUna",
    ):
        put(client, [b"a", b"b"])
    assert len(client.calls) == 6
    assert client.taken == [b"b"]


def test_nothing_asks_for_nothing() -> None:
    client = ScriptedFirehose()
    assert put(client, []) == []
    assert client.calls == []


@given(st.lists(st.integers(1, 1_000 * 1024), max_size=40))
def test_a_call_has_no_more_than_firehose_takes(sizes: list[int]) -> None:
    client = ScriptedFirehose()
    records = [b"x" * size for size in sizes]
    put(client, records)
    assert client.taken == records
    assert all(sum(map(len, call)) <= 4 * 1024 * 1024 for call in client.calls)


def test_a_call_has_500_records() -> None:
    client = ScriptedFirehose()
    put(client, [b"x"] * 1001)
    assert [len(call) for call in client.calls] == [500, 500, 1]

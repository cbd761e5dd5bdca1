"""The fake obeys what AWS documents, so that a test which fails on it is worth looking at."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fake_aws.faults import DAY_MS, PAGE_BYTES, Faults, at, every, share
from tests.fake_aws.service import EVENT_ID_SHIFT, Arrival, Service

NOW = 1_790_000_000_000
GROUP = "/aws/cloudhsm/cluster-likphkxygsn"


def reply(service: Service, operation: str, **parameters: object) -> dict[str, Any]:
    """The answer to a request that must succeed."""
    answer = service.reply(operation, parameters, {})
    assert answer.status == 200, answer.body
    body: dict[str, Any] = json.loads(answer.body)
    return body


def refused(service: Service, operation: str, **parameters: object) -> str:
    """The code of the refusal of a request that must be refused."""
    answer = service.reply(operation, parameters, {})
    assert answer.status == 400, answer.body
    return str(json.loads(answer.body)["__type"])


def pages(service: Service, **request: object) -> Iterator[Any]:
    """All pages of FilterLogEvents, as dictionaries."""
    request = {"logGroupName": GROUP, **request}
    page = reply(service, "FilterLogEvents", **request)
    yield page
    while "nextToken" in page:
        page = reply(service, "FilterLogEvents", **request, nextToken=page["nextToken"])
        yield page


def texts(service: Service, **request: object) -> list[str]:
    return [event["message"] for page in pages(service, **request) for event in page["events"]]


def stream_texts(service: Service, direction: str, **request: object) -> list[list[str]]:
    """The pages of GetLogEvents in the order in which they come, until a token repeats."""
    request = {"logGroupName": GROUP, "logStreamName": "a", **request}
    pages_read, token = [], None
    while True:
        page = reply(service, "GetLogEvents", **request, **({"nextToken": token} if token else {}))
        pages_read.append([event["message"] for event in page["events"]])
        if page[direction] == token:
            return pages_read
        token = page[direction]


def service_with(*times: int, stream: str = "a", faults: Faults | None = None) -> Service:
    """Events at NOW plus these milliseconds, whose messages are their numbers."""
    service = Service(1, NOW + max(times, default=0), faults)
    service.add_group(GROUP)
    for number, time_ms in enumerate(times):
        service.put(GROUP, stream, NOW + time_ms, str(number))
    return service


arrivals = st.lists(
    st.builds(
        Arrival,
        group=st.just(GROUP),
        stream=st.sampled_from("ab"),
        at_ms=st.integers(0, 9),
        message=st.text("xü🔑", min_size=1, max_size=40),
        visible_ms=st.integers(0, 30),
    ),
    max_size=30,
)
page_faults = st.builds(
    Faults,
    empty_page=st.sampled_from([share(0.0), share(0.4), every(2)]),
    partial_page=st.sampled_from([share(0.0), share(0.5)]),
    page_events=st.integers(1, 12),
    page_bytes=st.sampled_from([1, 100, PAGE_BYTES]),
)


@given(arrivals, page_faults, st.integers(0, 2**32), st.integers(0, 10), st.integers(0, 10))
def test_pages_hold_every_visible_event_of_a_window_once_and_in_order(
    puts: list[Arrival], faults: Faults, seed: int, first: int, length: int
) -> None:
    service = Service(seed, 20, faults)
    service.add_group(GROUP)
    ids = service.put_all(puts)
    expected = sorted(
        (arrival.at_ms, arrival.visible_ms or 0, event_id)
        for arrival, event_id in zip(puts, ids)
        if (arrival.visible_ms or 0) <= 20 and first <= arrival.at_ms <= first + length
    )
    listed_events = [
        (event["timestamp"], event["ingestionTime"], event["eventId"])
        for page in pages(service, startTime=first, endTime=first + length)
        for event in page["events"]
    ]
    assert listed_events == expected


@given(arrivals, page_faults, st.integers(0, 2**32))
def test_a_stream_read_in_either_direction_gives_every_event_once(
    puts: list[Arrival], faults: Faults, seed: int
) -> None:
    service = Service(seed, 30, faults)
    service.put_all([*puts, Arrival(GROUP, "a", 4, "one at least", 0)])
    expected = [event.message for event in service.visible(GROUP) if event.stream == "a"]
    forward = stream_texts(service, "nextForwardToken", startFromHead=True)
    assert [text for page in forward for text in page] == expected
    backward = stream_texts(service, "nextBackwardToken")
    assert [text for page in reversed(backward) for text in page] == expected


@given(page_faults, st.integers(0, 2**32))
def test_the_same_seed_gives_the_same_answers(faults: Faults, seed: int) -> None:
    def answers() -> list[bytes]:
        service = Service(seed, NOW, faults)
        for number in range(12):
            service.put(GROUP, "a", NOW - number, str(number))
        return [json.dumps(page).encode() for page in pages(service)]

    assert answers() == answers()


def test_both_ends_of_a_filter_window_belong_to_it() -> None:
    """L12."""
    service = service_with(0, 1, 2, 3)
    assert texts(service, startTime=NOW + 1, endTime=NOW + 2) == ["1", "2"]


def test_the_end_of_a_stream_window_does_not_belong_to_it() -> None:
    """L12."""
    service = service_with(0, 1, 2, 3)
    window = {"startTime": NOW + 1, "endTime": NOW + 3, "startFromHead": True}
    assert stream_texts(service, "nextForwardToken", **window) == [["1", "2"], []]


def test_a_stream_is_read_from_its_end_unless_asked_otherwise() -> None:
    service = service_with(0, 1, 2)
    request = {"logGroupName": GROUP, "logStreamName": "a", "limit": 2}
    page = reply(service, "GetLogEvents", **request)
    assert [event["message"] for event in page["events"]] == ["1", "2"]


def test_a_tail_without_an_end_goes_on_for_as_long_as_events_arrive() -> None:
    """L13."""
    service = Service(1, NOW, ms_per_request=1000)
    for number in range(50):
        service.put(GROUP, "a", NOW + 1000 * number, str(number))
    request = {"logGroupName": GROUP, "logStreamName": "a", "startFromHead": True}
    page = reply(service, "GetLogEvents", **request)
    for _ in range(30):
        token = page["nextForwardToken"]
        page = reply(service, "GetLogEvents", **request, nextToken=token)
        assert page["nextForwardToken"] != token


def test_an_event_that_appears_before_the_position_of_a_scan_is_not_in_the_scan() -> None:
    """L2."""
    service = service_with(0, 10, faults=Faults(page_events=1))
    service.put(GROUP, "b", NOW + 5, "late", visible_ms=NOW + 100)
    scan = pages(service, endTime=NOW + 20)
    assert next(scan)["events"][0]["message"] == "0"
    assert next(scan)["events"][0]["message"] == "1"
    service.advance(200)
    assert [page["events"] for page in scan] == []
    assert texts(service, endTime=NOW + 20) == ["0", "late", "1"]


def test_event_ids_are_those_of_AWS() -> None:
    service = Service(1, NOW)
    ids = [service.put(GROUP, "a", NOW, "same") for _ in range(100)]
    assert {len(event_id) for event_id in ids} == {56}
    assert {int(event_id) >> EVENT_ID_SHIFT for event_id in ids} == {NOW}
    assert len(set(ids)) == 100
    assert ids == sorted(ids)


def test_events_of_one_millisecond_come_in_the_order_of_their_ingestion() -> None:
    service = Service(1, NOW)
    service.put(GROUP, "a", 5, "second", visible_ms=20)
    service.put(GROUP, "b", 5, "first", visible_ms=10)
    assert texts(service) == ["first", "second"]


def test_a_page_has_ten_thousand_events_at_most() -> None:
    service = Service(1, NOW)
    service.put_all(Arrival(GROUP, "a", n, "x") for n in range(10_001))
    assert [len(page["events"]) for page in pages(service)] == [10_000, 1]


def test_a_page_has_one_megabyte_at_most_with_26_bytes_counted_for_each_event() -> None:
    """L20."""
    service = Service(1, NOW)
    service.put_all(Arrival(GROUP, "a", n, "ü" * 255) for n in range(2_000))  # 536 bytes each
    assert next(pages(service))["events"][-1]["timestamp"] == PAGE_BYTES // 536 - 1
    with pytest.raises(ValueError, match="1048577 bytes"):
        service.put(GROUP, "a", 1, "x" * (PAGE_BYTES - 25))


def test_a_limit_cuts_pages_and_not_the_window() -> None:
    assert len(list(pages(service_with(0, 1, 2), limit=2))) == 2


@pytest.mark.parametrize(
    ("wrong", "parameters"),
    [
        ("end before start", {"startTime": 2, "endTime": 1}),
        ("limit", {"limit": 10_001}),
        ("no limit", {"limit": 0}),
        ("negative", {"startTime": -1}),
        ("a time that is text", {"startTime": "now"}),
        ("token", {"nextToken": "made-up"}),
        ("token of nobody's", {"nextToken": "é"}),
        ("L14 101 streams", {"logStreamNames": ["a"] * 101}),
        ("no streams", {"logStreamNames": []}),
        ("L14 names and prefix", {"logStreamNames": ["a"], "logStreamNamePrefix": "a"}),
        ("two groups", {"logGroupIdentifier": GROUP}),
        ("not modelled", {"filterPattern": "ERROR"}),
        ("not modelled either", {"startFromHead": False}),
    ],
)
def test_what_AWS_refuses_is_refused(wrong: str, parameters: dict[str, Any]) -> None:
    code = refused(service_with(0), "FilterLogEvents", **{"logGroupName": GROUP, **parameters})
    assert code == "InvalidParameterException", wrong


@pytest.mark.parametrize(
    ("operation", "parameters"),
    [
        ("FilterLogEvents", {"logGroupName": "/other"}),
        ("FilterLogEvents", {"logGroupName": GROUP, "logStreamNames": ["a", "other"]}),
        ("GetLogEvents", {"logGroupName": GROUP, "logStreamName": "other"}),
        ("DescribeLogStreams", {"logGroupName": "/other"}),
    ],
)
def test_what_does_not_exist_is_not_found(operation: str, parameters: dict[str, Any]) -> None:
    assert refused(service_with(0), operation, **parameters) == "ResourceNotFoundException"


@pytest.mark.parametrize(
    "other",
    [{"endTime": NOW + 8}, {"startTime": NOW + 1}, {"logStreamNames": ["a"]}],
)
def test_a_token_is_good_for_the_same_parameters_only(other: dict[str, Any]) -> None:
    service = service_with(0, 1, 2)
    request = {"logGroupName": GROUP, "startTime": NOW, "endTime": NOW + 9, "limit": 1}
    token = reply(service, "FilterLogEvents", **request)["nextToken"]
    again = {**request, **other, "nextToken": token}
    assert refused(service, "FilterLogEvents", **again) == "InvalidParameterException"


def test_a_token_that_was_tampered_with_is_refused() -> None:
    service = service_with(0, 1)
    token = reply(service, "FilterLogEvents", logGroupName=GROUP, limit=1)["nextToken"]
    forged = ("A" if token[0] != "A" else "B") + token[1:]
    assert refused(service, "FilterLogEvents", logGroupName=GROUP, nextToken=forged) == (
        "InvalidParameterException"
    )


def test_a_group_may_be_named_by_its_arn() -> None:
    service = service_with(0)
    page = reply(service, "FilterLogEvents", logGroupIdentifier=service.arn(GROUP))
    assert len(page["events"]) == 1


def test_streams_can_be_chosen_by_name_or_prefix() -> None:
    service = Service(1, NOW)
    service.put_all(Arrival(GROUP, name, 1, name) for name in ("hsm-a", "hsm-b", "cluster-c"))
    assert texts(service, logStreamNames=["hsm-b", "cluster-c"]) == ["hsm-b", "cluster-c"]
    assert texts(service, logStreamNamePrefix="hsm-", limit=1) == ["hsm-a", "hsm-b"]


def test_retention_deletes_before_the_position_of_the_reader() -> None:
    """L17."""
    service = service_with(0, 1, 2 * DAY_MS)
    service.add_group(GROUP, retention_days=2)
    scan = pages(service, limit=1)
    assert next(scan)["events"][0]["message"] == "0"
    service.advance(2)
    assert texts(service) == ["2"]
    assert [event.message for event in service.visible(GROUP)] == ["2"]
    assert [page["events"][0]["message"] for page in scan] == ["2"]


def test_an_event_that_retention_reaches_on_its_way_is_never_seen() -> None:
    """L17."""
    service = Service(1, NOW)
    service.add_group(GROUP, retention_days=1)
    service.put(GROUP, "a", NOW, "too late", visible_ms=NOW + DAY_MS + 5)
    service.advance(DAY_MS + 5)
    assert texts(service) == []


def test_groups_are_listed_by_name_in_pages_of_fifty() -> None:
    service = Service(1, NOW)
    for number in reversed(range(60)):
        service.add_group(f"/aws/cloudhsm/{number:02}", retention_days=number + 1)
    service.add_group("/other")
    first = reply(service, "DescribeLogGroups", logGroupNamePrefix="/aws/cloudhsm/")
    token = first["nextToken"]
    request = {"logGroupNamePrefix": "/aws/cloudhsm/", "nextToken": token}
    last = reply(service, "DescribeLogGroups", **request)
    assert "nextToken" not in last
    names = [group["logGroupName"] for group in first["logGroups"] + last["logGroups"]]
    assert names == [f"/aws/cloudhsm/{number:02}" for number in range(60)]
    group = first["logGroups"][6]
    assert group["arn"] == f"{service.arn('/aws/cloudhsm/06')}:*"
    assert (group["retentionInDays"], group["creationTime"]) == (7, NOW)
    assert refused(service, "DescribeLogGroups", nextToken=token) == "InvalidParameterException"


def test_streams_are_listed_from_their_first_event_on() -> None:
    """L16."""
    service = service_with(0, stream="hsm-old")
    service.put(GROUP, "hsm-new", NOW + 5, "x")
    request = {"logGroupName": GROUP, "orderBy": "LastEventTime", "descending": True}

    def names() -> list[str]:
        listed = reply(service, "DescribeLogStreams", **request)
        return [stream["logStreamName"] for stream in listed["logStreams"]]

    assert names() == ["hsm-old"]
    service.advance(5)
    assert names() == ["hsm-new", "hsm-old"]


@pytest.mark.parametrize(
    ("region", "partition"),
    [("eu-central-1", "aws"), ("cn-north-1", "aws-cn"), ("us-gov-west-1", "aws-us-gov")],
)
def test_arns_name_partition_region_and_account(region: str, partition: str) -> None:
    service = Service(1, NOW, account="123456789012", region=region)
    assert service.arn("g") == f"arn:{partition}:logs:{region}:123456789012:log-group:g"


@pytest.mark.parametrize(
    ("operation", "parameters", "left"),
    [
        ("DeleteLogStream", {"logStreamName": "a"}, ["b"]),
        ("PutRetentionPolicy", {"retentionInDays": 1}, []),
        ("DeleteLogGroup", {}, []),
    ],
)
def test_a_reader_that_deletes_is_found_out(
    operation: str, parameters: dict[str, Any], left: list[str]
) -> None:
    """L23."""
    service = Service(1, NOW)
    service.put_all(Arrival(GROUP, name, NOW - 2 * DAY_MS, name) for name in "ab")
    service.put(GROUP, "a", NOW, "on its way", visible_ms=NOW + 1)
    service.reply(operation, {"logGroupName": GROUP, **parameters}, {})
    assert [event.message for event in service.visible(GROUP)] == left
    assert service.calls(operation)


def test_an_operation_that_is_not_modelled_is_refused() -> None:
    assert refused(service_with(0), "StartQuery", queryString="x") == "UnknownOperationException"


def test_time_does_not_go_back() -> None:
    service = Service(1, NOW)
    with pytest.raises(ValueError, match="does not go back"):
        service.now_ms = NOW - 1


def test_the_date_is_virtual_time_in_whole_seconds() -> None:
    service = Service(1, 1_513_717_277_999, ms_per_request=1)
    answer = service.reply("DescribeLogGroups", {}, {})
    assert answer.headers["Date"] == "Tue, 19 Dec 2017 21:01:18 GMT"


def test_requests_are_kept_with_time_and_outcome() -> None:
    service = service_with(0, faults=Faults(throttle=at(2)))
    service.reply("FilterLogEvents", {"logGroupName": GROUP}, {})
    service.advance(7)
    service.reply("FilterLogEvents", {"logGroupName": GROUP}, {})
    assert [(request.number, request.at_ms, request.outcome) for request in service.requests] == [
        (1, NOW, "ok"),
        (2, NOW + 7, "ThrottlingException"),
    ]


def test_the_next_arrival_is_known() -> None:
    service = Service(1, NOW)
    assert service.next_arrival_ms() is None
    service.put(GROUP, "a", NOW, "x", visible_ms=NOW + 9)
    service.put(GROUP, "b", NOW + 4, "ahead, as AWS allows", visible_ms=NOW)
    service.put("/other", "a", NOW, "x", visible_ms=NOW + 3)
    assert service.next_arrival_ms() == NOW + 3
    service.advance(3)
    assert service.next_arrival_ms() == NOW + 9
    assert texts(service) == ["ahead, as AWS allows"]


@pytest.mark.parametrize("text", ["", "x" * PAGE_BYTES])
def test_what_AWS_would_not_take_cannot_be_put(text: str) -> None:
    with pytest.raises(ValueError, match="AWS takes no event"):
        Service(1, NOW).put(GROUP, "a", NOW, text)

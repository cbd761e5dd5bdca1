"""Each fault alone: what it does, that a careless reader loses by it, and that an honest one copes.

The careless readers are those that the catalogue in `faults` names; here they are a few lines each.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import fields, replace
from typing import Any

import pytest
from botocore.exceptions import ClientError, PaginationError
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fake_aws import faults
from tests.fake_aws.faults import (
    ALL_AT_ONCE,
    DAY_MS,
    ONE_BY_ONE,
    Chance,
    Denial,
    Faults,
    Lateness,
    Occasion,
    at,
    every,
    named,
    share,
)
from tests.fake_aws.in_process import no_waiting
from tests.fake_aws.reference_reader import UNREADABLE, client_of, read_all
from tests.fake_aws.service import Arrival, Service
from tests.fake_aws.trails import GROUP, audit_trail, hsm_name, one_millisecond, replacement
from tests.fake_aws.wire import Reply

NOW = 1_790_000_000_000
MINUTE_MS = 60_000
PAGE = 10


def filled(trouble: Faults, events: int = 200, seed: int = 1) -> Service:
    """Two hours of trail, all of it visible."""
    service = Service(seed, NOW, trouble)
    service.put_all(audit_trail(seed, events, NOW - 120 * MINUTE_MS, NOW).arrivals)
    service.advance(2 * DAY_MS)
    return service


def only(knob: str, occasion: Occasion, **others: int) -> Faults:
    """Faults with one knob set by its name."""
    changes: dict[str, Any] = {knob: occasion, **others}
    return replace(Faults(), **changes)


def ids(service: Service) -> set[str]:
    return {event.event_id for event in service.visible(GROUP)}


def ask(service: Service, operation: str = "FilterLogEvents", **parameters: object) -> Reply:
    return service.reply(operation, {"logGroupName": GROUP, "limit": PAGE, **parameters}, {})


def body(answer: Reply) -> dict[str, Any]:
    assert answer.status == 200, answer.body
    content: dict[str, Any] = json.loads(answer.body)
    return content


def code(answer: Reply) -> str:
    return str(json.loads(answer.body)["__type"])


def until_empty(service: Service) -> Iterator[dict[str, Any]]:
    """The pages of a reader that takes an empty page for the end."""
    page = body(ask(service))
    while page["events"]:
        yield from page["events"]
        if "nextToken" not in page:
            return
        page = body(ask(service, nextToken=page["nextToken"]))


def missed(service: Service, events: Iterator[dict[str, Any]]) -> int:
    return len(ids(service) - {event["eventId"] for event in events})


@pytest.mark.parametrize("name", ONE_BY_ONE)
def test_an_honest_reader_gets_everything_under_each_fault_alone(name: str) -> None:
    service = filled(ONE_BY_ONE[name])
    with no_waiting(service):
        events = read_all(client_of(service), limit=PAGE)
    assert {event["eventId"] for event in events} == ids(service)
    assert len(ids(service)) == 200


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32))
def test_an_honest_reader_gets_everything_under_all_faults_at_once(seed: int) -> None:
    trouble = replace(ALL_AT_ONCE(seed), expire_credentials=every(9))
    service = filled(trouble, events=80, seed=seed)
    with no_waiting(service):
        events = read_all(client_of(service, attempts=9))
    assert {event["eventId"] for event in events} == ids(service)


@given(st.integers(0, 2**32))
def test_all_at_once_really_is_all(seed: int) -> None:
    """What is left out is named: it lasts, or needs someone else to end it."""
    unused = {
        knob.name
        for knob in fields(Faults)
        if getattr(ALL_AT_ONCE(seed), knob.name) == getattr(Faults(), knob.name)
    }
    lasting = {"denied", "outages", "calls_per_second", "quota_in_real_time", "signature_life_ms"}
    renewed = {"expire_credentials", "credentials_life_ms"}
    by_chance = {"overlap_events", "date_skew_ms", "in_a_row"}
    defaults = {"empty_in_a_row", "token_life_ms", "token_faults", "page_bytes", "latency_s"}
    assert unused - by_chance == lasting | renewed | defaults
    service = Service(seed, NOW, ALL_AT_ONCE(seed))
    service.add_group(GROUP)
    answers = [ask(service, startTime=number) for number in range(25)]
    outcomes = {request.outcome for request in service.requests}
    assert {"ok", "cut", "reset", "ThrottlingException"} < outcomes
    assert any(answer.delay_s for answer in answers)


def test_faults_have_names_that_can_be_combined() -> None:
    both = named("L1-empty-pages,L15-throttled", seed=1)
    assert both == Faults(empty_page=share(0.5), throttle=every(5))
    assert named("all", seed=4) == ALL_AT_ONCE(4)
    with pytest.raises(ValueError, match="'L99': choose from all, none, L1-empty-pages"):
        named("L99", seed=1)


@pytest.mark.parametrize("wrong", [{"nth": -1}, {"part": 1.5}, {"part": -0.1}])
def test_an_occasion_that_is_none_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="needed"):
        Occasion(**wrong)


@given(st.integers(0, 2**32))
def test_a_share_is_a_share_of_the_requests(seed: int) -> None:
    hits = sum(share(0.3).hits("x", number, Chance(seed)) for number in range(2_000))
    assert 450 < hits < 750


def test_an_empty_page_with_a_token_is_not_the_end() -> None:
    """L1."""
    service = filled(Faults(empty_page=at(3)))
    assert missed(service, until_empty(service)) == 180


def test_empty_pages_come_first_and_last_too_but_not_for_ever() -> None:
    """L1."""
    service = filled(Faults(empty_page=share(1.0), empty_in_a_row=3), events=PAGE)
    page = body(ask(service))
    counts = [len(page["events"])]
    while "nextToken" in page:
        page = body(ask(service, nextToken=page["nextToken"]))
        counts.append(len(page["events"]))
    assert counts == [0, 0, 0, PAGE]
    assert "nextToken" in body(ask(service, startTime=NOW + DAY_MS))


def test_a_partial_page_is_not_the_end() -> None:
    """L1."""
    service = filled(Faults(partial_page=every(2)))
    first = body(ask(service))
    second = body(ask(service, nextToken=first["nextToken"]))
    assert len(first["events"]) == PAGE
    assert 0 < len(second["events"]) < PAGE
    assert "nextToken" in second


def test_an_event_may_become_visible_long_after_its_time() -> None:
    """L2: a reader whose windows end five minutes ago misses events for good."""
    service = Service(1, NOW, Faults(late=Lateness(tail_share=0.1)))
    arrivals = audit_trail(1, 300, NOW, NOW + 120 * MINUTE_MS).arrivals
    service.put_all(arrivals)
    events: list[dict[str, Any]] = []
    for _ in range(130):
        service.advance(MINUTE_MS)
        end_ms = service.now_ms - 5 * MINUTE_MS
        answer = ask(service, startTime=end_ms - MINUTE_MS + 1, endTime=end_ms, limit=10_000)
        events += body(answer)["events"]
    service.advance(DAY_MS)
    assert len(ids(service)) == 300
    assert missed(service, iter(events)) > 10


@settings(max_examples=30)
@given(st.integers(0, 2**32), st.integers(1, 1_000))
def test_delays_have_the_median_that_was_asked_for_and_end_at_the_horizon(
    seed: int, median_ms: int
) -> None:
    """L2. Of 1,000 delays, chance alone takes the median beyond these bounds once in a while."""
    late = Lateness(median_ms=median_ms, tail_share=0.01, horizon_ms=500 * median_ms)
    delays = sorted(late.delay_ms(number, "a", Chance(seed)) for number in range(5_000))
    assert median_ms * 0.8 - 1 <= delays[2_500] <= median_ms * 1.25 + 1
    assert delays[0] >= 0
    assert 20 * median_ms < delays[-1] <= 500 * median_ms


def test_no_delay_is_longer_than_the_horizon() -> None:
    """L2: also of a stream that lags."""
    late = Lateness(sigma=3.0, lagging=1.0, horizon_ms=DAY_MS)
    delays = {late.delay_ms(number, "a", Chance(1)) for number in range(1_000)}
    assert max(delays) == DAY_MS


def test_events_of_one_millisecond_are_split_across_pages() -> None:
    """L3: a reader that goes on at the last event + 1 ms loses the rest of the burst."""
    service = Service(1, NOW, Faults(page_events=3))
    service.put_all(one_millisecond("a", NOW, 10))
    first = body(ask(service))
    assert [event["timestamp"] for event in first["events"]] == [NOW] * 3
    assert body(ask(service, startTime=NOW + 1))["events"] == []
    assert missed(service, iter(read_all(client_of(service)))) == 0


def test_a_reader_that_jumps_to_now_after_an_empty_scan_misses_what_comes_late() -> None:
    """L4."""
    service = Service(1, NOW)
    service.put(GROUP, "a", NOW - 1_000, "x", visible_ms=NOW + 1_000)
    assert body(ask(service, endTime=NOW))["events"] == []
    service.advance(MINUTE_MS)
    assert body(ask(service, startTime=NOW))["events"] == []
    assert len(body(ask(service))["events"]) == 1


@pytest.mark.parametrize("knob", ["server_error", "reset", "throttle", "expire_credentials"])
def test_a_reader_that_goes_on_after_a_failure_has_a_hole(knob: str) -> None:
    """L5."""
    service = filled(only(knob, at(2)))
    logs = client_of(service, attempts=1)
    events: list[dict[str, Any]] = []
    for hour in range(2):
        window = {"startTime": NOW - (2 - hour) * 60 * MINUTE_MS}
        window["endTime"] = window["startTime"] + 60 * MINUTE_MS
        with suppress(Exception):  # this is the very carelessness
            events += logs.filter_log_events(logGroupName=GROUP, **window)["events"]
    assert missed(service, iter(events)) > 50


def test_some_streams_lag_in_their_group() -> None:
    """L6: a position by group passes over the stream that lags."""
    late = Lateness(median_ms=1_000, sigma=0.1, tail_share=0, lagging=0.5, lag_factor=600)
    service = Service(1, NOW, Faults(late=late))
    service.put_all(Arrival(GROUP, hsm_name(n % 20), NOW + n, "x") for n in range(1_000))
    service.advance(5 * MINUTE_MS)
    seen = {event.stream for event in service.visible(GROUP)}
    assert 4 < len(seen) < 16


def test_a_slow_answer_takes_time_and_a_slower_one_times_out() -> None:
    """L7."""
    service = filled(Faults(slow=every(2), slow_s=3.0, latency_s=0.5))
    assert [ask(service).delay_s for _ in range(4)] == [0.5, 3.5, 0.5, 3.5]
    before_ms = service.now_ms
    client_of(service).filter_log_events(logGroupName=GROUP)
    assert service.now_ms - before_ms == 500
    service.faults = Faults(slow=at(6), slow_s=60)
    with no_waiting(service):
        assert read_all(client_of(service))
    assert [request.number for request in service.requests[4:]] == [5, 6, 7]


def test_the_last_timestamp_of_a_stream_is_older_than_its_last_event() -> None:
    """L8: a reader that skips streams without news skips one that has some."""
    service = Service(1, NOW, Faults(stale_ms=60 * MINUTE_MS))
    service.put(GROUP, "a", NOW - 1, "old", visible_ms=NOW)
    service.advance(90 * MINUTE_MS)
    news_ms = service.now_ms
    service.put(GROUP, "a", news_ms, "news")
    service.put(GROUP, "b", news_ms, "first")

    def listed() -> list[Any]:
        answer = body(ask(service, "DescribeLogStreams"))
        return [stream.get("lastEventTimestamp") for stream in answer["logStreams"]]

    assert listed() == [NOW - 1, None]
    service.advance(60 * MINUTE_MS)
    assert listed() == [news_ms, news_ms]


def test_a_token_comes_twice_and_then_leads_on() -> None:
    """L10: botocore's paginator raises."""
    service = filled(Faults(repeat_token=at(2)))
    first = body(ask(service))
    again = body(ask(service, nextToken=first["nextToken"]))
    assert again["nextToken"] == first["nextToken"]
    third = body(ask(service, nextToken=again["nextToken"]))
    assert third["nextToken"] != first["nextToken"]
    assert third["events"]
    service = filled(Faults(repeat_token=at(2)))
    paginator = client_of(service).get_paginator("filter_log_events")
    with pytest.raises(PaginationError, match="same next token"):
        list(paginator.paginate(logGroupName=GROUP, limit=PAGE))


def test_a_repeated_token_comes_with_events_or_without() -> None:
    """L10."""
    lengths = set()
    for seed in range(8):
        service = filled(Faults(repeat_token=at(2)), seed=seed)
        token = body(ask(service))["nextToken"]
        lengths.add(len(body(ask(service, nextToken=token))["events"]))
    assert lengths == {0, PAGE}


@pytest.mark.parametrize("knob", ["repeat_token", "refuse_token"])
def test_tokens_of_one_window_fail_only_so_often(knob: str) -> None:
    """L10, L11: even where every answer would."""
    service = filled(only(knob, every(1), token_faults=2))
    logs = client_of(service)
    assert len(read_all(logs, limit=PAGE)) == 200
    requests = len(service.requests)
    assert len(read_all(logs, limit=PAGE)) == 200
    assert len(service.requests) == 2 * requests > 2 * 200 / PAGE


def test_a_token_is_refused_now_and_then() -> None:
    """L11."""
    service = filled(Faults(refuse_token=at(2)))
    token = body(ask(service))["nextToken"]
    assert code(ask(service, nextToken=token)) == "InvalidParameterException"
    assert body(ask(service, nextToken=token))["events"]


def test_a_saved_token_is_good_for_a_day() -> None:
    """L11."""
    service = filled(Faults())
    token = body(ask(service))["nextToken"]
    service.advance(DAY_MS - 1)
    assert body(ask(service, nextToken=token))["events"]
    service.advance(1)
    assert code(ask(service, nextToken=token)) == "InvalidParameterException"


def test_pages_overlap() -> None:
    """A reader that counts instead of comparing ids hands events over twice."""
    service = filled(Faults(overlap_events=4))
    first = body(ask(service))
    second = body(ask(service, nextToken=first["nextToken"]))
    assert second["events"][:4] == first["events"][-4:]
    assert second["events"][4:]
    service.faults = Faults(overlap_events=400)
    assert body(ask(service, nextToken=first["nextToken"]))["events"][:5] == first["events"][5:]


@given(st.integers(0, 30), st.integers(1, 12))
def test_overlapping_pages_come_to_an_end(overlap: int, size: int) -> None:
    service = filled(Faults(overlap_events=overlap), events=40)
    assert len(read_all(client_of_one_page(service), limit=size)) == 40


def client_of_one_page(service: Service) -> Any:  # noqa: ANN401
    """As much of a client as the honest reader needs, without botocore's cost."""

    class Client:
        def filter_log_events(self, **request: Any) -> dict[str, Any]:  # noqa: ANN401
            return body(service.reply("FilterLogEvents", request, {}))

    return Client()


def test_a_throttled_answer_may_have_a_retry_time() -> None:
    """L15: in seconds for people and proxies, in milliseconds for botocore."""
    service = filled(Faults(throttle=every(1), retry_after=at(2), retry_after_ms=4_500))
    silent, detailed = ask(service), ask(service)
    assert [(reply.status, code(reply)) for reply in (silent, detailed)] == [
        (400, "ThrottlingException"),
        (400, "ThrottlingException"),
    ]
    assert "Retry-After" not in silent.headers
    assert detailed.headers["Retry-After"] == "5"
    assert detailed.headers["x-amz-retry-after"] == "4500"


@pytest.mark.skipif(sys.version_info < (3, 10), reason="botocore 1.42 does not read the header")
def test_botocore_waits_for_the_retry_time() -> None:
    """L15."""
    service = filled(Faults(throttle=at(1), retry_after=every(1), retry_after_ms=4_500))
    with no_waiting(service):
        client_of(service).filter_log_events(logGroupName=GROUP)
    assert service.requests[1].at_ms - service.requests[0].at_ms >= 4_500


def test_a_quota_lets_so_many_calls_pass_in_a_second_of_virtual_time() -> None:
    """L15: per operation."""
    service = filled(Faults(calls_per_second=5))
    outcomes = [ask(service).status for _ in range(7)]
    assert outcomes == [200] * 5 + [400] * 2
    assert service.reply("GetCallerIdentity", {}, {}).status == 200
    service.advance(400)
    assert [ask(service).status for _ in range(3)] == [200, 200, 400]
    service.advance(100_000)  # what was not used is not saved up
    assert [ask(service).status for _ in range(6)] == [200] * 5 + [400]


def test_a_quota_may_follow_the_wall_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """L15."""
    service = filled(Faults(calls_per_second=1, quota_in_real_time=True))
    with no_waiting(Service(1, NOW)) as wall:
        assert [ask(service).status for _ in range(2)] == [200, 400]
        service.advance(10_000)
        assert ask(service).status == 400
        wall.advance(1_000)
        assert ask(service).status == 200


def test_errors_of_the_service_come_in_its_own_words_and_in_those_of_a_balancer() -> None:
    """L5."""
    service = filled(Faults(server_error=every(1), in_a_row=100))
    answers = [ask(service) for _ in range(40)]
    assert {answer.status for answer in answers} == {500, 502, 503}
    assert {answer.body[:1] for answer in answers} == {b"{", b"<"}


def test_a_body_cut_short_looks_like_the_end_to_botocore() -> None:
    """L5: a reader that asks `.get("events", [])` stops there, without an error."""
    service = filled(Faults(cut=at(2)))
    logs = client_of(service)
    first = logs.filter_log_events(logGroupName=GROUP, limit=PAGE)
    try:
        second = logs.filter_log_events(
            logGroupName=GROUP, limit=PAGE, nextToken=first["nextToken"]
        )
    except UNREADABLE:
        pytest.fail("seed 1 cuts between characters")
    assert second.get("events", []) == []
    assert second.get("nextToken") is None
    assert second["ResponseMetadata"]["HTTPStatusCode"] == 200


def test_a_body_is_also_cut_inside_a_character() -> None:
    """L5."""
    service = Service(1, NOW, Faults(cut=every(1), in_a_row=100))
    service.put(GROUP, "a", NOW, "x" * 1_000 + "\U0001f511")
    ends = [ask(service).sent for _ in range(60)]
    assert all(len(end) < len(ask(service).body) for end in ends)
    broken = 0
    for end in ends:
        try:
            end.decode()
        except UnicodeDecodeError:
            broken += 1
    assert 15 < broken < 45
    assert len({len(end) for end in ends}) > 20


def test_a_connection_is_reset_before_the_answer_or_within_it() -> None:
    """L5."""
    service = filled(Faults(reset=every(1), in_a_row=100))
    answers = [ask(service) for _ in range(40)]
    assert all(answer.reset for answer in answers)
    within = [answer for answer in answers if answer.status]
    assert 5 < len(within) < 35
    assert all(len(answer.sent) < len(answer.body) for answer in within)


def test_nothing_answers_during_an_outage() -> None:
    """L5."""
    service = Service(1, NOW, Faults(outages=((NOW + 10, NOW + 20),)))
    service.add_group(GROUP)
    assert body(ask(service))["events"] == []
    service.advance(10)
    assert (ask(service).reset, service.requests[-1].outcome) == (True, "outage")
    service.advance(10)
    assert body(ask(service))["events"] == []


@pytest.mark.parametrize("knob", ["throttle", "server_error", "reset", "cut", "expire_credentials"])
def test_the_same_request_does_not_fail_for_ever(knob: str) -> None:
    service = filled(only(knob, every(1), in_a_row=2))
    for _ in range(3):
        answers = [ask(service, startTime=5) for _ in range(3)]
        whole = [a.status == 200 and a.cut is None and not a.reset for a in answers]
        assert whole == [False, False, True]


def test_a_run_of_failures_ends_with_the_first_success() -> None:
    service = filled(Faults(throttle=at(1, 3), in_a_row=1))
    assert [ask(service).status for _ in range(4)] == [400, 200, 400, 200]


def test_other_requests_between_do_not_lengthen_a_run_of_failures() -> None:
    service = filled(Faults(throttle=every(1), in_a_row=1))
    assert [ask(service, startTime=n).status for n in (1, 2, 1, 2)] == [400, 400, 200, 200]


def signed(service: Service, key: str, date: str = "20260921T141320Z") -> str:
    """The outcome of a request that this key signed."""
    credential = f"AWS4-HMAC-SHA256 Credential={key}/20260921/us-east-1/logs/aws4_request, Sig=0"
    headers = {"Authorization": credential, "X-Amz-Date": date}
    service.reply("FilterLogEvents", {"logGroupName": GROUP}, headers)
    return service.requests[-1].outcome


def test_a_key_expires_a_while_after_its_first_use_until_another_comes() -> None:
    """L21."""
    service = Service(1, NOW, Faults(credentials_life_ms=1_000))
    service.add_group(GROUP)
    assert signed(service, "OLD") == "ok"
    service.advance(999)
    assert signed(service, "OLD") == "ok"
    service.advance(1)
    assert signed(service, "OLD") == "ExpiredTokenException"
    assert signed(service, "NEW") == "ok"
    service.expire_key("NEW")
    assert signed(service, "NEW") == "ExpiredTokenException"
    assert signed(service, service.issue_key(60_000)["AccessKeyId"]) == "ok"


def test_botocore_knows_expired_credentials_of_both_services() -> None:
    """L21."""
    service = Service(1, NOW, Faults(expire_credentials=every(1), in_a_row=9))
    with pytest.raises(ClientError) as caught:
        client_of(service).filter_log_events(logGroupName=GROUP)
    assert caught.value.response["Error"]["Code"] == "ExpiredTokenException"
    answer = service.reply("GetCallerIdentity", {}, {})
    assert (answer.status, b"<Code>ExpiredToken</Code>" in answer.body) == (403, True)


@pytest.mark.parametrize(
    ("denial", "events", "listing"),
    [
        (Denial(group=GROUP), 400, 200),
        (Denial("DescribeLogGroups"), 200, 400),
        (Denial("FilterLogEvents", GROUP), 400, 200),
        (Denial("FilterLogEvents", "/other"), 200, 200),
        (Denial(), 400, 400),
    ],
)
def test_access_is_denied_on_some_groups_and_operations(
    denial: Denial, events: int, listing: int
) -> None:
    service = filled(Faults(denied=(denial,)), events=1)
    assert ask(service).status == events
    assert service.reply("DescribeLogGroups", {}, {}).status == listing


def test_a_denial_names_who_what_and_where() -> None:
    service = Service(1, NOW, Faults(denied=(Denial(group=GROUP),)))
    message = json.loads(ask(service).body)["message"]
    for part in ("user/reader", "logs:FilterLogEvents", service.arn(GROUP)):
        assert part in message


def test_the_date_of_the_answer_may_be_off() -> None:
    """L22."""
    service = Service(1, 1_513_717_277_140, Faults(date_skew_ms=-61_000))
    assert ask(service, "DescribeLogGroups").headers["Date"] == "Tue, 19 Dec 2017 21:00:16 GMT"


def test_a_reader_whose_clock_is_off_is_refused() -> None:
    """L22: by more than five minutes, either way."""
    service = Service(1, NOW - NOW % 1_000, Faults(signature_life_ms=300_000))
    service.add_group(GROUP)
    assert signed(service, "K", "20260921T141320Z") == "ok"
    assert signed(service, "K", "20260921T141820Z") == "ok"
    assert signed(service, "K", "20260921T141821Z") == "InvalidSignatureException"
    assert signed(service, "K", "20260921T140819Z") == "InvalidSignatureException"


def test_an_hsm_is_replaced_and_the_old_stream_gets_its_tail_later() -> None:
    """L16."""
    service = Service(1, NOW)
    service.put_all(replacement("hsm-old", "hsm-new", NOW, tail=3, delay_ms=MINUTE_MS))
    assert {event.stream for event in service.visible(GROUP)} == {"hsm-new"}
    service.advance(MINUTE_MS)
    streams = [event.stream for event in service.visible(GROUP)]
    assert streams == ["hsm-old"] * 3 + ["hsm-new"]


def test_the_table_of_the_catalogue_names_knobs_that_exist() -> None:
    names = set(re.findall(r"\b[a-z]+(?:_[a-z]+)+\b", faults.__doc__ or ""))
    assert names <= {knob.name for knob in fields(Faults)}
    assert len(names) >= 12

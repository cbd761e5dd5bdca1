"""Against a scripted HTTP server: everything that moto never does."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import suppress
from email.utils import formatdate
from typing import Any

import pytest

from cloudhsm.aws.cloudwatch_logs import CloudWatchLogs
from cloudhsm.aws.log_source import LogEvent, Page
from cloudhsm.base.aws_clock import AwsClock
from cloudhsm.base.errors import (
    AccessDenied,
    CloudHsmError,
    CredentialsError,
    EndpointUnreachable,
    GroupNotFound,
    ServiceFailure,
)
from cloudhsm.base.settings import parse
from cloudhsm.trail.log_group import GroupId
from tests.bin.fakes import (
    GROUP,
    NOW_MS,
    Answer,
    ScriptedAws,
    described,
    event,
    filtered,
    holding,
    refusal,
)


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[ScriptedAws]:
    server = ScriptedAws()
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "not-a-secret")
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", server.url)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nonexistent")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent")
    # Waiting between botocore's retries proves nothing here.
    monkeypatch.setattr(time, "sleep", lambda _: None)
    yield server
    server.shutdown()
    server.server_close()


def logs(aws: ScriptedAws, **parameters: str) -> CloudWatchLogs:
    asked = {"aws_region": "us-east-1", "endpoint_url": aws.url, **parameters}
    return CloudWatchLogs(parse("aws_cloudhsm://x", asked, NOW_MS))


def read(aws: ScriptedAws, start_ms: int = 0, end_ms: int = NOW_MS) -> list[LogEvent]:
    pages = list(logs(aws).read(GROUP, start_ms, end_ms))
    return [found for page in pages for found in page.events]


def pages(aws: ScriptedAws) -> list[Page]:
    """The pages of a window of a day."""
    return [*logs(aws).read(GROUP, NOW_MS - 86_400_000, NOW_MS)]


def test_an_empty_page_with_a_token_is_not_the_end(aws: ScriptedAws) -> None:
    first, second = event(0, 1), event(1, 2)
    aws.script["FilterLogEvents"] = [
        filtered(token="a"),
        filtered(first, token="b"),
        filtered(token="c"),
        filtered(second),
    ]
    assert read(aws) == [first, second]
    assert [asked.get("nextToken") for asked in aws.asked("FilterLogEvents")] == [
        None,
        "a",
        "b",
        "c",
    ]


def test_a_window_is_asked_for_with_both_ends_and_without_a_limit(aws: ScriptedAws) -> None:
    aws.script["FilterLogEvents"] = [filtered()]
    read(aws, 5, 7)
    (asked,) = aws.asked("FilterLogEvents")
    assert (asked["startTime"], asked["endTime"], asked["logGroupName"]) == (5, 7, GROUP.name)
    assert "limit" not in asked


@pytest.mark.parametrize("cut", [0, 1, 30])
def test_a_body_cut_short_is_asked_for_again_instead_of_ending_the_window(
    aws: ScriptedAws, cut: int
) -> None:
    first, second = event(0, 1), event(1, 2)
    aws.script["FilterLogEvents"] = [
        Answer(filtered(first, token="a").body, cut=cut),
        filtered(first, token="a"),
        Answer(filtered(second).body, cut=cut),
        filtered(second),
    ]
    assert read(aws) == [first, second]


def test_a_body_cut_short_every_time_is_a_failure_and_not_an_empty_window(aws: ScriptedAws) -> None:
    aws.script["FilterLogEvents"] = [Answer(filtered(event(0, 1)).body, cut=40)]
    with pytest.raises(ServiceFailure, match="was cut short or unreadable"):
        read(aws)


def test_a_repeated_token_restarts_the_window_where_the_last_page_ended(aws: ScriptedAws) -> None:
    first, second = event(0, 10), event(1, 20)
    aws.script["FilterLogEvents"] = [
        filtered(first, token="a"),
        filtered(token="a"),
        filtered(first, second),
    ]
    assert read(aws) == [first, first, second]
    assert [asked["startTime"] for asked in aws.asked("FilterLogEvents")] == [0, 0, 10]


def test_an_expired_token_restarts_the_window(aws: ScriptedAws) -> None:
    aws.script["FilterLogEvents"] = [
        filtered(event(0, 10), token="a"),
        refusal("InvalidParameterException", "The specified nextToken is invalid."),
        filtered(event(1, 20)),
    ]
    assert read(aws) == [event(0, 10), event(1, 20)]


def test_a_window_whose_tokens_never_work_is_halved_down_to_a_millisecond(aws: ScriptedAws) -> None:
    aws.script["FilterLogEvents"] = [filtered(token="a")]
    with pytest.raises(ServiceFailure, match="no usable page token for the millisecond 0"):
        read(aws, 0, 3)
    ends = {asked["endTime"] for asked in aws.asked("FilterLogEvents")}
    assert ends == {3, 1, 0}


def test_an_invalid_parameter_without_a_token_is_a_failure(aws: ScriptedAws) -> None:
    aws.script["FilterLogEvents"] = [refusal("InvalidParameterException")]
    with pytest.raises(ServiceFailure, match="InvalidParameterException"):
        read(aws)


def test_reading_resumes_at_a_page_with_events_only(aws: ScriptedAws) -> None:
    aws.script["FilterLogEvents"] = [
        filtered(event(0, 10), event(1, 20), token="a"),
        filtered(token="b"),
        filtered(event(3, 30)),
    ]
    pages = list(logs(aws).read(GROUP, 0, NOW_MS))
    assert [page.resume_ms for page in pages] == [20, None, 30]


def test_events_out_of_order_are_asked_for_again_in_smaller_windows(aws: ScriptedAws) -> None:
    """A position behind them would skip the older ones, should the run end there."""
    trail = [event(n, n * 10) for n in range(8)]

    def shuffled(asked: dict[str, Any]) -> Answer:
        inside = [e for e in trail if asked["startTime"] <= e.timestamp_ms <= asked["endTime"]]
        return filtered(*reversed(inside))

    aws.script["FilterLogEvents"] = shuffled
    pages = list(logs(aws).read(GROUP, 0, 100))
    assert [e for page in pages for e in page.events] == trail


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_passing_failure_is_retried(aws: ScriptedAws, status: int) -> None:
    aws.script["FilterLogEvents"] = [
        refusal("ThrottlingException", status=status),
        filtered(event(0, 1)),
    ]
    assert read(aws) == [event(0, 1)]


@pytest.mark.parametrize(
    ("answer", "kind", "says"),
    [
        (refusal("AccessDeniedException", "User: arn:aws:iam::1:user/x"), AccessDenied, "user/x"),
        (refusal("ResourceNotFoundException"), GroupNotFound, "does not exist"),
        (refusal("ExpiredTokenException"), CredentialsError, "have expired"),
        (refusal("UnrecognizedClientException"), CredentialsError, "were refused"),
        (refusal("InvalidSignatureException"), CredentialsError, "clock"),
        (refusal("ThrottlingException"), ServiceFailure, "ThrottlingException"),
        (refusal("ServiceUnavailableException", status=503), ServiceFailure, "tries again"),
    ],
)
def test_every_refusal_names_the_cause_the_place_and_the_next_step(
    aws: ScriptedAws, answer: Answer, kind: type[CloudHsmError], says: str
) -> None:
    aws.script["FilterLogEvents"] = [answer]
    with pytest.raises(kind) as caught:
        read(aws)
    assert says in str(caught.value)
    assert caught.value.place.region == "us-east-1"
    assert caught.value.next_step
    assert "not-a-secret" not in str(caught.value)


def test_an_unreachable_endpoint_is_named(aws: ScriptedAws) -> None:
    aws.shutdown()
    aws.server_close()
    with pytest.raises(EndpointUnreachable) as caught:
        read(aws)
    assert aws.url in caught.value.what
    assert "know a Region" not in caught.value.next_step


def test_an_unknown_region_is_hinted_at_when_its_endpoint_cannot_be_reached(
    aws: ScriptedAws,
) -> None:
    aws.shutdown()
    aws.server_close()
    with pytest.raises(EndpointUnreachable, match="does not know a Region us-eest-1"):
        list(logs(aws, aws_region="us-eest-1").read(GROUP, 0, 1))


def test_missing_credentials_say_where_to_put_them(
    aws: ScriptedAws, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    with pytest.raises(CredentialsError, match="instance profile"):
        read(aws)


def test_a_profile_that_does_not_exist_is_named(
    aws: ScriptedAws, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_PROFILE", "nobody")
    with pytest.raises(CredentialsError, match="nobody"):
        read(aws)


def found(aws: ScriptedAws, log_groups: str) -> tuple[list[GroupId], list[CloudHsmError]]:
    asked = {"aws_region": "us-east-1", "endpoint_url": aws.url, "log_groups": log_groups}
    settings = parse("aws_cloudhsm://x", asked, NOW_MS)
    discovery = CloudWatchLogs(settings).discover(settings.log_groups)
    return [one.id for one in discovery.groups], discovery.failures


def group(name: str) -> GroupId:
    return GroupId("aws", "111122223333", "us-east-1", name)


def test_a_prefix_finds_every_group_on_every_page(aws: ScriptedAws) -> None:
    aws.script["DescribeLogGroups"] = [
        described("/aws/cloudhsm/a", token="t"),
        described("/aws/cloudhsm/b"),
    ]
    groups, failures = found(aws, "/aws/cloudhsm/")
    assert (groups, failures) == ([group("/aws/cloudhsm/a"), group("/aws/cloudhsm/b")], [])


def test_a_name_finds_itself_and_no_longer_one(aws: ScriptedAws) -> None:
    aws.script["DescribeLogGroups"] = [described("/aws/cloudhsm/a", "/aws/cloudhsm/ab")]
    assert found(aws, "/aws/cloudhsm/a")[0] == [group("/aws/cloudhsm/a")]


def test_a_group_that_two_entries_mean_is_read_once(aws: ScriptedAws) -> None:
    aws.script["DescribeLogGroups"] = [described("/aws/cloudhsm/a")]
    assert len(found(aws, "/aws/cloudhsm/a, /aws/cloudhsm/*")[0]) == 1


def test_a_missing_group_is_reported_beside_those_found(aws: ScriptedAws) -> None:
    aws.script["DescribeLogGroups"] = [described(), described("/aws/cloudhsm/b")]
    groups, (failure,) = found(aws, "/aws/cloudhsm/a, /aws/cloudhsm/b")
    assert groups == [group("/aws/cloudhsm/b")]
    assert isinstance(failure, GroupNotFound)
    assert failure.place.group == "/aws/cloudhsm/a"


def test_a_name_needs_no_permission_to_list_groups(aws: ScriptedAws) -> None:
    aws.script["DescribeLogGroups"] = [refusal("AccessDeniedException")]
    identity = (
        b"<GetCallerIdentityResponse><GetCallerIdentityResult><Account>444455556666</Account>"
        b"</GetCallerIdentityResult></GetCallerIdentityResponse>"
    )
    aws.script["GetCallerIdentity"] = [Answer(identity)]
    groups, failures = found(aws, "/aws/cloudhsm/a")
    assert groups == [GroupId("aws", "444455556666", "us-east-1", "/aws/cloudhsm/a")]
    assert failures == []


def test_a_prefix_without_that_permission_is_refused(aws: ScriptedAws) -> None:
    aws.script["DescribeLogGroups"] = [refusal("AccessDeniedException")]
    groups, (failure,) = found(aws, "/aws/cloudhsm/")
    assert groups == []
    assert "logs:DescribeLogGroups" in failure.next_step


def test_a_listing_that_is_cut_short_is_no_empty_listing(aws: ScriptedAws) -> None:
    aws.script["DescribeLogGroups"] = [Answer(described("/aws/cloudhsm/a").body, cut=9)]
    _, (failure,) = found(aws, "/aws/cloudhsm/")
    assert "cut short" in failure.what


def test_now_is_aws_s_time_once_a_response_of_the_next_run_confirms_it(aws: ScriptedAws) -> None:
    hour_ahead = time.time() + 3600
    dates = (hour_ahead, hour_ahead + 60, hour_ahead + 60)
    aws.script["FilterLogEvents"] = [
        Answer(filtered().body, date=formatdate(date, usegmt=True)) for date in dates
    ]
    clock = logs(aws)
    assert abs(clock.now_ms() - time.time() * 1000) < 5_000
    for _ in range(2):
        list(clock.read(GROUP, 0, 1))
        assert abs(clock.now_ms() - time.time() * 1000) < 5_000
        assert abs(clock.latest_ms() - hour_ahead * 1000) < 65_000
    next_run = logs(aws)
    next_run.clock = AwsClock(**clock.clock.to_json())
    list(next_run.read(GROUP, 0, 1))
    assert abs(next_run.now_ms() - hour_ahead * 1000) < 5_000


def test_a_date_that_is_none_leaves_the_clock_alone(aws: ScriptedAws) -> None:
    aws.script["FilterLogEvents"] = [Answer(filtered().body, date="soon")]
    clock = logs(aws)
    list(clock.read(GROUP, 0, 1))
    assert abs(clock.now_ms() - time.time() * 1000) < 5_000


def test_a_body_cut_inside_a_character_is_asked_for_again(aws: ScriptedAws) -> None:
    text = "\u00fc\U0001f511" * 3
    whole = json.dumps(filtered(event(0, 1, message=text)).body, ensure_ascii=False).encode()
    inside = whole.index("\u00fc".encode()) + 1
    aws.script["FilterLogEvents"] = [Answer(whole, cut=inside), Answer(whole)]
    assert read(aws) == [event(0, 1, message=text)]


@pytest.mark.parametrize("status", [200, 403])
@pytest.mark.parametrize("body", [b"[]", b"5", b"null", b'{"events": null}', b"<html>"])
def test_an_answer_that_is_no_answer_is_a_failure_and_not_an_empty_window(
    aws: ScriptedAws, body: bytes, status: int
) -> None:
    aws.script["FilterLogEvents"] = [Answer(body, status)]
    with pytest.raises(CloudHsmError):
        read(aws)


@pytest.mark.parametrize("missing", ["logStreamName", "timestamp", "message"])
def test_the_rest_of_a_window_is_read_after_an_event_that_is_not_complete(
    aws: ScriptedAws, missing: str
) -> None:
    whole = {"eventId": "1", "logStreamName": "h", "timestamp": NOW_MS, "message": "x"}
    bad = {name: value for name, value in whole.items() if name != missing}
    aws.script["FilterLogEvents"] = [
        Answer({"events": [bad], "nextToken": "t"}),
        Answer({"events": [bad, whole]}),
    ]
    first, second = pages(aws)
    assert [one.content for one in first.unreadable] == [json.dumps(bad).encode()]
    assert [*second.texts] == ["x"]


@pytest.mark.parametrize("off_ms", [-400 * 86_400_000, 400 * 86_400_000])
def test_an_event_outside_of_the_window_that_was_asked_for_is_unreadable(
    aws: ScriptedAws, off_ms: int
) -> None:
    whole = {"eventId": "1", "logStreamName": "h", "timestamp": NOW_MS, "message": "x"}
    aws.script["FilterLogEvents"] = [
        Answer({"events": [{**whole, "timestamp": NOW_MS + off_ms}, whole]})
    ]
    (page,) = pages(aws)
    assert [*page.texts] == ["x"]
    (flaw,) = page.unreadable
    assert (flaw.stream, flaw.at_ms) == ("h", NOW_MS + off_ms)


def test_a_group_without_its_arn_is_a_failure(aws: ScriptedAws) -> None:
    aws.script["DescribeLogGroups"] = [Answer({"logGroups": [{"logGroupName": "/aws/cloudhsm/a"}]})]
    _, (failure,) = found(aws, "/aws/cloudhsm/")
    assert "without a complete ARN" in failure.what


@pytest.mark.parametrize("body", [b"<html>proxy</html>", b"<a><b>", b"{}", b"<GetCallerIdentity/>"])
def test_an_sts_that_is_none_is_one_clear_failure(aws: ScriptedAws, body: bytes) -> None:
    aws.script["DescribeLogGroups"] = [refusal("AccessDeniedException")]
    aws.script["GetCallerIdentity"] = [Answer(body)]
    groups, (failure,) = found(aws, "/aws/cloudhsm/a")
    assert groups == []
    assert "GetCallerIdentity" in failure.what


@pytest.mark.parametrize(
    ("name", "value"), [("AWS_MAX_ATTEMPTS", "many"), ("AWS_METADATA_SERVICE_TIMEOUT", "long")]
)
def test_a_broken_environment_is_one_clear_failure(
    aws: ScriptedAws, monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    aws.script["FilterLogEvents"] = [filtered()]
    with suppress(CloudHsmError):
        read(aws)


def test_both_halves_of_a_halved_window_are_read(aws: ScriptedAws) -> None:
    trail = [event(n, n) for n in range(8)]
    whole = holding(trail, page_size=100)

    def only_small_windows(asked: dict[str, Any]) -> Answer:
        if asked["endTime"] - asked["startTime"] > 3:
            return filtered(token="again")
        return whole(asked)

    aws.script["FilterLogEvents"] = only_small_windows
    assert read(aws, 0, 7) == trail


def test_streams_are_asked_for_interleaved_since_emulators_honour_it(aws: ScriptedAws) -> None:
    aws.script["FilterLogEvents"] = [filtered()]
    read(aws)
    assert aws.asked("FilterLogEvents")[0]["interleaved"] is True


def test_a_refusal_tells_the_time_too(aws: ScriptedAws) -> None:
    hour_ahead = time.time() + 3600
    denied = refusal("AccessDeniedException")
    denied.date = formatdate(hour_ahead, usegmt=True)
    aws.script["FilterLogEvents"] = [denied]
    clock = logs(aws)
    with pytest.raises(AccessDenied):
        list(clock.read(GROUP, 0, 1))
    assert abs(clock.latest_ms() - hour_ahead * 1000) < 5_000


def test_a_secret_in_a_proxy_is_not_repeated(
    aws: ScriptedAws, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://user:hush-hush@127.0.0.1:9")
    with pytest.raises(EndpointUnreachable) as caught:
        read(aws)
    assert "hush-hush" not in str(caught.value)


NOT_FOUND = refusal("ResourceNotFoundException", "The specified log stream does not exist.")


def test_a_stream_that_is_gone_is_an_empty_read_that_is_marked(aws: ScriptedAws) -> None:
    aws.script["FilterLogEvents"] = lambda asked: (
        NOT_FOUND if "logStreamNames" in asked else filtered()
    )
    (page,) = logs(aws).read(GROUP, 0, NOW_MS, "hsm-gone")
    assert (len(page), page.is_last, page.is_gone) == (0, True, True)


def test_a_group_that_is_gone_is_not_taken_for_a_stream(aws: ScriptedAws) -> None:
    aws.script["FilterLogEvents"] = [NOT_FOUND]
    with pytest.raises(GroupNotFound):
        list(logs(aws).read(GROUP, 0, NOW_MS, "hsm-gone"))


def test_a_stream_that_may_not_be_confirmed_is_not_taken_for_gone(aws: ScriptedAws) -> None:
    aws.script["FilterLogEvents"] = [NOT_FOUND, refusal("AccessDeniedException")]
    with pytest.raises(AccessDenied):
        list(logs(aws).read(GROUP, 0, NOW_MS, "hsm-gone"))


@pytest.mark.parametrize("token", ["", 5, [], False])
def test_a_page_token_that_is_none_is_one_clear_failure(aws: ScriptedAws, token: object) -> None:
    aws.script["FilterLogEvents"] = [Answer({"events": [], "nextToken": token})]
    with pytest.raises(ServiceFailure, match="returned a page token that is none"):
        read(aws)


@pytest.mark.parametrize("status", [201, 206])
@pytest.mark.parametrize("operation", ["FilterLogEvents", "DescribeLogGroups"])
def test_a_status_other_than_200_is_one_clear_failure(
    aws: ScriptedAws, status: int, operation: str
) -> None:
    aws.script["FilterLogEvents"] = [Answer(filtered(event(0, 1)).body, status)]
    aws.script["DescribeLogGroups"] = [Answer(described("/aws/cloudhsm/a").body, status)]
    message = f"HTTP status {status} in place of 200"
    if operation == "DescribeLogGroups":
        _, (failure,) = found(aws, "/aws/cloudhsm/")
        assert message in failure.what
    else:
        with pytest.raises(ServiceFailure, match=message):
            read(aws)


ARN = "arn:aws:logs:us-east-1:111122223333:log-group:/aws/cloudhsm/b:*"


@pytest.mark.parametrize(
    "row", [None, 5, "x", [], {}, {"arn": None}, {"arn": ARN}, {"arn": "x", "logGroupName": "y"}]
)
def test_a_row_that_cannot_be_read_hides_no_other_group(aws: ScriptedAws, row: object) -> None:
    body = described("/aws/cloudhsm/a", "/aws/cloudhsm/c").body
    assert isinstance(body, dict)
    body["logGroups"].insert(1, row)
    aws.script["DescribeLogGroups"] = [Answer(body)]
    groups, (failure,) = found(aws, "/aws/cloudhsm/")
    assert groups == [group("/aws/cloudhsm/a"), group("/aws/cloudhsm/c")]
    assert "without a complete ARN" in failure.what


def test_a_listing_that_repeats_a_page_keeps_what_it_found(aws: ScriptedAws) -> None:
    aws.script["DescribeLogGroups"] = [
        described("/aws/cloudhsm/a", token="t"),
        described("/aws/cloudhsm/b", token="t"),
    ]
    groups, (failure,) = found(aws, "/aws/cloudhsm/")
    assert groups == [group("/aws/cloudhsm/a"), group("/aws/cloudhsm/b")]
    assert "repeats a page" in failure.what


def test_a_listing_that_never_ends_is_left_when_its_time_is_over(aws: ScriptedAws) -> None:
    pages = (described(f"/aws/cloudhsm/{n}", token=str(n)) for n in range(1_000))
    aws.script["DescribeLogGroups"] = lambda _: next(pages)
    calls = iter(range(1_000))
    selectors = parse("aws_cloudhsm://x", {"aws_region": "us-east-1"}, 0).log_groups
    discovery = logs(aws).discover(selectors, lambda: next(calls) >= 3)
    assert len(discovery.groups) == 4
    (failure,) = discovery.failures
    assert "did not come to its end" in failure.what


@pytest.mark.parametrize("date", ["Mon, 01 Jan 99999999999999 00:00:00 GMT", "x", "Mon, 99 Xyz"])
def test_a_date_that_cannot_be_read_is_ignored(aws: ScriptedAws, date: str) -> None:
    aws.script["FilterLogEvents"] = [Answer(filtered(event(0, 1)).body, date=date)]
    assert len(read(aws)) == 1


def test_a_group_whose_name_has_half_a_character_hides_no_other(aws: ScriptedAws) -> None:
    aws.script["DescribeLogGroups"] = [described("/aws/cloudhsm/\ud800", "/aws/cloudhsm/a")]
    groups, (failure,) = found(aws, "/aws/cloudhsm/")
    assert groups == [group("/aws/cloudhsm/a")]
    assert "without a complete ARN" in failure.what

"""Every log group of CloudHSM gets its subscription filter, or a word about why it has none."""

from __future__ import annotations

import http.server
import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from cloudhsm_push.cloudwatch import CloudWatchLogs, Filter, LogGroup, RefusedCall
from cloudhsm_push.subscribe import Scope, SubscriptionFaults, scope_from
from cloudhsm_push.subscribe import handled as handled_at

STREAM = "arn:aws:firehose:us-east-1:111122223333:deliverystream/cloudhsm-push"
ROLE = "arn:aws:iam::111122223333:role/subscription"
OURS = Filter("cloudhsm-push", STREAM, ROLE)
OTHER = Filter("siem", "arn:aws:lambda:us-east-1:111122223333:function:siem", "")
THIRD = Filter("lake", "arn:aws:lambda:us-east-1:111122223333:function:lake", "")
SCOPE = Scope("/aws/cloudhsm/", frozenset(), OURS)
ONE, TWO = "/aws/cloudhsm/cluster-aaaaaaaaaaa", "/aws/cloudhsm/cluster-bbbbbbbbbbb"
Respond = Callable[..., dict[str, Any]]
HOURLY: dict[str, Any] = {"source": "aws.events", "detail": {}}


NOW_S = 1_790_000_000.0


def handled(event: dict[str, Any], logs: Logs, scope: Scope) -> dict[str, object]:
    return handled_at(event, logs, scope, NOW_S)


@dataclass
class Logs:
    """Log groups with their filters; `refuses` has errors by (call, group)."""

    present: dict[str, list[Filter]]
    refuses: dict[tuple[str, str], RefusedCall] = field(default_factory=dict)
    calls: list[tuple[str, str]] = field(default_factory=list)
    created_ms: int = 1_700_000_000_000

    def _called(self, call: str, group: str) -> None:
        self.calls.append((call, group))
        if (call, group) in self.refuses:
            raise self.refuses[call, group]

    def groups(self, prefix: str) -> Iterator[LogGroup]:
        self._called("groups", prefix)
        for group in [*self.present]:
            if group.startswith(prefix):
                yield LogGroup(group, self.created_ms)

    def filters(self, group: str) -> list[Filter]:
        self._called("filters", group)
        return [*self.present[group]]

    def put(self, group: str, new: Filter) -> None:
        self._called("put", group)
        kept = [other for other in self.present[group] if other.name != new.name]
        self.present[group] = [*kept, new]

    def delete(self, group: str, name: str) -> None:
        self._called("delete", group)
        self.present[group] = [other for other in self.present[group] if other.name != name]


def created(group: str) -> dict[str, Any]:
    """An event of CloudTrail as EventBridge delivers it."""
    return {
        "source": "aws.logs",
        "detail-type": "AWS API Call via CloudTrail",
        "detail": {"eventName": "CreateLogGroup", "requestParameters": {"logGroupName": group}},
    }


def test_the_schedule_subscribes_what_is_not_and_leaves_the_rest_alone() -> None:
    logs = Logs({ONE: [], TWO: [OURS], "/aws/lambda/x": []})
    assert handled(HOURLY, logs, SCOPE) == {"groups": [ONE, TWO]}
    assert logs.present == {ONE: [OURS], TWO: [OURS], "/aws/lambda/x": []}
    assert [call for call in logs.calls if call[0] == "put"] == [("put", ONE)]


def test_a_new_log_group_is_subscribed_alone() -> None:
    logs = Logs({ONE: [], TWO: []})
    assert handled(created(TWO), logs, SCOPE) == {"groups": [TWO]}
    assert logs.present == {ONE: [], TWO: [OURS]}


def test_a_new_log_group_of_somebody_else_is_none_of_ours() -> None:
    logs = Logs({"/aws/lambda/x": []})
    assert handled(created("/aws/lambda/x"), logs, SCOPE) == {"groups": []}
    assert logs.calls == []


@pytest.mark.parametrize(
    "stale",
    [
        OURS._replace(role="arn:aws:iam::111122223333:role/of-a-stack-that-is-gone"),
        OURS._replace(pattern="ERROR"),
    ],
)
def test_our_filter_with_another_role_or_pattern_is_restored(stale: Filter) -> None:
    logs = Logs({ONE: [stale, OTHER]})
    handled(HOURLY, logs, SCOPE)
    assert logs.present[ONE] == [OTHER, OURS]


def test_a_filter_of_our_name_to_elsewhere_is_left_alone_and_reported(respond: Respond) -> None:
    foreign = OURS._replace(destination=THIRD.destination)
    logs = Logs({ONE: [foreign]})
    with pytest.raises(SubscriptionFaults, match=r"cloudhsm-push with the .*Rename that"):
        handled(HOURLY, logs, SCOPE)
    assert respond("Delete", logs)["Status"] == "SUCCESS"
    assert logs.present == {ONE: [foreign]}


def test_a_group_that_is_excluded_or_outside_the_prefix_is_sent_no_more(respond: Respond) -> None:
    logs = Logs({ONE: [OURS], TWO: [OURS, OTHER], "/aws/cloudhsm/other-1": [OURS]})
    narrow = Scope("/aws/cloudhsm/cluster-", frozenset({TWO}), OURS)
    assert handled(HOURLY, logs, narrow) == {"groups": [ONE]}
    assert logs.present == {ONE: [OURS], TWO: [OTHER], "/aws/cloudhsm/other-1": []}


def test_only_log_groups_of_cloudhsm_are_subscribed_whatever_the_prefix() -> None:
    """The stream has a log group itself: sending that would never end."""
    own = "/aws/lambda/cloudhsm-push-transform"
    logs = Logs({ONE: [], own: []})
    wide = SCOPE._replace(prefix="/")
    assert handled(HOURLY, logs, wide) == {"groups": [ONE]}
    assert handled(created(own), logs, wide) == {"groups": []}
    assert logs.present[own] == []


def call(name: str, group: str = ONE) -> dict[str, Any]:
    """A call that CloudTrail logged, as EventBridge delivers it."""
    detail = {
        "eventName": name,
        "eventTime": "2026-09-21T14:00:00Z",
        "userIdentity": {"arn": "arn:aws:sts::111122223333:assumed-role/admin/eve"},
        "requestParameters": {"logGroupName": group},
    }
    return {"source": "aws.logs", "detail-type": "AWS API Call via CloudTrail", "detail": detail}


STALE = OURS._replace(pattern="ERROR")


@pytest.mark.parametrize(
    ("name", "left"), [("DeleteSubscriptionFilter", []), ("PutSubscriptionFilter", [STALE])]
)
def test_a_filter_that_somebody_removes_or_changes_is_restored_at_once_and_reported(
    name: str, left: list[Filter], capsys: pytest.CaptureFixture[str]
) -> None:
    logs = Logs({ONE: left, TWO: [OURS]})
    assert handled(call(name), logs, SCOPE) == {"groups": [ONE]}
    assert logs.present[ONE] == [OURS]
    line = json.loads(capsys.readouterr().out)
    assert line["event"] == "subscription_restored"
    assert (line["log_group"], line["not_sent_since"]) == (ONE, "2026-09-21T14:00:00Z")
    assert line["changed_by"].endswith("assumed-role/admin/eve")
    assert "start_time = 2026-09-21T14:00:00Z" in line["next_step"]


def test_the_schedule_reports_a_filter_that_was_removed_since_the_last_check(
    capsys: pytest.CaptureFixture[str],
) -> None:
    handled(HOURLY, Logs({ONE: [], TWO: [OURS]}), SCOPE)
    line = json.loads(capsys.readouterr().out)
    assert line["event"] == "subscription_restored"
    assert line["not_sent_since"] == "2026-09-21T13:13:20Z"  # an hour before NOW_S


@pytest.mark.parametrize("event", [HOURLY, call("CreateLogGroup")])
def test_a_new_group_is_no_removed_filter(
    event: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    handled(event, Logs({ONE: []}, created_ms=int(NOW_S * 1000) - 60_000), SCOPE)
    assert json.loads(capsys.readouterr().out)["event"] == "subscribed"


def test_a_change_of_somebody_elses_filter_is_not_reported(
    capsys: pytest.CaptureFixture[str],
) -> None:
    handled(call("PutSubscriptionFilter"), Logs({ONE: [OURS, OTHER]}), SCOPE)
    handled(call("DeleteSubscriptionFilter"), Logs({ONE: [OURS]}), SCOPE)
    handled(call("DeleteSubscriptionFilter", "/aws/lambda/x"), Logs({}), SCOPE)
    assert capsys.readouterr().out == ""


def test_a_group_with_two_other_filters_is_reported_with_their_names() -> None:
    logs = Logs({ONE: [OTHER, THIRD], TWO: []})
    with pytest.raises(SubscriptionFaults) as raised:
        handled(HOURLY, logs, SCOPE)
    assert str(raised.value) == (
        f"{ONE}: already has the subscription filters siem and lake, and AWS allows 2. "
        "Delete one, or name the group in ExcludeLogGroups and collect it with the add-on's input"
    )
    assert logs.present == {ONE: [OTHER, THIRD], TWO: [OURS]}


def test_a_filter_by_hand_that_leads_to_our_stream_would_double_every_record() -> None:
    logs = Logs({ONE: [Filter("by-hand", OURS.destination, ROLE)]})
    with pytest.raises(
        SubscriptionFaults, match=r"by-hand already sends it .* duplicated\. Delete"
    ):
        handled(HOURLY, logs, SCOPE)
    assert ("put", ONE) not in logs.calls


@pytest.mark.parametrize("call", ["filters", "put"])
def test_a_refusal_names_group_code_and_next_step_and_the_others_go_on(
    call: str, capsys: pytest.CaptureFixture[str]
) -> None:
    refused = RefusedCall("AccessDeniedException", "not authorized")
    logs = Logs({ONE: [], TWO: []}, {(call, ONE): refused})
    with pytest.raises(SubscriptionFaults) as raised:
        handled(HOURLY, logs, SCOPE)
    assert str(raised.value).startswith(f"{ONE}: AccessDeniedException: not authorized. Check ")
    assert logs.present[TWO] == [OURS]
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["message"] for line in lines if line["event"] == "not_subscribed"] == [
        str(raised.value)
    ]


def test_a_failed_list_of_log_groups_is_reported() -> None:
    logs = Logs({}, {("groups", "/aws/cloudhsm/"): RefusedCall("ThrottlingException", "slow")})
    with pytest.raises(SubscriptionFaults, match="the list of log groups: ThrottlingException"):
        handled(HOURLY, logs, SCOPE)


def test_a_group_that_was_deleted_since_is_no_fault() -> None:
    gone = RefusedCall("ResourceNotFoundException", "no such group")
    logs = Logs({ONE: [], TWO: []}, {("filters", ONE): gone, ("put", TWO): gone})
    assert handled(HOURLY, logs, SCOPE) == {"groups": []}


def test_the_scope_is_what_the_template_sets() -> None:
    environment = {
        "LOG_GROUP_PREFIX": "/aws/cloudhsm/",
        "FILTER_NAME": OURS.name,
        "DESTINATION_ARN": OURS.destination,
        "ROLE_ARN": ROLE,
        "EXCLUDED_LOG_GROUPS": "",
    }
    assert scope_from(environment) == SCOPE
    excluded = scope_from({**environment, "EXCLUDED_LOG_GROUPS": f"{ONE},{TWO}"}).excluded
    assert excluded == {ONE, TWO}


# --- CloudFormation's custom resource


@pytest.fixture
def respond() -> Iterator[Callable[..., dict[str, Any]]]:
    """Calls the function as CloudFormation does; returns its response."""
    got: list[dict[str, Any]] = []

    class Bucket(http.server.BaseHTTPRequestHandler):
        def do_PUT(self) -> None:
            assert not self.headers["Content-Type"]
            got.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Bucket)
    threading.Thread(target=server.serve_forever, daemon=True).start()

    def call(request: str, logs: Logs, **more: object) -> dict[str, Any]:
        event = {
            "RequestType": request,
            "ResponseURL": f"http://127.0.0.1:{server.server_port}/answer?signed",
            "StackId": "arn:stack",
            "RequestId": "7",
            "LogicalResourceId": "Subscriptions",
            "ResourceProperties": {},
            **more,
        }
        handled(event, logs, SCOPE)
        return got.pop()

    yield call
    server.shutdown()
    server.server_close()


def test_making_the_stack_subscribes_and_returns_the_groups(respond: Respond) -> None:
    logs = Logs({ONE: [], TWO: []})
    assert respond("Create", logs) == {
        "Status": "SUCCESS",
        "PhysicalResourceId": "Subscriptions",
        "StackId": "arn:stack",
        "RequestId": "7",
        "LogicalResourceId": "Subscriptions",
        "Data": {"Count": "2", "LogGroups": f"{ONE}, {TWO}", "NotSubscribed": "none"},
    }
    assert logs.present == {ONE: [OURS], TWO: [OURS]}


def test_a_stack_before_the_first_cluster_returns_none_yet(respond: Respond) -> None:
    assert respond("Create", Logs({}))["Data"] == {
        "Count": "0",
        "LogGroups": "none yet",
        "NotSubscribed": "none",
    }


def test_a_thousand_groups_fit_into_the_answer(respond: Respond) -> None:
    logs = Logs({f"/aws/cloudhsm/cluster-{n:011d}": [] for n in range(1000)})
    answer = respond("Create", logs)
    assert answer["Data"]["Count"] == "1000"
    assert len(json.dumps(answer)) < 4096


@pytest.mark.parametrize("request_type", ["Create", "Update"])
def test_a_group_that_cannot_be_subscribed_is_reported_and_does_not_roll_the_stack_back(
    respond: Respond, request_type: str
) -> None:
    answer = respond(request_type, Logs({ONE: [OTHER, THIRD], TWO: []}))
    assert answer["Status"] == "SUCCESS"
    assert answer["Data"]["LogGroups"] == TWO
    assert "filters siem and lake" in answer["Data"]["NotSubscribed"]


def test_a_failed_list_is_reported_by_the_stack(respond: Respond) -> None:
    refused = RefusedCall("AccessDeniedException", "no")
    answer = respond("Create", Logs({}, {("groups", "/aws/cloudhsm/"): refused}))
    assert answer["Data"]["NotSubscribed"].startswith("the list of log groups: AccessDenied")


@pytest.mark.parametrize("text", ["x", "\u4e16", '"\\'])
def test_however_long_the_report_cloudformation_takes_it(respond: Respond, text: str) -> None:
    refused = RefusedCall("AccessDeniedException", text * 3_000)
    for request_type in ("Create", "Delete"):
        answer = respond(request_type, Logs({}, {("groups", "/aws/cloudhsm/"): refused}))
        assert len(json.dumps(answer, ensure_ascii=False).encode()) < 4096


def test_a_removed_stack_that_would_leave_filters_shows_what_to_do(respond: Respond) -> None:
    refused = RefusedCall("AccessDeniedException", "no")
    for call in (("groups", "/aws/cloudhsm/"), ("filters", ONE), ("delete", ONE)):
        answer = respond("Delete", Logs({ONE: [OURS], TWO: [OURS]}, {call: refused}))
        assert answer["Status"] == "FAILED"
        assert "--retain-resources Subscriptions" in answer["Reason"]


def test_the_resource_keeps_the_id_that_it_was_given(respond: Respond) -> None:
    assert respond("Update", Logs({}), PhysicalResourceId="older")["PhysicalResourceId"] == "older"
    assert respond("Create", Logs({}))["PhysicalResourceId"] == "Subscriptions"


def test_an_unexpected_error_is_reported_so_that_the_stack_does_not_hang(respond: Respond) -> None:
    class Broken(Logs):
        def groups(self, prefix: str) -> Iterator[LogGroup]:
            raise ZeroDivisionError(prefix)

    answer = respond("Create", Broken({}))
    assert (answer["Status"], answer["Reason"]) == ("FAILED", "/aws/cloudhsm/")


def test_removing_the_stack_removes_our_filters_and_no_others(respond: Respond) -> None:
    logs = Logs({ONE: [OTHER, OURS], TWO: [OTHER]})
    answer = respond("Delete", logs, PhysicalResourceId="Subscriptions")
    assert answer["Status"] == "SUCCESS"
    assert logs.present == {ONE: [OTHER], TWO: [OTHER]}
    assert ("delete", TWO) not in logs.calls


# --- boto3's client


class ClientError(Exception):
    def __init__(self, code: str) -> None:
        self.response = {"Error": {"Code": code, "Message": "no"}}


class Client:
    """boto3's client: answers by call, each once; an exception is raised."""

    class exceptions:
        ClientError = ClientError

    def __init__(self, **answers: list[Any]) -> None:
        self.answers = answers
        self.requests: list[dict[str, str]] = []

    def __getattr__(self, name: str) -> Callable[..., dict[str, Any]]:
        def call(**request: str) -> dict[str, Any]:
            self.requests.append(request)
            answer = self.answers[name].pop(0)
            if isinstance(answer, Exception):
                raise answer
            return dict(answer)

        return call


def over(client: Any, waited: list[float] | None = None) -> CloudWatchLogs:  # noqa: ANN401
    return CloudWatchLogs(client, (waited if waited is not None else []).append)


def test_all_pages_of_log_groups_are_read() -> None:
    pages = [
        {"logGroups": [{"logGroupName": ONE, "creationTime": 7}], "nextToken": "t"},
        {"logGroups": [], "nextToken": "u"},
        {"logGroups": [{"logGroupName": TWO}]},
    ]
    client = Client(describe_log_groups=pages)
    assert [*over(client).groups("/aws/")] == [LogGroup(ONE, 7), LogGroup(TWO, 0)]
    assert [request.get("nextToken") for request in client.requests] == [None, "t", "u"]


def test_a_filter_has_all_values_that_aws_returns() -> None:
    entry = {
        "filterName": OURS.name,
        "destinationArn": STREAM,
        "roleArn": ROLE,
        "filterPattern": "ERROR",
    }
    to_lambda = {"filterName": OTHER.name, "destinationArn": OTHER.destination}
    client = Client(describe_subscription_filters=[{"subscriptionFilters": [entry, to_lambda]}])
    assert over(client).filters(ONE) == [OURS._replace(pattern="ERROR"), OTHER]


def test_a_role_that_is_not_known_everywhere_yet_is_waited_for() -> None:
    waited: list[float] = []
    client = Client(put_subscription_filter=[ClientError("InvalidParameterException")] * 2 + [{}])
    over(client, waited).put(ONE, OURS)
    assert waited == [8, 8]
    assert client.requests[0] == {
        "logGroupName": ONE,
        "filterName": OURS.name,
        "filterPattern": "",
        "destinationArn": OURS.destination,
        "roleArn": ROLE,
    }


def test_all_groups_together_are_waited_for_no_longer_than_the_function_may_run() -> None:
    waited: list[float] = []
    client = Client(put_subscription_filter=[ClientError("InvalidParameterException")] * 200)
    logs = over(client, waited)
    for _ in range(20):
        with pytest.raises(RefusedCall):
            logs.put(ONE, OURS)
    assert sum(waited) == 240


@pytest.mark.parametrize("error", [ClientError("AccessDeniedException"), TimeoutError("no")])
def test_a_lasting_refusal_is_reported_with_its_code(error: Exception) -> None:
    client = Client(put_subscription_filter=[error] * 20)
    with pytest.raises(RefusedCall, match="no") as raised:
        over(client).put(ONE, OURS)
    assert raised.value.code in ("AccessDeniedException", "TimeoutError")
    assert len(client.requests) == 1

"""The template refuses invalid parameters by name, and permits the calls of the functions."""

from __future__ import annotations

import gzip
import json
import re
import subprocess
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from cfnlint.decode import decode

from cloudhsm_push.envelope import packed
from cloudhsm_push.quarantine import S3Quarantine
from cloudhsm_push.transform import Destinations, transformed
from tests.iam.evaluator import Call, deciding, is_allowed
from tests.push.batches import ROUTING, Sink, batch, envelope
from tests.push.local_life import ACCOUNT, ARN, GROUPS, HSM, NEW, REGION, STACK
from tools.build import push
from tools.build.package import ROOT
from tools.demo import local_aws

TEMPLATE = ROOT / "push" / push.TEMPLATE
# What the local AWS makes no resource of.
UNKNOWN_THERE = (
    "AWS::KinesisFirehose::DeliveryStream",
    "AWS::Logs::LogStream",
    "AWS::S3::BucketPolicy",
    "AWS::Logs::MetricFilter",
    "AWS::CloudWatch::Alarm",
)
LOGS = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:"


@pytest.fixture(scope="module")
def template() -> dict[str, Any]:
    read, faults = decode(str(TEMPLATE))
    assert not faults
    return dict(json.loads(json.dumps(read)))


@pytest.fixture(scope="module")
def life(template: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What came of a stack, its functions and its end in a local AWS."""
    folder = tmp_path_factory.mktemp("life")
    (folder / "template.json").write_text(json.dumps(known_there(template)))
    (folder / "push.zip").write_bytes(push.packed(ROOT))
    python = ROOT / ".venv" / "moto" / "bin" / "python"
    path = f"{ROOT / 'push'}:{ROOT / 'bin'}"
    with local_aws.running(folder / "log") as url:
        arguments = [str(folder / "template.json"), str(folder / "push.zip"), url]
        done = subprocess.run(
            [str(python), str(Path(__file__).with_name("local_life.py")), *arguments],
            env={**local_aws.environment(), "PYTHONPATH": path},
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.returncode == 0, done.stderr[-2000:]
    return dict(json.loads(done.stdout.splitlines()[-1]))


def known_there(template: dict[str, Any]) -> dict[str, Any]:
    """The template without what the local AWS does not know, and with the stream's ARN spelled."""
    kept = {
        key: res for key, res in template["Resources"].items() if res["Type"] not in UNKNOWN_THERE
    }
    text = json.dumps({**template, "Resources": kept})
    text = text.replace('{"Fn::GetAtt": ["Stream", "Arn"]}', json.dumps(ARN))
    return dict(json.loads(text))


# --- parameters

WRONG = {
    "HecEndpoint": (
        "http://splunk.example.com:8088",
        "splunk.example.com:8088",
        "https://splunk.example.com:8088/services/collector/event",
        "https://user:secret@splunk.example.com",
        "",
    ),
    "HecTokenSecretArn": (
        "2c9a1b7e-0d5f-4c0e-9d7a-000000000000",
        "hec-token",
        "arn:aws:ssm:eu-west-1:123456789012:parameter/hec",
        "",
    ),
    "SplunkIndex": ("HSM", "_internal", "hsm index", "*"),
    "CodeBucket": ("s3://bucket", "Bucket", "bucket/folder", ""),
    "CodeKey": ("cloudhsm-push.zip", "/cloudhsm-push-1.0.0.zip", "cloudhsm-push-1.0.0.yaml", ""),
    "LogGroupPrefix": ("/aws/cloudhsm/*", "", "/aws/cloudhsm /", "/aws/", "/"),
    "HecTokenKeyArn": ("alias/hec", "arn:aws:kms:eu-west-1:123456789012:alias/hec"),
    "AlarmTopicArn": ("admin@example.com", "arn:aws:sqs:eu-west-1:123456789012:alarms"),
    "KmsKeyArn": ("*", "alias/logs", "arn:aws:kms:eu-west-1:123456789012:key/*"),
    "AccessLogBucket": ("s3://bucket", "Bucket", "bucket/folder", "*"),
}
RIGHT = {
    "HecEndpoint": (
        "https://http-inputs-firehose-example.splunkcloud.com:443",
        "https://hec.example.com",
    ),
    "HecTokenSecretArn": (
        "arn:aws-us-gov:secretsmanager:us-gov-west-1:123456789012:secret:prod/hec-AbCdEf",
    ),
    "SplunkIndex": ("", "hsm", "hsm_audit-2"),
    "CodeBucket": ("my.bucket-1",),
    "CodeKey": ("cloudhsm-push-0.1.0.zip", "splunk/cloudhsm-push-1.0.0-rc.1+x.zip"),
    "LogGroupPrefix": ("/aws/cloudhsm/", "/aws/cloudhsm/cluster-likphkxygsn"),
    "HecTokenKeyArn": ("", "arn:aws:kms:eu-west-1:123456789012:key/1234abcd-12ab"),
    "AlarmTopicArn": ("", "arn:aws:sns:eu-west-1:123456789012:alarms"),
    "KmsKeyArn": ("", "arn:aws-us-gov:kms:us-gov-west-1:123456789012:key/1234abcd-12ab"),
    "AccessLogBucket": ("", "access-logs.example"),
}


def test_every_parameter_that_is_free_text_has_a_pattern_and_a_word_for_who_misses_it(
    template: dict[str, Any],
) -> None:
    free = {
        name
        for name, parameter in template["Parameters"].items()
        if parameter["Type"] == "String" and "AllowedValues" not in parameter
    }
    assert free == set(WRONG) == set(RIGHT)
    for name in free:
        assert template["Parameters"][name]["ConstraintDescription"].startswith("is ")


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_parameter_is_refused_and_a_right_one_taken(
    name: str, template: dict[str, Any]
) -> None:
    pattern = template["Parameters"][name]["AllowedPattern"]
    assert [text for text in WRONG[name] if re.fullmatch(pattern, text)] == []
    assert [text for text in RIGHT[name] if not re.fullmatch(pattern, text)] == []


# --- the stream, which the local AWS cannot make


def test_the_stream_neither_unpacks_nor_takes_messages_out_and_waits_for_splunks_word(
    template: dict[str, Any],
) -> None:
    destination = template["Resources"]["Stream"]["Properties"]["SplunkDestinationConfiguration"]
    (processor,) = destination["ProcessingConfiguration"]["Processors"]
    assert processor["Type"] == "Lambda"
    assert destination["HECEndpointType"] == "Event"
    assert 180 <= destination["HECAcknowledgmentTimeoutInSeconds"] <= 600
    assert destination["RetryOptions"]["DurationInSeconds"] == 7200
    assert destination["S3BackupMode"] == "FailedEventsOnly"
    assert "HECToken" not in destination
    assert template["Resources"]["Backup"]["DeletionPolicy"] == "Retain"


def test_the_streams_role_may_do_what_delivering_takes(life: dict[str, Any]) -> None:
    may = life["policies"]["StreamRole"]["may"]
    function = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{STACK}-transform"
    bucket = one_resource(may, "s3:PutObject")
    secret = f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:hec-AbCdEf"
    for call in (
        Call("lambda:InvokeFunction", (f"{function}:$LATEST",)),
        Call("lambda:InvokeFunction", (function,)),
        Call("secretsmanager:GetSecretValue", (secret,)),
        Call("s3:PutObject", (f"{bucket}/splunk-failed/x",)),
        Call("s3:ListBucket", (bucket,)),
    ):
        assert is_allowed(may, call), call
    assert not is_allowed(may, Call("s3:PutObject", ("arn:aws:s3:::other/x",)))
    assert not is_allowed(may, Call("secretsmanager:GetSecretValue", (secret + "x",)))


def one_resource(may: list[dict[str, Any]], action: str) -> str:
    (statement,) = [statement for statement in may if action in statement["Action"]]
    return str(statement["Resource"][0])


OTHER_ACCOUNT = packed(envelope("a")._replace(owner="444455556666"))
# What the functions log, and the alarm that counts it.
COUNTED = {
    "record_failed": ("NotTransformed", b"torn"),
    "foreign_data": ("ForeignData", OTHER_ACCOUNT),
    "stream_misconfigured": ("StreamMisconfigured", gzip.decompress(packed(envelope("a")))),
}


class Nothing:
    def put_object(self, **_request: object) -> dict[str, Any]:
        return {}


@pytest.mark.parametrize("event", COUNTED)
def test_what_a_call_that_succeeds_reports_raises_an_alarm(
    event: str, template: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    alarm, data = COUNTED[event]
    destinations = Destinations(Sink(), S3Quarantine(Nothing(), "backup"))
    transformed(batch(data), ROUTING, destinations)
    line = json.loads(capsys.readouterr().out)
    assert line["event"] == event
    assert_counted(template, event, alarm, "TransformLog")


def test_a_restored_subscription_raises_an_alarm(
    life: dict[str, Any], template: dict[str, Any]
) -> None:
    for line in life["restored"]:
        assert line["event"] == "subscription_restored"
        assert line["log_group"] == GROUPS[0]
    assert_counted(template, "subscription_restored", "SubscriptionChanged", "SubscribeLog")


def assert_counted(template: dict[str, Any], event: str, alarm: str, log: str) -> None:
    """The alarm counts the lines with this event in this log group."""
    (counted,) = [
        resource["Properties"]
        for resource in template["Resources"].values()
        if resource["Type"] == "AWS::Logs::MetricFilter"
        and resource["Properties"]["FilterPattern"] == f'{{ $.event = "{event}" }}'
    ]
    assert counted["LogGroupName"] == {"Ref": log}
    (metric,) = counted["MetricTransformations"]
    watched = template["Resources"][alarm]["Properties"]
    assert metric["MetricName"] == watched["MetricName"]
    assert metric["MetricNamespace"] == watched["Namespace"]


def test_silence_raises_an_alarm_unless_it_is_turned_off(template: dict[str, Any]) -> None:
    silent = template["Resources"]["Silent"]
    assert silent["Condition"] == "HasSilence"
    assert silent["Properties"]["EvaluationPeriods"] == {"Ref": "SilenceHours"}
    hours = template["Parameters"]["SilenceHours"]
    assert (hours["MinValue"], hours["Default"], hours["MaxValue"]) == (0, 24, 24)


def test_what_was_written_without_a_filter_is_after_the_reported_time(life: dict[str, Any]) -> None:
    """An input with the start_time of the report finds it, and nothing before."""
    since = life["restored"][0]["not_sent_since"]
    start_ms = datetime.fromisoformat(since).timestamp() * 1000
    assert [text for at, text in life["written"] if at >= start_ms] == ["not sent"]


def test_every_alarm_notifies_the_topic_and_names_where_to_look(template: dict[str, Any]) -> None:
    alarms = [
        resource["Properties"]
        for resource in template["Resources"].values()
        if resource["Type"] == "AWS::CloudWatch::Alarm"
    ]
    assert len(alarms) == 10
    for alarm in alarms:
        assert "AlarmTopicArn" in json.dumps(alarm["AlarmActions"])
        is_silence = alarm["MetricName"] == "IncomingRecords"
        assert alarm["TreatMissingData"] == ("breaching" if is_silence else "notBreaching")
        assert len(alarm["AlarmDescription"]) > 60


# --- a life in the local AWS


def test_making_the_stack_subscribes_every_group_and_returns_them(life: dict[str, Any]) -> None:
    assert life["created"]["Status"] == "SUCCESS"
    assert life["filters"] == {GROUPS[0]: [STACK], GROUPS[1]: [STACK], "/aws/lambda/other": []}
    assert life["outputs"]["status"] == "CREATE_COMPLETE"
    assert life["outputs"]["LogGroups"] == ", ".join(GROUPS)
    assert life["outputs"]["NotSubscribed"] == "none"


def test_a_new_group_is_subscribed_when_it_comes_and_the_hour_finds_all(
    life: dict[str, Any],
) -> None:
    assert life["new"] == {"groups": [NEW]}
    assert life["hourly"] == {"groups": [*GROUPS, NEW]}


def test_what_a_subscription_sends_becomes_events(life: dict[str, Any]) -> None:
    assert life["results"][-1] == "Ok"
    events = [json.loads(line) for line in life["body"].split("\n") if line]
    assert [event["event"] for event in events] == ["Time: first\n\u4e16", "second"]
    assert {(event["host"], event["source"]) for event in events} == {
        (HSM, f"{ACCOUNT}:{REGION}:{GROUPS[0]}:{HSM}")
    }


def test_what_was_kept_in_s3_comes_into_the_stream_again(life: dict[str, Any]) -> None:
    assert life["redriven"] == {"objects": 1, "records": 1, "after": "", "faults": []}
    assert life["again"] == [life["body"]]


def test_removing_the_stack_leaves_no_subscription(life: dict[str, Any]) -> None:
    assert life["deleted"]["Status"] == "SUCCESS"
    assert [name for filters in life["left"].values() for name in filters] == []


def test_both_rules_call_the_function_that_subscribes(life: dict[str, Any]) -> None:
    function = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{STACK}-subscribe"
    assert [rule["targets"] for rule in life["rules"]] == [[function], [function]]
    hourly, watching = sorted(life["rules"], key=lambda rule: rule["schedule"] is None)
    assert hourly["schedule"] == "rate(1 hour)"
    pattern = json.loads(watching["pattern"])
    assert pattern["detail"]["eventName"] == [
        "CreateLogGroup",
        "DeleteSubscriptionFilter",
        "PutSubscriptionFilter",
    ]
    assert pattern["detail"]["requestParameters"]["logGroupName"] == [{"prefix": "/aws/cloudhsm/"}]


STREAM = (ARN,)
GROUP = (f"{LOGS}{GROUPS[0]}:*",)
CALLS = {
    "TransformRole": [Call("firehose:PutRecordBatch", STREAM)],
    "SubscriptionRole": [
        Call("firehose:PutRecord", STREAM),
        Call("firehose:PutRecordBatch", STREAM),
    ],
    "SubscribeRole": [
        Call("logs:DescribeLogGroups", (f"{LOGS}*",)),
        Call("logs:DescribeSubscriptionFilters", GROUP),
        Call("logs:PutSubscriptionFilter", GROUP),
        Call("logs:DeleteSubscriptionFilter", GROUP),
    ],
    "RedriveRole": [Call("firehose:PutRecordBatch", STREAM)],
}


@pytest.mark.parametrize("role", CALLS)
def test_a_role_allows_what_its_function_calls_and_hardly_more(
    role: str, life: dict[str, Any]
) -> None:
    may = life["policies"][role]["may"]
    assert [call for call in CALLS[role] if not is_allowed(may, call)] == []
    # Also: its own log, and resources that are named after the stack alone.
    extra = {"Tell", "LetCloudWatchLogsPut", "FindBackups", "ReadBackups"}
    extra |= {"KeepForeignData", "KeepFailedCalls"}
    unused = [s for s in may if not any(s in deciding([s], call) for call in CALLS[role])]
    assert {statement["Sid"] for statement in unused} <= extra
    actions = [action for statement in may for action in listed(statement["Action"])]
    assert not [action for action in actions if "*" in action]
    assert not [statement for statement in may if "*" in listed(statement["Resource"])]


def listed(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value


def test_no_role_may_subscribe_a_group_that_is_not_cloudhsms(life: dict[str, Any]) -> None:
    other = Call("logs:PutSubscriptionFilter", (f"{LOGS}/aws/lambda/other:*",))
    for role in life["policies"].values():
        assert not is_allowed(role["may"], other)


@pytest.mark.parametrize(
    ("role", "service"),
    [
        ("StreamRole", "firehose"),
        ("SubscriptionRole", "logs"),
        ("TransformRole", "lambda"),
        ("SubscribeRole", "lambda"),
        ("RedriveRole", "lambda"),
    ],
)
def test_a_role_trusts_one_service(role: str, service: str, life: dict[str, Any]) -> None:
    (trust,) = life["policies"][role]["trust"]
    assert trust["Principal"] == {"Service": f"{service}.amazonaws.com"}
    # A service can be used by every account: only for this stack's resources in this one.
    condition = json.dumps(trust["Condition"])
    assert condition.count(f'"aws:SourceAccount": "{ACCOUNT}"') == 1
    assert f'"aws:SourceArn": "arn:aws:{service}:{REGION}:{ACCOUNT}:' in condition


def test_a_role_is_passed_to_cloudwatch_logs_only(life: dict[str, Any]) -> None:
    (statement,) = [
        statement
        for role in life["policies"].values()
        for statement in role["may"]
        if statement["Action"] == "iam:PassRole"
    ]
    assert statement["Condition"] == {"StringEquals": {"iam:PassedToService": "logs.amazonaws.com"}}


def test_every_key_is_used_through_one_service_only(template: dict[str, Any]) -> None:
    text = json.dumps(template["Resources"])
    statements = [part for part in text.split('{"Sid": ') if '"kms:Decrypt"' in part]
    assert len(statements) == 5
    assert all("kms:ViaService" in statement for statement in statements)


PROTECTED = {
    "Backup": ("ServerSideEncryptionConfiguration", "VersioningConfiguration", "ObjectLock"),
    "StreamLog": ("KmsKeyId",),
    "TransformLog": ("KmsKeyId",),
    "SubscribeLog": ("KmsKeyId",),
    "RedriveLog": ("KmsKeyId",),
    "Transform": ("KmsKeyArn", "ReservedConcurrentExecutions"),
    "Subscribe": ("KmsKeyArn", "DeadLetterConfig"),
    "Redrive": ("KmsKeyArn",),
    "FailedCalls": ("KmsMasterKeyId", "SqsManagedSseEnabled"),
}


@pytest.mark.parametrize("resource", PROTECTED)
def test_what_is_stored_can_be_protected_with_a_key_of_ones_own(
    resource: str, template: dict[str, Any]
) -> None:
    text = json.dumps(template["Resources"][resource])
    assert '"KmsKeyArn"' in text
    assert [name for name in PROTECTED[resource] if name not in text] == []


def test_no_rule_subscribes_again_while_the_stack_is_deleted(template: dict[str, Any]) -> None:
    for rule in ("EveryHour", "NewLogGroup"):
        assert template["Resources"][rule]["DependsOn"] == "Subscriptions"


def test_a_secret_under_a_key_of_ones_own_can_be_read(template: dict[str, Any]) -> None:
    role = template["Resources"]["StreamRole"]["Properties"]
    (policy,) = role["Policies"]
    optional = [s for s in policy["PolicyDocument"]["Statement"] if "Fn::If" in s]
    (condition, statement, otherwise) = optional[0]["Fn::If"]
    assert condition == "HasKey"
    assert (statement["Action"], statement["Resource"]) == (
        "kms:Decrypt",
        {"Ref": "HecTokenKeyArn"},
    )
    assert otherwise == {"Ref": "AWS::NoValue"}

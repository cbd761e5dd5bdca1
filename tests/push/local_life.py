"""The life of a stack in a local AWS, by the functions' own handlers and boto3.

    python local_life.py TEMPLATE.json ARCHIVE.zip URL     (with boto3; prints JSON)

The local AWS makes roles, functions, rules, log groups and buckets. It has no stream that leads to
Splunk: one that leads to S3 replaces it. It runs no functions: they run here.
"""

from __future__ import annotations

import ast
import base64
import io
import json
import os
import sys
import time
from contextlib import redirect_stdout
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

STACK, REGION, ACCOUNT = "cloudhsm-push", "us-east-1", "123456789012"
ARN = f"arn:aws:firehose:{REGION}:{ACCOUNT}:deliverystream/{STACK}"
GROUPS = ("/aws/cloudhsm/cluster-aaaaaaaaaaa", "/aws/cloudhsm/cluster-bbbbbbbbbbb")
NEW = "/aws/cloudhsm/cluster-ccccccccccc"
HSM = "hsm-nwbbiqbj4jk"
PARAMETERS = {
    "HecEndpoint": "https://splunk.example.com:8088",
    "HecTokenSecretArn": f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:hec-AbCdEf",
    "CodeBucket": "code",
    "CodeKey": "cloudhsm-push-1.0.0.zip",
}


Client = Any  # boto3's


def client(service: str) -> Client:
    """boto3 is installed with the local AWS only; the names above do not need it."""
    import boto3

    return boto3.client(service)


class LambdaContext:
    def get_remaining_time_in_millis(self) -> int:
        return 900_000


def main(template: str, archive: str, url: str) -> dict[str, Any]:
    from cloudhsm_push import redrive, subscribe, transform

    logs, s3 = client("logs"), client("s3")
    report: dict[str, Any] = {}
    _buckets(s3, archive)
    for group in (*GROUPS, "/aws/lambda/other"):
        logs.create_log_group(logGroupName=group)
    report["stack"] = _stack(template)

    event = _custom_resource("Create", report["stack"], url)
    report["created"] = subscribe.handler(event)
    report["outputs"] = _outputs()
    report["filters"] = _filters(logs)
    logs.create_log_group(logGroupName=NEW)
    detail = {"requestParameters": {"logGroupName": NEW}}
    report["new"] = subscribe.handler({"source": "aws.logs", "detail": detail})
    report["hourly"] = subscribe.handler({"source": "aws.events"})

    logs.create_log_stream(logGroupName=GROUPS[0], logStreamName=HSM)
    now = int(time.time() * 1000)
    sent = [{"timestamp": now, "message": text} for text in ("Time: first\n\u4e16", "second")]
    logs.put_log_events(logGroupName=GROUPS[0], logStreamName=HSM, logEvents=sent)
    envelopes = _kept(s3, "envelopes")
    batch = {"deliveryStreamArn": ARN, "region": REGION, "records": _records([*envelopes.values()])}
    answer = transform.handler(batch)["records"]
    report["results"] = [result["result"] for result in answer]
    report["body"] = b"".join(base64.b64decode(result["data"]) for result in answer).decode()

    failed = {"errorCode": "Splunk.InvalidToken", "rawData": answer[-1]["data"]}
    s3.put_object(Bucket="backup", Key="splunk-failed/2026/x", Body=json.dumps(failed).encode())
    report["redriven"] = redrive.handler({"prefix": "splunk-failed/"}, LambdaContext())
    kept = _kept(s3, "envelopes")
    report["again"] = [data.decode() for key, data in kept.items() if key not in envelopes]

    report["restored"], report["written"] = _restored(logs)
    report["policies"] = _policies()
    report["rules"] = _rules()
    report["deleted"] = subscribe.handler(_custom_resource("Delete", report["stack"], url))
    report["left"] = _filters(logs)
    return report


def _restored(logs: Client) -> tuple[list[dict[str, Any]], list[tuple[int, str]]]:
    """What is reported when a filter is removed, by a call and by the schedule; log events."""
    from cloudhsm_push import cloudwatch, subscribe

    removed = {"logGroupName": GROUPS[0], "filterName": STACK}
    at = datetime.now(timezone.utc).replace(microsecond=0) + timedelta(seconds=1)
    logs.delete_subscription_filter(**removed)
    sent = [{"timestamp": int(at.timestamp() * 1000) + 500, "message": "not sent"}]
    logs.put_log_events(logGroupName=GROUPS[0], logStreamName=HSM, logEvents=sent)
    detail = {
        "eventName": "DeleteSubscriptionFilter",
        "eventTime": at.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "requestParameters": removed,
    }
    lines = io.StringIO()
    with redirect_stdout(lines):
        subscribe.handler({"source": "aws.logs", "detail": detail})
        logs.delete_subscription_filter(**removed)
        later = time.time() + 3 * 3600  # the group is no new one then
        scope = subscribe.scope_from(os.environ)
        subscribe.handled({"source": "aws.events"}, cloudwatch.CloudWatchLogs(logs), scope, later)
    assert _filters(logs)[GROUPS[0]] == [STACK]
    events = logs.filter_log_events(logGroupName=GROUPS[0])["events"]
    written = [(event["timestamp"], event["message"]) for event in events]
    return [json.loads(line) for line in lines.getvalue().splitlines()], written


def _buckets(s3: Client, archive: str) -> None:
    for name in ("code", "envelopes", "backup"):
        s3.create_bucket(Bucket=name)
    data = Path(archive).read_bytes()
    s3.put_object(Bucket="code", Key=PARAMETERS["CodeKey"], Body=data)
    client("firehose").create_delivery_stream(
        DeliveryStreamName=STACK,
        ExtendedS3DestinationConfiguration={
            "RoleARN": f"arn:aws:iam::{ACCOUNT}:role/x",
            "BucketARN": "arn:aws:s3:::envelopes",
        },
    )


def _stack(template: str) -> str:
    parameters = [{"ParameterKey": k, "ParameterValue": v} for k, v in PARAMETERS.items()]
    made = client("cloudformation").create_stack(
        StackName=STACK,
        TemplateBody=Path(template).read_text("utf-8"),
        Capabilities=["CAPABILITY_IAM"],
        Parameters=parameters,
    )
    return str(made["StackId"])


def _custom_resource(request: str, stack: str, url: str) -> dict[str, Any]:
    return {
        "RequestType": request,
        "ResponseURL": f"{url}/cloudformation_{REGION}/cfnresponse?stack={stack}",
        "StackId": stack,
        "RequestId": "1",
        "LogicalResourceId": "Subscriptions",
        "ResourceProperties": {"LogGroupPrefix": "/aws/cloudhsm/"},
    }


def _outputs() -> dict[str, str]:
    (stack,) = client("cloudformation").describe_stacks(StackName=STACK)["Stacks"]
    outputs = {output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs", ())}
    return {"status": stack["StackStatus"], **outputs}


def _filters(logs: Client) -> dict[str, list[str]]:
    return {
        group: [
            row["filterName"]
            for row in logs.describe_subscription_filters(logGroupName=group)["subscriptionFilters"]
        ]
        for group in (*GROUPS, "/aws/lambda/other")
    }


def _kept(s3: Client, bucket: str) -> dict[str, bytes]:
    return {
        entry["Key"]: s3.get_object(Bucket=bucket, Key=entry["Key"])["Body"].read()
        for entry in s3.list_objects_v2(Bucket=bucket).get("Contents", ())
    }


def _records(data: list[bytes]) -> list[dict[str, str]]:
    return [
        {"recordId": str(n), "data": base64.b64encode(raw).decode()} for n, raw in enumerate(data)
    ]


def _policies() -> dict[str, dict[str, Any]]:
    """By the logical name of the role: whom it trusts, and what it may."""
    iam, policies = client("iam"), {}
    stack = client("cloudformation").describe_stack_resources(StackName=STACK)
    for resource in stack["StackResources"]:
        if resource["ResourceType"] != "AWS::IAM::Role":
            continue
        role = resource["PhysicalResourceId"]
        (name,) = iam.list_role_policies(RoleName=role)["PolicyNames"]
        document = iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"]
        trust = iam.get_role(RoleName=role)["Role"]["AssumeRolePolicyDocument"]
        policies[resource["LogicalResourceId"]] = {
            "may": _statements(document),
            "trust": _statements(trust),
        }
    return policies


def _statements(document: str | dict[str, Any]) -> list[dict[str, Any]]:
    """The local AWS shows an inline policy of a stack as Python prints it, NoValue as None."""
    read = ast.literal_eval(document) if isinstance(document, str) else document
    return [statement for statement in read["Statement"] if statement is not None]


def _rules() -> list[dict[str, Any]]:
    events = client("events")
    return [
        {
            "schedule": rule.get("ScheduleExpression"),
            "pattern": rule.get("EventPattern"),
            "targets": [
                t["Arn"] for t in events.list_targets_by_rule(Rule=rule["Name"])["Targets"]
            ],
        }
        for rule in events.list_rules()["Rules"]
    ]


if __name__ == "__main__":
    os.environ.update(
        AWS_ENDPOINT_URL=sys.argv[3],
        AWS_DEFAULT_REGION=REGION,
        LOG_GROUP_PREFIX="/aws/cloudhsm/",
        EXCLUDED_LOG_GROUPS="",
        FILTER_NAME=STACK,
        DESTINATION_ARN=ARN,
        ROLE_ARN=f"arn:aws:iam::{ACCOUNT}:role/subscription",
        BUCKET="backup",
        STREAM_ARN=ARN,
    )
    print("\n" + json.dumps(main(*sys.argv[1:])))

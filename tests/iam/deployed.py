"""Our templates in a local AWS: stacks made there, and the policies that came of them."""

from __future__ import annotations

import json
import urllib.request
import xml.etree.ElementTree as ET
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlencode

TEMPLATES = Path(__file__).resolve().parents[2] / "iam"
ACCOUNT = "123456789012"  # of whoever asks the local AWS
_VERSIONS = {"cloudformation": "2010-05-15", "iam": "2010-05-08"}


def deploy(url: str, template: str, **parameters: str) -> dict[str, str]:
    """Make a stack of a template; its outputs."""
    form = {
        "StackName": template,
        "TemplateBody": (TEMPLATES / f"{template}.yaml").read_text(encoding="utf-8"),
        "Capabilities.member.1": "CAPABILITY_NAMED_IAM",
    }
    for number, (name, value) in enumerate(parameters.items(), 1):
        form[f"Parameters.member.{number}.ParameterKey"] = name
        form[f"Parameters.member.{number}.ParameterValue"] = value
    _ask(url, "cloudformation", "CreateStack", form)
    answer = _ask(url, "cloudformation", "DescribeStacks", {"StackName": template})
    status = answer.findtext(".//{*}StackStatus")
    assert status == "CREATE_COMPLETE", status
    return {
        str(one.findtext("{*}OutputKey")): str(one.findtext("{*}OutputValue"))
        for one in answer.findall(".//{*}Outputs/{*}member")
    }


def policy(url: str, arn: str) -> list[dict[str, Any]]:
    """The statements of a managed policy."""
    asked = {"PolicyArn": arn, "VersionId": "v1"}
    answer = _ask(url, "iam", "GetPolicyVersion", asked)
    return _statements(answer.findtext(".//{*}Document") or "")


def trust(url: str, role: str) -> list[dict[str, Any]]:
    """The statements of a role's trust policy."""
    answer = _ask(url, "iam", "GetRole", {"RoleName": role})
    return _statements(answer.findtext(".//{*}AssumeRolePolicyDocument") or "")


def attached(url: str, role: str) -> list[str]:
    """The ARNs of the managed policies of a role."""
    answer = _ask(url, "iam", "ListAttachedRolePolicies", {"RoleName": role})
    return [str(one.text) for one in answer.findall(".//{*}PolicyArn")]


def _statements(document: str) -> list[dict[str, Any]]:
    text = document if document.startswith("{") else unquote(document)
    return list(json.loads(text)["Statement"])


def _ask(url: str, service: str, action: str, form: Mapping[str, str]) -> ET.Element:
    body = urlencode({"Action": action, "Version": _VERSIONS[service], **form}).encode()
    scope = f"AWS4-HMAC-SHA256 Credential=x/20260101/us-east-1/{service}/aws4_request"
    headers = {"Authorization": scope, "Content-Type": "application/x-www-form-urlencoded"}
    request = urllib.request.Request(url, body, headers)  # noqa: S310  (loopback)
    with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310
        return ET.fromstring(answer.read())

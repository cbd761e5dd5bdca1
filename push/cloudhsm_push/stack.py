"""What CloudFormation is told of the subscriptions: a custom resource's answer.

Source: AWS CloudFormation User Guide, "Custom resource response objects" (at most 4,096 bytes).
"""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Callable
from typing import Any

_LONGEST = 1_500


def told(event: dict[str, Any], change: Callable[[], list[str]]) -> dict[str, object]:
    """Make the change and tell how it went; whatever happens, CloudFormation gets an answer.

    change: returns the log groups, or raises with what the administrator must read.
    """
    try:
        groups = change()
        said: dict[str, object] = {"Status": "SUCCESS", "Data": _data(groups)}
    except Exception as error:  # noqa: BLE001  (without an answer the stack hangs for an hour)
        said = {"Status": "FAILED", "Reason": (str(error) or repr(error))[:_LONGEST]}
    answer = {
        # Of the stack, so that an update of the resource is no other resource.
        "PhysicalResourceId": event.get("PhysicalResourceId") or event["LogicalResourceId"],
        **{key: event[key] for key in ("StackId", "RequestId", "LogicalResourceId")},
        **said,
    }
    _put(event["ResponseURL"], json.dumps(answer).encode())
    return answer


def _data(groups: list[str]) -> dict[str, str]:
    names = ", ".join(groups)
    text = names if len(names) <= _LONGEST else names[:_LONGEST] + ", ..."
    return {"Count": str(len(groups)), "LogGroups": text or "none yet"}


def _put(url: str, body: bytes) -> None:
    # The URL is signed for requests without a content type.
    request = urllib.request.Request(url, body, {"Content-Type": ""}, method="PUT")  # noqa: S310
    with urllib.request.urlopen(request, timeout=30):  # noqa: S310
        pass

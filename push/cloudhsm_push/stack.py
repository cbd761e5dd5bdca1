"""What CloudFormation is told of the subscriptions: a custom resource's answer.

Source: AWS CloudFormation User Guide, "Custom resource response objects" (at most 4,096 bytes).
"""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Callable
from typing import Any

_LONGEST = 1_400  # bytes


def told(event: dict[str, Any], change: Callable[[], tuple[list[str], str]]) -> dict[str, object]:
    """Make the change and tell how it went; whatever happens, CloudFormation gets an answer.

    change: returns the log groups and what the administrator must read of others, or raises it.
    """
    try:
        said: dict[str, object] = {"Status": "SUCCESS", "Data": _data(*change())}
    except Exception as error:  # noqa: BLE001  (without an answer the stack hangs for an hour)
        said = {"Status": "FAILED", "Reason": _cut(str(error) or repr(error))}
    answer = {
        # Of the stack, so that an update of the resource is no other resource.
        "PhysicalResourceId": event.get("PhysicalResourceId") or event["LogicalResourceId"],
        **{key: event[key] for key in ("StackId", "RequestId", "LogicalResourceId")},
        **said,
    }
    _put(event["ResponseURL"], json.dumps(answer, ensure_ascii=False).encode())
    return answer


def _data(groups: list[str], faults: str) -> dict[str, str]:
    return {
        "Count": str(len(groups)),
        "LogGroups": _cut(", ".join(groups)) or "none yet",
        "NotSubscribed": _cut(faults) or "none",
    }


def _cut(text: str) -> str:
    data = text.encode(errors="replace")
    return text if len(data) <= _LONGEST else data[:_LONGEST].decode(errors="ignore") + " ..."


def _put(url: str, body: bytes) -> None:
    # The URL is signed for requests without a content type.
    request = urllib.request.Request(url, body, {"Content-Type": ""}, method="PUT")  # noqa: S310
    with urllib.request.urlopen(request, timeout=30):  # noqa: S310
        pass

"""The response of the subscriptions' custom resource to CloudFormation.

Source: AWS CloudFormation User Guide, "Custom resource response objects" (at most 4,096 bytes).
"""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Callable
from typing import Any

_LONGEST = 1_400  # bytes

# Returns the log groups and the faults of others for the administrator, or raises the faults.
Change = Callable[[], tuple[list[str], str]]


def respond(event: dict[str, Any], change: Change) -> dict[str, object]:
    """Make the change and send its result to CloudFormation, also after an error."""
    try:
        status: dict[str, object] = {"Status": "SUCCESS", "Data": _data(*change())}
    except Exception as error:  # noqa: BLE001  (without a response the stack hangs for an hour)
        status = {"Status": "FAILED", "Reason": _cut(str(error) or repr(error))}
    response = {
        # The stack's own ID, so that an update does not replace the resource.
        "PhysicalResourceId": event.get("PhysicalResourceId") or event["LogicalResourceId"],
        **{key: event[key] for key in ("StackId", "RequestId", "LogicalResourceId")},
        **status,
    }
    _put(event["ResponseURL"], json.dumps(response, ensure_ascii=False).encode())
    return response


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

"""Refusals of AWS that no retry resolves: somebody has to change something in AWS first. Pure.

AWS states most of them in a message only, so they are recognized by code and by words. Sources: IAM
User Guide, "Troubleshoot access denied error messages"; CloudWatch Logs API Reference, errors and
log classes; CloudWatch Logs User Guide, "Encrypt log data using AWS KMS".
"""

from __future__ import annotations

import re
from typing import NamedTuple

from cloudhsm.base.errors import AccessDenied, CloudHsmError, Place, RefusedUntilChanged


class _Refusal(NamedTuple):
    """What is recognized, and what to do about it."""

    codes: re.Pattern[str]
    message: re.Pattern[str]
    what: str
    next_step: str


def _words(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.IGNORECASE)


_ANY = re.compile("")
_DENIED = _words("AccessDenied|UnauthorizedOperation|AuthorizationError")
_IAM_IS_NOT_ENOUGH = "No statement in an IAM policy helps"

_REFUSALS = (
    _Refusal(
        _words(r"OptInRequired|SubscriptionRequired"),
        _ANY,
        "The account has not turned on this Region or service",
        "Turn on the Region in AWS account management, or correct aws_region",
    ),
    _Refusal(
        _words(r"^KMS\w+"),
        _ANY,
        "The KMS key of the log group cannot be used",
        "Enable the key, and allow CloudWatch Logs of the Region to use it in the key policy",
    ),
    _Refusal(
        _ANY,
        _words(r"\bkms:\w|KMS key|encryption key"),
        "The KMS key of the log group cannot be used",
        "Enable the key, and allow CloudWatch Logs of the Region and this identity (kms:Decrypt) "
        "in the key policy",
    ),
    _Refusal(
        _ANY,
        _words(r"log ?group class|log class|INFREQUENT_ACCESS"),
        "The class of the log group does not support reading events",
        "CloudHSM's groups have the class STANDARD: correct log_groups, or create the group again",
    ),
    _Refusal(
        _ANY,
        _words(r"data protection policy"),
        "A data protection policy of the log group masks its records",
        "Exclude /aws/cloudhsm/ from the policy: a masked record is no evidence",
    ),
    _Refusal(
        _DENIED,
        _words(r"service control policy"),
        "A service control policy of the organization denies it",
        f"{_IAM_IS_NOT_ENOUGH}: ask the organization's administrator to change that policy",
    ),
    _Refusal(
        _DENIED,
        _words(r"resource control policy"),
        "A resource control policy of the organization denies it",
        f"{_IAM_IS_NOT_ENOUGH}: ask the organization's administrator to change that policy",
    ),
    _Refusal(
        _DENIED,
        _words(r"permissions boundary"),
        "The permissions boundary of the identity denies it",
        "Allow the action in the permissions boundary too, or remove the boundary",
    ),
    _Refusal(
        _DENIED,
        _words(r"VPC endpoint policy"),
        "The policy of the VPC endpoint denies it",
        f"{_IAM_IS_NOT_ENOUGH}: allow the action in the endpoint's policy",
    ),
    _Refusal(
        _DENIED,
        _words(r"session policy"),
        "The session policy of the role denies it",
        "Allow the action in the policy that is passed when the role is assumed",
    ),
    _Refusal(
        _DENIED,
        _words(r"explicit deny"),
        "A policy denies it explicitly",
        "An explicit deny overrides every Allow: change the policy that contains it",
    ),
)


def refusal(code: str, message: str, action: str, place: Place) -> CloudHsmError | None:
    """The error for a refusal that lasts until something is changed; None for any other one.

    It is an AccessDenied where a policy denies, so that it is treated as one everywhere.
    """
    for known in _REFUSALS:
        if known.codes.search(code) and known.message.search(message):
            denies = known.codes is _DENIED
            kind = AccessDenied if denies else RefusedUntilChanged
            resource = place.group or "log groups of this Region"
            return kind(
                f"AWS refuses {action} on {resource} until this is changed. {known.what}: "
                f"{code}: {message}",
                place=place,
                next_step=known.next_step,
            )
    return None


def is_lasting(error: CloudHsmError) -> bool:
    """Whether `refusal` made it: only its table has these next steps."""
    return any(error.next_step == known.next_step for known in _REFUSALS)

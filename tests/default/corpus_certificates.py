"""Records of the certificate store: every operation with every answer, indented and on one line.

The field names, operations and answers are AWS's (user guide, "PKCS #11 certificate storage audit
logs"); only a created and a destroyed object are published in full.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

from tests.default.corpus import Corpus, Sample, usecs_of

OPERATIONS = ("CreateObject", "DestroyObject", "SetAttributeValues")
ANSWERS = (
    "OK",
    "DuplicateAttribute",
    "InvalidAttributeValue",
    "ObjectNotFound",
    "MaxObjectsReached",
    "InternalFailure",
)
_HANDLE = 463180677312929947  # as published; above 2^53


def corpora() -> Iterator[Corpus]:
    """One file."""
    yield Corpus("certificates", [*_samples()], "aws:cloudhsm:certificate")


def _samples() -> Iterator[Sample]:
    for operation in OPERATIONS:
        for answer in ANSWERS:
            yield _sample(operation, answer, None)
    yield _sample("SetAttributeValues", "OK", ["Label"])
    yield _sample("SetAttributeValues", "InvalidAttributeValue", ["Label", "Id"])
    yield _sample("CreateObject", "OK", None, indented=False)
    yield _sample("SetAttributeValues", "OK", ["Label", "Id"], indented=False)
    yield _sample("RotateObject", "OK", None)
    yield _sample("CreateObject", "AnswerOfTomorrow", None)


def _sample(
    operation: str, answer: str, attributes: list[str] | None, *, indented: bool = True
) -> Sample:
    """An object that could not be created has no handle."""
    what = ",".join(attributes or ["no attributes"])
    name = f"{operation} {answer} {what} {'indented' if indented else 'on one line'}"
    record = {
        "object_handle": None if (operation, answer != "OK") == ("CreateObject", True) else _HANDLE,
        "op_code": operation,
        "response": answer,
        "attributes": attributes,
        "timestamp": usecs_of(name) // 1000,
    }
    return Sample(name, json.dumps(record, indent=4 if indented else None))

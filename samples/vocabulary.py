"""Words for what records print in code: how a scene names operations, responses and user types.

Names are those of `mappings/operations.yaml`, `responses.yaml`, `user_types.yaml` and
`command_types.yaml`; a test proves that each of them can be written. Numbers come from
`samples.codes`. Where AWS gives a name without a number, the number is a stand-in here too:
opcodes from 0x9F00, responses from 9100, user types from 90.
"""

from __future__ import annotations

import csv
import difflib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TypeVar

from samples import codes
from samples.codes import Coded, Response

T = TypeVar("T")

_LOOKUP = Path(__file__).resolve().parents[1] / "lookups" / "cloudhsm_opcodes.csv"
_USER_TYPES = (codes.CRYPTO_USER, codes.CRYPTO_OFFICER, codes.APPLIANCE_USER, codes.PRE_OFFICER)
# Numbers 3 and 4 are public (the list of names in the vendor's own utility); the last is not.
_OTHER_USER_TYPES = (Coded("PCO", 3), Coded("HMCO", 4))
_SECOND_FACTOR = Coded("CN_2FA_CRYPTO_USER", 90, public=False)
_COMMAND_TYPES = (codes.MGMT_CMD, codes.CERT_AUTH_CMD, codes.TIME_INFO_CMD, codes.SPECIAL_CMD)

# Responses that AWS's tools or other people's logs show, all without a number.
_OTHER_RESPONSES = {
    "already_created": "This user is already created",
    "already_logged_in": "This type of user has already logged in",
    "invalid_input": "Invalid input data/params",
    "key_not_found": "Key not found or Invalid key handle is passed to this operation",
    "no_such_user": "This user does not exist",
    "other_type_logged_in": "Other type of user has already logged in",
}


def _opcodes() -> dict[str, Coded]:
    known = [(coded.name, coded) for coded in vars(codes).values() if isinstance(coded, Coded)]
    opcodes = {
        name: coded for name, coded in known if name.startswith("CN_") or name.endswith("OPCODE")
    }
    for kind in (*_USER_TYPES, *_COMMAND_TYPES):
        opcodes.pop(kind.name, None)
    for number, name in enumerate(_not_used_by_routines(opcodes)):
        opcodes[name] = Coded(name, 0x9F00 + number, public=False)
    return opcodes


def _not_used_by_routines(used: Mapping[str, Coded]) -> Iterator[str]:
    """The other operations of an HSM in the shipped lookup."""
    with _LOOKUP.open(encoding="utf-8", newline="") as lookup:
        for row in csv.DictReader(lookup):
            name = row["opcode_key"]
            if name not in {*used, "(none)", "*"} and row["category"] != "Certificate Storage":
                yield name


OPCODES: Mapping[str, Coded] = _opcodes()
USER_TYPES: Mapping[str, Coded] = {
    coded.name: coded for coded in (*_USER_TYPES, *_OTHER_USER_TYPES, _SECOND_FACTOR)
}
COMMAND_TYPES: Mapping[str, Coded] = {coded.name: coded for coded in _COMMAND_TYPES}
OPERATIONS: Mapping[str, Coded] = {coded.name: coded for coded in (codes.SHARE, codes.UNSHARE)}
RESPONSES: Mapping[str, Response] = {
    "success": codes.SUCCESS,
    "busy": codes.BUSY,
    "invalid_handle": codes.INVALID_HANDLE,
    "key_access_denied": codes.KEY_ACCESS_DENIED,
    "login_failure": codes.LOGIN_FAILURE,
    "policy": codes.POLICY_VIOLATION,
    "quorum_missing": codes.QUORUM_MISSING,
    "user_not_initialised": codes.USER_NOT_INITIALISED,
    "user_unknown": codes.USER_UNKNOWN,
    "wrong_user_type": codes.INVALID_USER_TYPE,
    **{
        word: Response(9100 + number, f"HSM Error: {text}", public=False)
        for number, (word, text) in enumerate(_OTHER_RESPONSES.items())
    },
}
CERTIFICATE_OPERATIONS = ("CreateObject", "DestroyObject", "SetAttributeValues")
CERTIFICATE_RESPONSES: Mapping[str, str] = {
    "success": "OK",
    **{
        text: text
        for text in (
            "DuplicateAttribute",
            "InternalFailure",
            "InvalidAttributeValue",
            "MaxObjectsReached",
            "ObjectNotFound",
        )
    },
}


def response(word: str) -> Response:
    """A response by its word, or by its text as `mappings/responses.yaml` has it (both exact).

    Raises ValueError for any other word.
    """
    for known in RESPONSES.values():
        if known.text.partition(": ")[2] == word:
            return known
    return look_up("response", word, RESPONSES)


def look_up(key: str, word: str, known: Mapping[str, T]) -> T:
    """What `word` stands for. Raises ValueError that names the key, the word and what is known."""
    if word not in known:
        raise ValueError(f"{key}: {no_such(word, known)}")
    return known[word]


def no_such(word: str, known: Iterable[str]) -> str:
    """The message that a word is not known, with the closest word or else all known words."""
    names = sorted(known)
    near = difflib.get_close_matches(word, names, 1)
    return f"{word!r} is not known; " + (
        f"is it {near[0]}?" if near else f"one of {', '.join(names)}"
    )

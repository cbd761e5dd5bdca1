"""How a record begins, and when its text is complete. Pure.

The first line up to the digits after `usecs:` is longer than the 31 characters that a user name may
have. So it cannot be part of a name, as in LINE_BREAKER of default/props.conf. A data protection
policy of CloudWatch Logs may have replaced the digits by asterisks.
"""

from __future__ import annotations

import re

# Characters of a text that is evaluated at once: a record has some hundred, and the memory that the
# rules take grows with it.
MOST_RECORD = 1 << 17
MOST_NAME = 31  # characters of a user name, by the HSM

FIRST_LINE = r"Time:[ \t]?\d\d/\d\d/\d\d \d\d:\d\d:\d\d\.\d{1,6}, ?usecs:[\d*]"
HEAD = re.compile(FIRST_LINE)
_CERTIFICATE_KEYS = {"timestamp", "object_handle", "attributes"}
_CERTIFICATE = re.compile(
    r'\{(?=[\s\S]*"op_code")(?=[\s\S]*"(?:timestamp|object_handle|attributes)")'
)
_ENDS_IN_NAME = re.compile(r"(?:^|[\r\n])(?:Target )?User Name[ \t]*:[^\r\n]*[\r\n]*\Z")
# A line of a record, whatever its layout.
RECORD_LINE = re.compile(
    r"(?:Time|Version No|Sequence No|Reboot counter|Opcode|Command Type\(hex\)|User id|Response|"
    r"Session Handle|Log type|(?:Priv/Secret |Public )?Key Handle|local time|host time|Mechanism|"
    r"propagation delay|(?:Target )?User (?:Name|Type|id)|Mfa enabled|Operation|Number of Users|"
    r"UserIDs)[ \t]*:"
)
# Line ends as JSON, rsyslog and others escape them, between the first line and the next.
_ESCAPED_END = re.compile(
    r"usecs:[\d*]{1,20}(?P<end>(?:\\r)?\\n|\\\\n|(?:#015)?#012|\\x0a|\\u000a|(?:\\015)?\\012|<br/?>)"
    r"(?=(?:Version|Sequence) No)"
)
_ESCAPE = re.compile(r"\\(u[0-9a-fA-F]{4}|[\\/\"'nrt])")
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t"}


def begins_record(text: str) -> bool:
    """Whether a text starts as an HSM's record or a certificate-storage record does."""
    begin = text[:80].lstrip()
    if begin[:5] == "Time:":
        return HEAD.match(text.lstrip()) is not None
    return begin[:1] == "{" and is_certificate(text)


def is_certificate(text: str) -> bool:
    """Whether a text is the JSON of a certificate-storage record."""
    return len(text) <= MOST_RECORD and _CERTIFICATE.match(text.lstrip()) is not None


def is_certificate_object(value: object) -> bool:
    """The same for decoded JSON."""
    return (
        isinstance(value, dict) and "op_code" in value and not _CERTIFICATE_KEYS.isdisjoint(value)
    )


def is_complete(text: str) -> bool:
    """Whether another record may follow a text: not while a user name may go on."""
    return _ENDS_IN_NAME.search(text[-400:]) is None


def unescaped(text: str) -> str:
    """A record in one line with its line ends again, if they were escaped; else the same text."""
    if "\n" in text:
        return text
    end = _ESCAPED_END.search(text, 0, 200)
    if end is None:
        return text
    mark = end["end"]
    if mark.startswith("\\") and mark in (r"\n", r"\r\n"):
        return _ESCAPE.sub(_character, text)
    return text.replace(mark, "\n")


def _character(escape: re.Match[str]) -> str:
    code = escape[1]
    return chr(int(code[1:], 16)) if code[0] == "u" else _ESCAPES.get(code, code)

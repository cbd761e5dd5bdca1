"""Secrets are replaced by `***`, in texts and in lines of `key=value` pairs. Pure.

By value where the value is known (`conceal`), otherwise by the name next to it or by its form.
"""

from __future__ import annotations

import json
import re
from urllib.parse import quote

from cloudhsm.base.errors import pair

HIDDEN = "***"

_TELLTALE = (
    r"secret[\w-]{0,20}|session_?key|pass(?:word|wd)|pass4symmkey|(?:proxy-)?authorization\w{0,20}|"
    r"(?<!next)(?<!expired)(?<!invalid)token|(?<![a-z])signature"
)
_NAMED = re.compile(
    rf"""(?isx)
    (?P<name>{_TELLTALE})
    (?P<to>(?:\\*["'])?\s*[=:>]\s*|\\*["']\s*,\s*(?=b?\\*["']))
    (?:b?(?P<quote>\\*["'])(?:(?!(?P=quote))(?:\\.|.))*(?:(?P=quote)|\Z)
      |(?<=uthorization:\s)[^\r\n"']+
      |(?<=uthorization[:=])[^\r\n"']+
      |[^\s,;&"'<>)}}\]\\]+)
    """
)
_FORMS = (
    re.compile(r"""AWS4-HMAC-SHA256\s+Credential=[^\r\n"']*"""),
    re.compile(r"(?i)\b(?:Splunk|Bearer|Basic)\s+[A-Za-z0-9+/=._~^-]{20,}"),
    re.compile(r"\b(?:IQoJ|FwoG|FQoG)[A-Za-z0-9+/=%]{60,}"),  # how session tokens of STS begin
    # A secret access key: 40 characters of Base64 in which everything occurs.
    re.compile(
        r"(?<![\w+/=.-])(?=[\w+/]{0,39}\d)(?=[\w+/]{0,39}[a-z])(?=[\w+/]{0,39}[A-Z])"
        r"[A-Za-z0-9+/]{40}(?![\w+/=.-])",
        re.ASCII,
    ),
)
# The stanza's own name looks like a URL too.
_USER_INFO = re.compile(r"""(?<!aws_cloudhsm)://[^\s"'<>]{0,500}@""")
_PAIR = re.compile(r"""([A-Za-z0-9_]+)=(?:("(?:[^"\\]|\\.)*")|([^\s"]+))""")
PAIRS = re.compile(rf"(?:{_PAIR.pattern})(?: {_PAIR.pattern})*")

_concealed: set[str] = set()


def conceal(*secrets: str | None) -> None:
    """Hide these values from now on, wherever they turn up; too short ones are no secrets."""
    for secret in secrets:
        if secret and len(secret) >= 4:
            _concealed.update((secret, quote(secret, safe=""), json.dumps(secret)[1:-1]))


def redacted(text: str) -> str:
    """The text with `***` in place of every secret in it."""
    for secret in sorted(_concealed, key=len, reverse=True):
        text = text.replace(secret, HIDDEN)
    text = _NAMED.sub(rf"\g<name>\g<to>\g<quote>{HIDDEN}\g<quote>", text)
    for form in _FORMS:
        text = form.sub(HIDDEN, text)
    return _USER_INFO.sub(f"://{HIDDEN}@", text)


def redacted_pairs(message: str) -> str:
    """Value by value, so that the quotes around one stay where they are."""
    return _PAIR.sub(_redacted_pair, message)


def _redacted_pair(found: re.Match[str]) -> str:
    name, quoted, plain = found.groups()
    if re.fullmatch(_TELLTALE, name, re.IGNORECASE):
        return f"{name}={HIDDEN}"
    try:
        value = json.loads(quoted) if quoted else plain
    except ValueError:  # quoted, but not by `pair`
        value = quoted
    return pair(name, redacted(value))

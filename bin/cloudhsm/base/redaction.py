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
    r"secret[\w-]{0,20}|session_?key|pass(?:word|wd|phrase)|pass4symmkey|(?<![a-z])pwd|"
    r"(?:proxy-)?authorization\w{0,20}|(?:set-)?cookie|saml(?:response|request|art)|webhook\w{0,20}|"
    r"(?:api|private|account|access)[_-]?key(?![_-]?id)|external[_-]?id|assertion|"
    r"(?<!next)(?<!expired)(?<!invalid)token|(?<![a-z])signature"
)
_NAMED = re.compile(
    rf"""(?isx)
    (?P<name>{_TELLTALE})
    (?P<to>(?:\\*["'])?\s*[=:>]\s*|\\*["']\s*,\s*(?=b?\\*["']))
    (?:b?(?P<quote>\\*["'])(?:(?!(?P=quote))(?:\\.|.))*(?:(?P=quote)|\Z)
      |(?<=uthorization:\s)[^\r\n"']+
      |(?<=ookie:\s)[^\r\n"']+
      |(?<=uthorization[:=])[^\r\n"']+
      |[^\s,;&"'<>)}}\]\\]+)
    """
)
# An option of a command and its value: `--seed-passwd X`, `--external-id=X`, `-auth admin:X`.
_OPTION = re.compile(
    r"""(?i)(?P<name>(?<!\S)--?(?:[a-z-]{0,40}(?:passw(?:or)?d|passphrase|pwd|secret(?:-key)?|"""
    r"""external-id|(?:api|access)-key)|auth)(?:\s+|=))(?:"[^"]*"|'[^']*'|[^\s"']+)"""
)
_FORMS = (
    re.compile(r"""AWS4-HMAC-SHA256\s+Credential=[^\r\n"']*"""),
    re.compile(r"(?i)\b(?:Splunk|Bearer|Basic)\s+[A-Za-z0-9+/=._~^-]{20,}"),
    re.compile(r"\beyJ[\w-]{5,}\.[\w-]{5,}(?:\.[\w-]*)?", re.ASCII),  # a JSON Web Token
    re.compile(r"-----BEGIN [A-Z ]{0,20}PRIVATE KEY-----[^-]*(?:-----END [A-Z ]{0,20}-----)?"),
    re.compile(  # addresses that are secrets themselves
        r"""(?i)https?://[^\s"'<>]{0,200}(?:webhook|hooks\.|/hooks?/|/services/T|/integration/)"""
        r"""[^\s"'<>]*"""
    ),
    re.compile(  # tokens of GitHub, GitLab, Slack, Google, HashiCorp Vault and others
        r"\b(?:gh[pousr]_|github_pat_|glpat-|xox[abeprs]-|xapp-|sk-|AIza|hvs\.|npm_|pypi-)"
        r"[\w-]{16,}",
        re.ASCII,
    ),
    # Base64 of more than a digest, in which everything occurs.
    re.compile(
        r"(?<![\w+/=])(?=[\w+/]{0,59}\d)(?=[\w+/]{0,59}[a-z])(?=[\w+/]{0,59}[A-Z])"
        r"[A-Za-z0-9+/]{60,}={0,2}(?![\w+/=])",
        re.ASCII,
    ),
    re.compile(r"\b(?:IQoJ|FwoG|FQoG)[A-Za-z0-9+/=%]{60,}"),  # how session tokens of STS begin
    # A secret access key: 40 characters of Base64 in which everything occurs, also next to a sign.
    re.compile(
        r"(?<![A-Za-z0-9+])(?=[\w+/]{0,39}\d)(?=[\w+/]{0,39}[a-z])(?=[\w+/]{0,39}[A-Z])"
        r"[A-Za-z0-9+/]{40}(?![A-Za-z0-9+])",
        re.ASCII,
    ),
)
# The stanza's own name looks like a URL too.
_USER_INFO = re.compile(r"""(?<!aws_cloudhsm)://[^\s"'<>]{0,500}@""")
_PAIR = re.compile(r"""([A-Za-z0-9_]+)=(?:("(?:[^"\\]|\\.)*")|([^\s"]+))""")
PAIRS = re.compile(rf"(?:{_PAIR.pattern})(?: {_PAIR.pattern})*")

# Names that a secret follows, in one text.
_NAMES = (
    "secret session_key sessionkey password passwd passphrase pass4symmkey pwd cookie "
    "authorization samlresponse webhook api_key private_key account_key access_key external_id "
    "assertion token signature --seed-passwd --auth aws4-hmac-sha256 credential bearer splunk basic"
)
_concealed: set[str] = set()


def conceal(*secrets: str | None) -> None:
    """Hide these values from now on, wherever they turn up; too short ones are no secrets."""
    for secret in secrets:
        if secret and len(secret) >= 4:
            _concealed.update((secret, quote(secret, safe=""), json.dumps(secret)[1:-1]))


def redacted(text: str) -> str:
    """The text with `***` in place of every secret in it."""
    known = sorted(_concealed, key=len, reverse=True)
    # A secret such as "pass" is part of names by which others are found: it is replaced last.
    late = [secret for secret in known if secret.lower() in _NAMES]
    text = _without(text, [secret for secret in known if secret not in late])
    text = _NAMED.sub(rf"\g<name>\g<to>\g<quote>{HIDDEN}\g<quote>", text)
    text = _OPTION.sub(rf"\g<name>{HIDDEN}", text)
    for form in _FORMS:
        text = form.sub(HIDDEN, text)
    return _without(_USER_INFO.sub(f"://{HIDDEN}@", text), late)


def _without(text: str, secrets: list[str]) -> str:
    for secret in secrets:
        text = text.replace(secret, HIDDEN)
    return text


def redacted_pairs(message: str) -> str:
    """Value by value, so that the quotes around one stay where they are."""
    return _PAIR.sub(_redacted_pair, message)


def _redacted_pair(match: re.Match[str]) -> str:
    name, quoted, plain = match.groups()
    if re.fullmatch(_TELLTALE, name, re.IGNORECASE):
        return f"{name}={HIDDEN}"
    try:
        value = json.loads(quoted) if quoted else plain
    except ValueError:  # quoted, but not by `pair`
        value = quoted
    return pair(name, redacted(value))

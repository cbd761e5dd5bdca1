"""What a support bundle may show: settings as conf files have them, and texts, without secrets.

Three filters in a row: what a setting or variable is called, the values found that way
(as they are, in any case, and as URL, JSON and Base64 write them) wherever they turn up, and the
forms that `cloudhsm.base.redaction` knows. What one filter misses, the next one removes.
"""

from __future__ import annotations

import json
import re
from base64 import b64encode
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import quote, quote_plus, unquote
from xml.sax.saxutils import escape

from cloudhsm.base.arguments import ARGUMENTS, SCHEME
from cloudhsm.base.aws_identity import is_credential_name
from cloudhsm.base.conf_file import ConfSettings, stanzas
from cloudhsm.base.redaction import HIDDEN, redacted

# Values of other settings of a stanza are hidden: a slip in a name must not show a secret.
KNOWN = frozenset(ARGUMENTS) | {
    "disabled",
    "host",
    "index",
    "interval",
    "python.required",
    "python.version",
    "source",
    "sourcetype",
    "start_by_shell",
}
# The variables that decide how the collector reaches AWS and which libraries it runs on. Of those
# that are secrets the bundle shows only that they are set.
_VARIABLES = frozenset(
    {
        *("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_SECURITY_TOKEN"),
        *("AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_REGION", "AWS_DEFAULT_REGION"),
        *("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE", "AWS_SDK_LOAD_CONFIG"),
        *("AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR"),
        *("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_CLOUDWATCH_LOGS", "AWS_ENDPOINT_URL_STS"),
        *(
            "AWS_ENDPOINT_URL_SSO",
            "AWS_ENDPOINT_URL_SSO_OIDC",
            "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS",
        ),
        *("AWS_USE_FIPS_ENDPOINT", "AWS_USE_DUALSTACK_ENDPOINT", "AWS_STS_REGIONAL_ENDPOINTS"),
        *("AWS_ROLE_ARN", "AWS_ROLE_SESSION_NAME", "AWS_WEB_IDENTITY_TOKEN_FILE"),
        *("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "AWS_CONTAINER_CREDENTIALS_FULL_URI"),
        *("AWS_CONTAINER_AUTHORIZATION_TOKEN", "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"),
        *("AWS_EC2_METADATA_DISABLED", "AWS_EC2_METADATA_SERVICE_ENDPOINT"),
        *("AWS_METADATA_SERVICE_TIMEOUT", "AWS_METADATA_SERVICE_NUM_ATTEMPTS"),
        *("AWS_MAX_ATTEMPTS", "AWS_RETRY_MODE", "AWS_DATA_PATH"),
        *("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"),
        *("http_proxy", "https_proxy", "all_proxy", "no_proxy"),
        *("SPLUNK_HOME", "SPLUNK_DB", "SPLUNK_ETC", "SPLUNK_OS_USER", "SPLUNK_SERVER_NAME"),
        *("SPLUNK_BINDIP", "SPLUNK_FIPS", "SPLUNK_FIPS_VERSION"),
        *("PYTHONPATH", "PYTHONHOME", "PYTHONHTTPSVERIFY", "PYTHONIOENCODING", "PYTHONUTF8"),
        *("OPENSSL_CONF", "OPENSSL_FIPS", "OPENSSL_MODULES", "LD_LIBRARY_PATH"),
        *("LANG", "LC_ALL", "TZ"),
    }
)
_SECRET_NAME = re.compile(r"(?i)key|secret|pass|pwd|tok|external.?id|auth|cookie")
_FILE_NAME = re.compile(r"(?i)_(?:file|path)\Z")
_URL_NAME = re.compile(r"(?i)ur[li]|proxy")
# Of long-lived keys, of sessions, and of what STS and services hand out.
_KEY_ID = re.compile(r"(?i)(AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{12,124}")
_ACCOUNT = re.compile(r"(?:(?<!\d)|(?<=%[0-9A-Fa-f]{2}))\d{12}(?!\d)")
# In names of files, made from an account ID and more: the ID can be found from it.
_DIGEST = re.compile(r"(?<=-)[0-9a-f]{12}(?=\.)")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_SHORTEST, _SHORTEST_PART = 4, 8
_MOST_DECODINGS = 3


def inputs_in(text: str) -> Iterator[tuple[str, ConfSettings]]:
    """Of inputs.conf, what concerns this add-on: its scheme's defaults and its inputs."""
    for name, settings in stanzas(text):
        if name == SCHEME or name.startswith(f"{SCHEME}://"):
            yield name, settings


def is_telling(variable: str) -> bool:
    """Whether an environment variable belongs into a bundle."""
    return variable in _VARIABLES


def names_a_secret(variable: str) -> bool:
    """Whether the value of a variable, of whatever program, must not be shown anywhere."""
    return _is_secret(variable)


@dataclass
class Redactor:
    """Takes secrets out of settings and texts, and counts them.

    anonymous: account ids become account-1, account-2, ..., each the same everywhere.
    removed: how often what was removed, for the person who reviews the bundle.
    """

    anonymous: bool = False
    removed: Counter[str] = field(default_factory=Counter)
    _known: set[str] = field(default_factory=set)
    _pattern: re.Pattern[str] | None = None
    _stand_ins: dict[str, str] = field(default_factory=dict)

    def learn(self, name: str, value: str) -> None:
        """Remember the secrets of one setting or variable, to hide them everywhere."""
        is_known = name in KNOWN or is_telling(name)
        if _is_secret(name) or (not is_known and len(value) >= _SHORTEST_PART):
            self._remember(value)
        before, _, _ = value.rpartition("@")
        if before and (_URL_NAME.search(name) or "://" in before):
            user_info = before.rpartition("//")[2]
            user, colon, password = user_info.partition(":")
            self._remember(password if colon else user)
            if colon:
                self._remember(unquote(password))
                self._remember(_base64(user_info))
                self._remember(_base64(unquote(user_info)))

    def setting(self, name: str, value: str) -> str:
        """The value of a stanza's setting, as a bundle shows it."""
        return self._showing(value, _shown(name, value) if name in KNOWN or not value else HIDDEN)

    def variable(self, name: str, value: str) -> str:
        """The value of an environment variable, as a bundle shows it."""
        return self._showing(value, _shown(name, value))

    def _showing(self, value: str, shown: str) -> str:
        if shown != value:
            self.removed["values of settings and variables"] += 1
        return self.text(shown)

    def text(self, text: str) -> str:
        """The text without secrets, line by line; lines that hide one in %XX are decoded."""
        return "\n".join(self._line(line) for line in text.split("\n"))

    def _line(self, line: str) -> str:
        cleaned = self._cleaned(line)
        decoded = cleaned
        for _ in range(_MOST_DECODINGS):
            if "%" not in decoded:
                break
            decoded = unquote(decoded)
            without = self._cleaned(decoded)
            if without != decoded:
                cleaned = decoded = self._cleaned(_CONTROL.sub(" ", without))
        return cleaned

    def _cleaned(self, line: str) -> str:
        hidden_before = line.count(HIDDEN)
        if self._pattern is not None:
            line = self._pattern.sub(HIDDEN, line)
        line = redacted(line)
        self.removed["secrets in texts"] += max(0, line.count(HIDDEN) - hidden_before)
        line, ids = _KEY_ID.subn(rf"\1{HIDDEN}", line)
        self.removed["access key ids"] += ids
        if self.anonymous:
            line = _DIGEST.sub(lambda match: self._stand_in("digest", match[0]), line)
            line = _ACCOUNT.sub(lambda match: self._stand_in("account", match[0]), line)
        return line

    def _stand_in(self, kind: str, value: str) -> str:
        if value not in self._stand_ins:
            number = 1 + sum(stand_in.startswith(kind) for stand_in in self._stand_ins.values())
            self._stand_ins[value] = f"{kind}-{number}"
        self.removed[f"{kind} ids replaced"] += 1
        return self._stand_ins[value]

    def _remember(self, secret: str) -> None:
        for part in secret.split("\n"):
            value = part.strip()
            if len(value) >= _SHORTEST and value.strip("*"):
                self._known |= _spellings(value)
        longest_first = sorted(self._known, key=lambda text: (-len(text), text))
        if longest_first:
            self._pattern = re.compile("|".join(map(_searched, longest_first)), re.IGNORECASE)


def newest_lines(content: bytes, is_whole: bool) -> str:
    """Text of the end of a file; without its first line where that may have been cut in two."""
    if not is_whole:
        content = content.partition(b"\n")[2]
    return content.decode("utf-8", "replace")


def _is_secret(name: str) -> bool:
    """Names of files that hold secrets are none; a line that is no setting may be anything."""
    return not name or (bool(_SECRET_NAME.search(name)) and not _FILE_NAME.search(name))


def _shown(name: str, value: str) -> str:
    if not value:
        return value
    is_no_name = name.endswith("_credential") and not is_credential_name(value)
    if _is_secret(name) or is_no_name:
        return HIDDEN
    if _URL_NAME.search(name):
        return _without_user_and_query(value)
    return value.replace("\n", "\\n")


def _without_user_and_query(url: str) -> str:
    start, slashes, rest = url.partition("://")
    if not slashes:
        start, rest = "", url
    user_info, at, address = rest.rpartition("@")
    shown = re.split(r"[?#]", address, maxsplit=1)
    user = f"{HIDDEN}@" if user_info else at
    return start + slashes + user + shown[0] + (f"?{HIDDEN}" if shown[1:] else "")


def _base64(text: str) -> str:
    return b64encode(text.encode("utf-8", "surrogatepass")).decode()


def _spellings(value: str) -> set[str]:
    """How a value looks in texts of different kinds."""
    encodable = value.encode("utf-8", "replace").decode()
    return {
        value,
        quote(encodable, safe=""),
        quote(encodable),
        quote_plus(encodable),
        json.dumps(value)[1:-1],
        repr(value)[1:-1],
        escape(value),
    }


def _searched(value: str) -> str:
    """A short secret is hidden where it is a word of its own: `prod` must not damage `product`."""
    pattern = re.escape(value)
    if len(value) >= _SHORTEST_PART:
        return pattern
    return rf"(?:(?<![a-z0-9])|(?<=%[0-9a-f]{{2}})){pattern}(?![a-z0-9])"

"""The form of what is printed before each record: times, streams, groups and other words. Pure.

`aws logs tail`, awslogs, syslog and others print something before a record's first line. Its form
is learned from the first record of a text, as a regular expression: words and numbers vary from
record to record, what is between them does not.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

from cloudhsm.siem.containers.event_names import NO_NAMES, Names, named
from cloudhsm.siem.containers.json_events import usecs_of

MOST = 400  # characters of a prefix
_TIME = r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d{1,9})?(?: ?(?:Z|UTC)|[+-]\d\d:?\d\d)?"
_KINDS = {
    "time": _TIME,
    "syslog": r"[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d(?:\.\d{1,9})?",
    "epoch": r"\d{10,19}(?:\.\d{1,9})?(?![\w.])",
    "hsm": r"(?:hsm|cluster)-[0-9A-Za-z]{11,32}(?![\w-])",
    "path": r"(?:\d{12}:)?/?[\w.#-]+(?:/[\w.#-]+)+",
    "word": r"[\w@.+#~-]+",
    "space": r"[ \t]+",
}
_TOKEN = re.compile("|".join(f"(?P<{kind}>{form})" for kind, form in _KINDS.items()), re.ASCII)
_PATTERNS = {**_KINDS, "word": r"[\w@.+#~-]{1,200}", "space": r"[ \t]{1,20}"}
# After the last line of a record, as `--output text` prints what comes after the message.
_SUFFIX = re.compile(
    rf"(?:[\t,;|][ \t]?(?:{_TIME}|\d{{13}}|(?:hsm|cluster)-[0-9A-Za-z]{{11,32}}|/[\w./#-]+|"
    r"[bf]/\d+|\d{50,60}|None)){1,6}[ \t]*\Z",
    re.ASCII,
)
_KNOWN = {"time", "syslog", "epoch", "hsm", "path"}


def tokens(prefix: str) -> Iterator[tuple[str, str]]:
    """(kind, text) of the words of a prefix; kind is "other" for a character between them."""
    at = 0
    while at < len(prefix):
        token = _TOKEN.match(prefix, at)
        if token is None:
            yield "other", prefix[at]
            at += 1
        else:
            yield str(token.lastgroup), token[0]
            at = token.end()


@lru_cache(maxsize=512)
def form(prefix: str) -> str:
    """A regular expression for prefixes like this one; its groups are what may be names."""
    return "".join(_pattern(kind, text) for kind, text in tokens(prefix))


def _pattern(kind: str, text: str) -> str:
    if kind == "other":
        return re.escape(text)
    is_name = kind in ("hsm", "path") or (kind == "word" and "-" in text)
    return f"({_PATTERNS[kind]})" if is_name else f"(?:{_PATTERNS[kind]})"


@lru_cache(maxsize=4096)
def is_known(prefix: str) -> bool:
    """Whether a prefix has a time, stream or group, which a stray text before a record has not."""
    return any(kind in _KNOWN for kind, _text in tokens(prefix))


@lru_cache(maxsize=4096)
def names_of(words: tuple[str | None, ...]) -> Names:
    """The names among the groups that `form` has."""
    names = NO_NAMES
    for text in words:
        if text:
            region = named("region", text)
            names = names.over(region if region != NO_NAMES else _place(text))
    return names


def _place(text: str) -> Names:
    """A group, a stream or both; a path of no CloudHSM group is taken for a group after `/`."""
    path = named("path", text)
    if path == NO_NAMES and text.startswith("/"):
        return named("group", text)
    return path


def arrival(prefix: str) -> int | None:
    """The first time in a prefix, in microseconds since 1970."""
    for kind, text in tokens(prefix):
        if kind in ("time", "epoch"):
            usecs = usecs_of(text)
            if usecs is not None:
                return usecs
    return None


def without_suffix(text: str) -> tuple[str, str]:
    """A record's text, and the times and names after it on its last line; "" without any."""
    suffix = _SUFFIX.search(text, max(0, len(text) - 300))
    return (text[: suffix.start()], suffix[0]) if suffix else (text, "")

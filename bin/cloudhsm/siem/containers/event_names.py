"""Log group, stream, account and Region under the names that shippers use. Pure.

Keys are compared by their letters and digits only, with the keys above them: `log_group`,
`logGroupName`, `aws.cloudwatch.log_group` and {"aws": {"awslogs": {"logGroup"}}} all end in
`loggroup`. A value counts only if it is one by AWS's rules, so that no text becomes an identity.

Sources: CloudWatch Logs API Reference (LogGroup, LogStream); documentation of Vector
(aws_kinesis_firehose), Logstash and Filebeat (aws-cloudwatch), Datadog's forwarder, the
OpenTelemetry semantic conventions (aws.log.*) and OpenSearch's subscription function.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import lru_cache
from typing import NamedTuple

ACCOUNT = re.compile(r"\d{12}", re.ASCII)
REGION = re.compile(r"[a-z]{2,4}(?:-[a-z]{2,12}){1,3}-\d{1,2}", re.ASCII)
GROUP = re.compile(r"[\w./#-]{1,512}", re.ASCII)
STREAM = re.compile(r"[^\s:*\x00-\x1f]{1,512}")
_HSM = re.compile(r"hsm-[0-9A-Za-z]{11,32}", re.ASCII)
_CLUSTER = re.compile(r"cluster-[0-9A-Za-z]{11,32}", re.ASCII)
_CLOUDHSM_GROUP = re.compile(r"[\w./#-]{0,400}/cluster-[0-9A-Za-z]{11,32}", re.ASCII)
_ARN = re.compile(r"arn:[\w-]+:logs:([\w-]*):(\d{12}):log-group:([\w./#-]+)(?::.*)?", re.ASCII)
_OWNED_GROUP = re.compile(r"(\d{12}):([\w./#-]+)", re.ASCII)
_STREAM_ARN = re.compile(r"arn:[\w-]+:(?:kinesis|firehose|lambda):([\w-]+):", re.ASCII)
_SOURCE = re.compile(
    rf"(?:(\d{{12}}):)?(?:({REGION.pattern}):)?([\w./#-]{{1,512}}):([^\s:*]{{0,512}})", re.ASCII
)
_FILE_PATH = re.compile(
    r"(.*/cluster-[0-9A-Za-z]{11,32})/((?:hsm|cluster)-[0-9A-Za-z]{11,32})", re.ASCII
)
_DEPTH = 8
_MOST_LEAVES = 500  # names in one object; more is no metadata


class Names(NamedTuple):
    """What is known of a record's origin; "" for what is not."""

    account: str = ""
    region: str = ""
    group: str = ""
    stream: str = ""

    def over(self, other: Names) -> Names:
        """These names, and those of `other` for what they lack."""
        if other is NO_NAMES or other == self:
            return self
        return Names(*(own or theirs for own, theirs in zip(self, other)))


NO_NAMES = Names()
_PLACES = {name: index for index, name in enumerate(Names._fields)}

_ENDINGS = {
    "group": ("loggroup", "loggroupname", "loggroupnames"),
    "stream": ("logstream", "logstreamname", "logstreamnames", "hsmid"),
    "account": (
        *("owner", "accountid", "awsaccount", "cloudaccountuid", "accountuid", "logowner"),
        *("metadataaccount", "awsaccountid", "owneraccount"),
    ),
    "region": ("region", "awsregion", "cloudregion"),
    "identifier": ("loggroupidentifier", "loggrouparn", "log", "logidentifier"),
    "arn": ("streamarn", "sourcearn", "deliverystreamarn"),
    "source": ("source", "logsource"),
    "path": ("filepath", "logfile", "filename", "path"),
    "host": (
        *("host", "hostname", "hostid", "hostuid", "deviceuid", "instance", "stream", "hsm"),
        *("group", "service", "servicename", "nodename", "job", "syslogappname", "appname"),
    ),
}
_EXACT = {"account": "account", "accountid": "account"}


@lru_cache(maxsize=4096)
def role(path: str) -> str | None:
    """What a key, with those above it, stands for; None if for none of the names."""
    letters = re.sub(r"[^a-z0-9]", "", path.lower())
    if letters in _EXACT:
        return _EXACT[letters]
    for name, endings in _ENDINGS.items():
        if letters.endswith(endings):
            return name
    return None


class RepeatedKey(str):
    """The key of a member whose object has another one with the same key after it.

    Equal to itself only, so that an object keeps both members; no name is taken from it.
    """

    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        return self is other

    def __ne__(self, other: object) -> bool:
        return self is not other

    def __hash__(self) -> int:
        return id(self)


@lru_cache(maxsize=4096)
def named(role_name: str, value: str) -> Names:
    """The names in a value of that role; none of what AWS would not call so."""
    return _READERS[role_name](value)


def _plain(name: str, pattern: re.Pattern[str]) -> Callable[[str], Names]:
    index = _PLACES[name]

    def read(value: str) -> Names:
        return _with(index, value) if pattern.fullmatch(value) else _identifier(value)

    return read


def _with(index: int, value: str) -> Names:
    return Names(*(value if place == index else "" for place in range(len(Names._fields))))


def _identifier(value: str) -> Names:
    arn = _ARN.fullmatch(value)
    if arn:
        return Names(arn[2], arn[1], arn[3].rstrip(":*"))
    owned = _OWNED_GROUP.fullmatch(value)
    return Names(owned[1], "", owned[2]) if owned else NO_NAMES


def _arn(value: str) -> Names:
    """Of a stream: its Region. Its account may be another one than the log group's."""
    arn = _STREAM_ARN.match(value)
    return Names(region=arn[1]) if arn and REGION.fullmatch(arn[1]) else _identifier(value)


def _path(value: str) -> Names:
    path = _FILE_PATH.fullmatch(value)
    return Names(group=path[1], stream=path[2]) if path else _host(value)


def _source(value: str) -> Names:
    source = _SOURCE.fullmatch(value)
    if source is None:
        return _path(value)
    account, region, group, stream = (part or "" for part in source.groups())
    if REGION.fullmatch(group):
        return Names(account, group, "", stream)
    if ACCOUNT.fullmatch(group):
        return Names(group, region, "", stream)
    return Names(account, region, group, stream)


def _host(value: str) -> Names:
    """Of a host or the like, which may be anything: HSM, cluster or CloudHSM's log group only."""
    if _HSM.fullmatch(value) or _CLUSTER.fullmatch(value):
        return Names(stream=value)
    return Names(group=value) if _CLOUDHSM_GROUP.fullmatch(value) else _identifier(value)


_READERS: dict[str, Callable[[str], Names]] = {
    "account": _plain("account", ACCOUNT),
    "region": _plain("region", REGION),
    "group": _plain("group", GROUP),
    "stream": _plain("stream", STREAM),
    "identifier": _identifier,
    "arn": _arn,
    "source": _source,
    "path": _path,
    "host": _host,
}


def names_in(value: Mapping[str, object]) -> Names:
    """The names in an object's own values, and in objects and key-value lists below it.

    What is nearer to the top wins, then what is named in full over what is guessed from a host.
    """
    found: list[tuple[int, int, Names]] = []
    for depth, path, text in _leaves(value, "", 0):
        kind = role(path)
        if kind is not None and text:
            names = named(kind, text)
            if names is not NO_NAMES:
                found.append((_RANKS.get(kind, 0), depth, names))
            if len(found) > _MOST_LEAVES:
                break
    result = NO_NAMES
    for _rank, _depth, names in sorted(found, key=lambda one: one[:2]):
        result = result.over(names)
    return result


_RANKS = {"source": 1, "path": 2, "arn": 2, "host": 3}


def _leaves(value: Mapping[str, object], path: str, depth: int) -> Iterator[tuple[int, str, str]]:
    for key, item in value.items():
        if not isinstance(key, RepeatedKey):
            yield from _leaf(item, f"{path}.{key}", depth)


def _leaf(item: object, path: str, depth: int) -> Iterator[tuple[int, str, str]]:
    if isinstance(item, str):
        if len(item) <= 1024:
            yield depth, path, item
    elif isinstance(item, dict) and depth < _DEPTH:
        if len(item) == 1 and next(iter(item)) in _TYPED:  # a value of OpenTelemetry
            yield from _leaf(next(iter(item.values())), path, depth + 1)
        else:
            yield from _leaves(item, path, depth + 1)
    elif isinstance(item, list) and item and depth < _DEPTH:
        pairs = as_pairs(item)
        if pairs is not None:
            yield from _leaves(pairs, path, depth + 1)
        elif len(item) == 1:
            yield from _leaf(item[0], path, depth + 1)


_TYPED = {"stringValue", "arrayValue", "intValue", "values", "string_value", "S", "N"}
_PAIR_KEYS = (
    *(("field", "value"), ("key", "value"), ("name", "value")),
    *(("Key", "Value"), ("Name", "Value"), ("Field", "Value")),
)


def as_pairs(items: Iterable[object]) -> dict[str, object] | None:
    """An object from a list of keys with values, as Logs Insights and OpenTelemetry have them."""
    result: dict[str, object] = {}
    for item in items:
        if not isinstance(item, dict) or not 2 <= len(item) <= 3:
            return None
        for name, content in _PAIR_KEYS:
            if name in item and content in item and isinstance(item[name], str):
                if item[name] in result:
                    return None
                value = item[content]
                if isinstance(value, dict) and len(value) == 1 and next(iter(value)) in _TYPED:
                    value = next(iter(value.values()))
                result[item[name]] = value
                break
        else:
            return None
    return result or None

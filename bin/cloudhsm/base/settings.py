"""What the administrator configured: one `[aws_cloudhsm://NAME]` stanza, checked."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone

from cloudhsm.base import aws_identity, setting_names
from cloudhsm.base.arguments import (
    DEFAULT_LATENESS_HORIZON,
    DEFAULT_LOG_GROUPS,
    DEFAULT_LOG_LEVEL,
    DEFAULT_START_TIME,
    DEFAULT_STATE_STORE,
    DEFAULT_WINDOWS_IN_FLIGHT,
    LOG_LEVELS,
    SCHEME,
    STATE_STORES,
)
from cloudhsm.base.aws_identity import AwsIdentity
from cloudhsm.base.errors import CloudHsmError, refused_setting
from cloudhsm.base.setting_names import UnknownSetting

DEFAULT_INTERVAL_S = 60
SHORTEST_INTERVAL_S = 10

# A start_time this far ahead of the host's clock may still mean now in another time zone.
_CLOCK_SLACK_MS = 24 * 3_600_000

_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_DURATION = re.compile(r"([1-9]\d{0,6})([smhdw])")
_ISO_8601 = re.compile(
    r"\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d{3}(\d{3})?)?)?([zZ]|[+-]\d\d:\d\d)?)?", re.ASCII
)
_REGION = re.compile(r"[a-z]{2,4}(-[a-z]+){1,3}-\d{1,2}")
# The characters that CloudWatch Logs allows in a log group's name, and its length.
_GROUP = re.compile(r"[.\-_/#A-Za-z0-9]{1,512}\*?")


@dataclass(frozen=True)
class GroupSelector:
    """One entry of `log_groups`: an exact name, or a prefix (it ended in `*` or `/`).

    may_be_empty: it ended in `*`, so log groups may match it later.
    """

    name: str
    is_prefix: bool
    may_be_empty: bool = False

    def matches(self, group: str) -> bool:
        """Whether a log group belongs to this entry."""
        return group.startswith(self.name) if self.is_prefix else group == self.name


@dataclass(frozen=True)
class Settings:
    """A checked stanza.

    start_time: as written; `start_ms` turns it into an instant on the first run.
    horizon_ms: how late a record may become visible and still be collected, in milliseconds.
    interval_s: how often Splunk starts the input; bounds the length of a run.
    index:      index for every event; None leaves the choice to Splunk.
    calls_per_second:  at most this many calls to CloudWatch Logs; None for half of AWS's quota.
    windows_in_flight: how many stretches of a group's history are read concurrently.
    state_store: where states are kept, one of STATE_STORES.
    log_level:  of this input's log file, one of LOG_LEVELS.
    identity:   AWS identity and network path.
    unknown:    settings that are neither ours nor Splunk's.
    """

    stanza: str
    aws_region: str
    log_groups: tuple[GroupSelector, ...]
    start_time: str
    horizon_ms: int
    endpoint_url: str | None
    interval_s: float
    index: str | None
    calls_per_second: float | None = None
    windows_in_flight: int = DEFAULT_WINDOWS_IN_FLIGHT
    state_store: str = DEFAULT_STATE_STORE
    log_level: str = DEFAULT_LOG_LEVEL
    identity: AwsIdentity = field(default_factory=AwsIdentity)
    unknown: tuple[UnknownSetting, ...] = ()

    @property
    def advisories(self) -> list[CloudHsmError]:
        """What an administrator should fix although the input works."""
        return [setting.error() for setting in self.unknown]

    def start_ms(self, now_ms: int) -> int:
        """`start_time` as milliseconds since 1970 UTC, seen from `now_ms`."""
        return _start_ms(self.start_time, now_ms)


def parse(stanza: str, parameters: Mapping[str, str | None], now_ms: int) -> Settings:
    """Check the parameters of a stanza, as splunkd passes them.

    Raises SettingError, which names the setting and states what is allowed.
    """
    values = {name: (value or "").strip() for name, value in parameters.items()}
    unknown = setting_names.unknown(name for name, value in values.items() if value)
    setting_names.refuse_identity(unknown)
    start_time = values.get("start_time") or DEFAULT_START_TIME
    if _start_ms(start_time, now_ms) > now_ms + _CLOCK_SLACK_MS:
        raise refused_setting(
            "start_time",
            f"{start_time!r} lies in the future",
            "Write an instant that has passed, or now",
        )
    return Settings(
        stanza=stanza,
        aws_region=_region(values.get("aws_region", "")),
        log_groups=_selectors(values.get("log_groups") or DEFAULT_LOG_GROUPS),
        start_time=start_time,
        horizon_ms=_horizon(values.get("lateness_horizon") or DEFAULT_LATENESS_HORIZON),
        endpoint_url=aws_identity.endpoint("endpoint_url", values.get("endpoint_url", "")),
        interval_s=_interval(values.get("interval", "")),
        index=values.get("index") or None,
        calls_per_second=_calls_per_second(values.get("calls_per_second", "")),
        windows_in_flight=_windows(values.get("windows_in_flight", "")),
        state_store=_state_store(values.get("state_store") or DEFAULT_STATE_STORE),
        log_level=_log_level(values.get("log_level") or DEFAULT_LOG_LEVEL),
        identity=aws_identity.parse(values),
        unknown=unknown,
    )


def parse_form(name: str, parameters: Mapping[str, str | None], now_ms: int) -> Settings:
    """Check an input that a person saves: more strictly, since that person can still change it.

    Raises SettingError.
    """
    setting_names.refuse_input_name(name)
    checked = parse(f"{SCHEME}://{name}", parameters, now_ms)
    for error in checked.advisories:
        raise error
    interval = (parameters.get("interval") or "").strip()
    if re.fullmatch(r"[\d.]+", interval) and _interval(interval) < SHORTEST_INTERVAL_S:
        raise refused_setting(
            "interval",
            f"{interval} is shorter than {SHORTEST_INTERVAL_S} s",
            "Write 60, or another number of seconds between two runs",
        )
    return checked


def _region(text: str) -> str:
    if not text:
        raise refused_setting(
            "aws_region", "is missing", "Give the AWS Region of the clusters, e.g. us-east-1"
        )
    if not _REGION.fullmatch(text):
        raise refused_setting(
            "aws_region", f"{text!r} is not the name of an AWS Region", "Write it as in us-east-1"
        )
    return text


def _selectors(text: str) -> tuple[GroupSelector, ...]:
    entries = [entry for entry in re.split(r"[\s,]+", text) if entry]
    if not entries:
        raise refused_setting(
            "log_groups", "names no log group", "List names or prefixes, or leave it out"
        )
    for entry in entries:
        if not _GROUP.fullmatch(entry):
            raise refused_setting(
                "log_groups",
                f"{entry!r} is not the name of a log group",
                "List names or prefixes (ending in * or /), separated by commas; "
                "a name has letters, digits and . - _ / #",
            )
    return tuple(
        GroupSelector(entry.rstrip("*"), entry.endswith(("*", "/")), entry.endswith("*"))
        for entry in dict.fromkeys(entries)
    )


def _start_ms(text: str, now_ms: int) -> int:
    if text == "all":
        return 0
    if text == "now":
        return now_ms
    if text.startswith("-") and _DURATION.fullmatch(text[1:]):
        return max(0, now_ms - _seconds(text[1:]) * 1000)
    instant = _instant(text)
    if instant is None:
        raise refused_setting(
            "start_time",
            f"{text!r} is not an instant",
            "Write 2026-01-31, 2026-01-31T08:00:00Z, a time ago such as -30d or -12h, now, "
            "or all for everything that CloudWatch Logs still keeps",
        )
    return instant


def _instant(text: str) -> int | None:
    """An ISO 8601 date or time as milliseconds since 1970; UTC where no offset is written."""
    if not _ISO_8601.fullmatch(text):  # Pythons differ in what else they take
        return None
    try:
        moment = datetime.fromisoformat(re.sub(r"[zZ]$", "+00:00", text))
        moment = moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)
        elapsed = moment - datetime(1970, 1, 1, tzinfo=timezone.utc)
    except (ValueError, OverflowError):
        return None
    return max(0, elapsed // timedelta(milliseconds=1))


def _horizon(text: str) -> int:
    # Shorter than CloudWatch's own batching is no protection; longer than 30 days is a backfill.
    if not _DURATION.fullmatch(text) or not 3600 <= _seconds(text) <= 30 * 86_400:
        raise refused_setting(
            "lateness_horizon",
            f"{text!r} is not a duration between 1h and 30d",
            "Write a number and a unit (m, h, d), e.g. 24h",
        )
    return _seconds(text) * 1000


def _interval(text: str) -> float:
    """Seconds between two runs; a cron schedule, which Splunk also accepts, counts as a minute."""
    try:
        seconds = float(text)
    except ValueError:
        return DEFAULT_INTERVAL_S
    return seconds if 0 < seconds < float("inf") else DEFAULT_INTERVAL_S


def _calls_per_second(text: str) -> float | None:
    if not text:
        return None
    if not re.fullmatch(r"\d{1,3}(\.\d{1,2})?", text, re.ASCII) or not 0.2 <= float(text) <= 100:
        raise refused_setting(
            "calls_per_second",
            f"{text!r} is not a number from 0.2 to 100",
            "Write how many calls per second this input may make, or leave it out for half of the "
            "Region's quota",
        )
    return float(text)


def _windows(text: str) -> int:
    if not text:
        return DEFAULT_WINDOWS_IN_FLIGHT
    if not re.fullmatch("[1-8]", text, re.ASCII):
        raise refused_setting(
            "windows_in_flight", f"{text!r} is not a number from 1 to 8", "Write e.g. 2"
        )
    return int(text)


def _state_store(text: str) -> str:
    if text not in STATE_STORES:
        raise refused_setting(
            "state_store",
            f"{text!r} is not a store",
            "Write file, or kvstore where a search head cluster or Splunk Cloud runs the input",
        )
    return text


def _log_level(text: str) -> str:
    if text.upper() not in LOG_LEVELS:
        raise refused_setting(
            "log_level", f"{text!r} is not a level", f"Write one of {', '.join(LOG_LEVELS)}"
        )
    return text.upper()


def _seconds(duration: str) -> int:
    return int(duration[:-1]) * _SECONDS[duration[-1]]

"""Scheduled alerts: when a saved search runs, over which time, and which results it reports.

Source: savedsearches.conf.spec. Modelled: an alert that reports its results, if any, at once
or throttled by fields. `disabled` is ignored: the emulator shows what a search does once enabled.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timezone

from cronsim import CronSim, CronSimError

from emulator.conf.conf_file import Conf, Stanza
from emulator.errors import ConfError, SearchError
from emulator.eval.relative_time import relative_time

_TRIGGER = {"counttype": "number of events", "relation": "greater than", "quantity": "0"}
_PERIODS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_ANY_DAY = datetime(2026, 3, 2, tzinfo=timezone.utc)


@dataclass(frozen=True)
class TimeRange:
    """A time range by modifiers as `-7d@h`; an empty one has no limit on that side."""

    earliest: str
    latest: str

    def at(self, now: float) -> tuple[float, float | None]:
        """Its ends in epoch seconds at the moment `now`, the second one exclusive."""
        return (
            relative_time(now, self.earliest) if self.earliest else 0.0,
            relative_time(now, self.latest) if self.latest else None,
        )


@dataclass(frozen=True)
class Throttling:
    """After a reported result, others with the same `fields` are suppressed for `seconds`."""

    fields: tuple[str, ...]
    seconds: int


@dataclass(frozen=True)
class Alert:
    """One scheduled alert. `times` limits the events' time, `index_times` the index time."""

    name: str
    search: str
    cron: str
    times: TimeRange
    index_times: TimeRange
    throttling: Throttling | None

    def runs(self, since: float, until: float) -> list[int]:
        """When it runs: the epoch seconds from `since` to before `until`."""
        # cronsim yields moments after its start.
        start = datetime.fromtimestamp(since - 1, timezone.utc)
        seconds = []
        for moment in CronSim(self.cron, start):
            second = int(moment.timestamp())
            if second >= until:
                break
            seconds.append(second)
        return seconds


def alerts(conf: Conf) -> dict[str, Alert]:
    """The alerts of savedsearches.conf by name: saved searches with `alert.track` or a trigger.

    Raises ConfError, with file, stanza and line, for settings that are not modelled.
    """
    return {stanza.name: _alert(stanza) for stanza in conf.with_defaults() if _is_alert(stanza)}


def maintenance(conf: Conf) -> dict[str, Alert]:
    """The scheduled searches that keep a KV store collection up to date, by name.

    Raises ConfError, with file, stanza and line, for settings that are not modelled.
    """
    found = {}
    for stanza in conf.with_defaults():
        search = stanza.settings.get("search")
        if search and "outputlookup" in search.value and "cron_schedule" in stanza.settings:
            _require(stanza, "realtime_schedule", "0")
            found[stanza.name] = _scheduled(stanza)
    return found


def _is_alert(stanza: Stanza) -> bool:
    return "counttype" in stanza.settings or "alert.track" in stanza.settings


def _alert(stanza: Stanza) -> Alert:
    for key, required in _TRIGGER.items():
        _require(stanza, key, required)
    # alert.suppress.fields is for alerts per result, which digest_mode = 0 makes.
    throttles = "alert.suppress.fields" in stanza.settings
    _require(stanza, "alert.digest_mode", "0" if throttles else "1")
    _require(stanza, "realtime_schedule", "0")
    return _scheduled(stanza)


def _scheduled(stanza: Stanza) -> Alert:
    values = {key: setting.value for key, setting in stanza.settings.items()}
    return Alert(
        name=stanza.name,
        search=values.get("search", ""),
        cron=_cron(stanza),
        times=_time_range(stanza, "dispatch.{}_time"),
        index_times=_time_range(stanza, "dispatch.index_{}"),
        throttling=_throttling(stanza, values),
    )


def _require(stanza: Stanza, key: str, required: str) -> None:
    setting = stanza.settings.get(key)
    if setting is None or setting.value != required:
        where = stanza.location if setting is None else setting.location
        raise ConfError(f"the emulator models alerts with {key} = {required} only", where)


def _cron(stanza: Stanza) -> str:
    setting = stanza.settings.get("cron_schedule")
    if setting is None:
        raise ConfError("an alert needs a cron_schedule", stanza.location)
    try:
        CronSim(setting.value, _ANY_DAY)
    except CronSimError as error:
        raise ConfError(f"cron_schedule = {setting.value}: {error}", setting.location) from error
    return setting.value


def _time_range(stanza: Stanza, pattern: str) -> TimeRange:
    ends = {}
    for end in ("earliest", "latest"):
        setting = stanza.settings.get(pattern.format(end))
        ends[end] = setting.value if setting else ""
        if setting and setting.value:
            try:
                relative_time(0.0, setting.value)
            except SearchError as error:
                raise error.at(setting.location) from error
    return TimeRange(ends["earliest"], ends["latest"])


def _throttling(stanza: Stanza, values: Mapping[str, str]) -> Throttling | None:
    if values.get("alert.suppress", "0") != "1":
        return None
    fields = tuple(name.strip() for name in values.get("alert.suppress.fields", "").split(","))
    period = values.get("alert.suppress.period", "")
    if not all(fields) or not period[:-1].isdigit() or period[-1] not in _PERIODS:
        raise ConfError(
            "throttling is modelled with alert.suppress.fields and a period such as 15m",
            stanza.settings["alert.suppress"].location,
        )
    return Throttling(fields, int(period[:-1]) * _PERIODS[period[-1]])

"""Index time: from text, or a modular input's XML, to events with a time.

Source: props.conf.spec ("Line breaking", "Timestamp extraction configuration"); Getting Data In,
"How timestamp assignment works"; Developing Modular Inputs, "Streaming data in XML".
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import tzinfo
from typing import IO

import pcre2

from emulator.conf.props import Rules
from emulator.errors import ConfError, EmulatorError
from emulator.eval.time_format import TimeFormat, compile_time_format, zone_of
from emulator.event import IndexedEvent
from emulator.index_time.input_stream import StreamedEvent, streamed_events
from emulator.regex import Regex, compile_regex

_LINE_BREAKER = r"([\r\n]+)"
_TRUNCATE = 10_000  # bytes
_LOOKAHEAD = 128  # characters
_DAYS_AGO = 2_000
_DAYS_HENCE = 2
_DAY_USECS = 86_400 * 1_000_000
# Line breaking looks at windows: positions in big texts are slow (see regex.py). A match that ends
# this close to a window's end might end elsewhere if it saw more.
_WINDOW = 16_384
_MARGIN = 2_048
_CONTEXT = 256  # what a lookbehind can see before a window

Clock = Callable[[], int]


@dataclass(frozen=True)
class InputMetadata:
    """The default fields that an input sets for its data."""

    host: str
    source: str
    sourcetype: str
    index: str


@dataclass(frozen=True)
class IndexRules:
    """The index-time settings that apply to an input's data, compiled."""

    line_breaker: Regex
    line_merge: bool
    truncate: int
    time_prefix: Regex | None
    time_format: TimeFormat | None
    lookahead: int
    zone: tzinfo | None
    days_ago: int
    days_hence: int
    datetime_config: str

    @classmethod
    def from_props(cls, rules: Rules) -> IndexRules:
        """Compile merged props settings. Raises EmulatorError with a location."""
        merge = rules.get("SHOULD_LINEMERGE")
        if merge is not None and merge.boolean():
            raise ConfError(
                "SHOULD_LINEMERGE = true is not modelled: break events with LINE_BREAKER",
                merge.location,
            )
        return cls(
            line_breaker=_regex(rules, "LINE_BREAKER") or compile_regex(_LINE_BREAKER),
            line_merge=merge is None,
            truncate=_number(rules, "TRUNCATE", _TRUNCATE),
            time_prefix=_regex(rules, "TIME_PREFIX"),
            time_format=_time_format(rules),
            lookahead=_number(rules, "MAX_TIMESTAMP_LOOKAHEAD", _LOOKAHEAD, least=-1),
            zone=_zone(rules),
            days_ago=_number(rules, "MAX_DAYS_AGO", _DAYS_AGO, most=10_951),
            days_hence=_number(rules, "MAX_DAYS_HENCE", _DAYS_HENCE, most=10_950),
            datetime_config=_datetime_config(rules),
        )


def _regex(rules: Rules, key: str) -> Regex | None:
    setting = rules.get(key)
    if setting is None or not setting.value:
        return None
    try:
        regex = compile_regex(setting.regex_text())
    except EmulatorError as error:
        raise error.at(setting.location) from error
    if key == "LINE_BREAKER" and not regex.groups:
        raise ConfError("LINE_BREAKER needs a capturing group", setting.location)
    return regex


def _number(
    rules: Rules, key: str, otherwise: int, *, least: int = 0, most: int | None = None
) -> int:
    if key not in rules:
        return otherwise
    number = rules[key].integer(least=least)
    if most is not None and number > most:
        raise ConfError(f"{key}: the highest legal value is {most}", rules[key].location)
    return number


def _time_format(rules: Rules) -> TimeFormat | None:
    setting = rules.get("TIME_FORMAT")
    if setting is None or not setting.value:
        return None
    try:
        compiled = compile_time_format(setting.value)
    except EmulatorError as error:
        raise error.at(setting.location) from error
    if not compiled.has_zone and "TZ" not in rules:
        raise ConfError(
            "the time has no zone and TZ is not set: set TZ, else the server's zone counts",
            setting.location,
        )
    return compiled


def _zone(rules: Rules) -> tzinfo | None:
    setting = rules.get("TZ")
    if setting is None:
        return None
    try:
        return zone_of(setting.value)
    except EmulatorError as error:
        raise error.at(setting.location) from error


def _datetime_config(rules: Rules) -> str:
    setting = rules.get("DATETIME_CONFIG")
    if setting is None or not setting.value:
        return ""
    if setting.value not in {"NONE", "CURRENT"}:
        raise ConfError("DATETIME_CONFIG: only NONE and CURRENT are modelled", setting.location)
    return setting.value


# --- events of a file


def text_events(
    text: str, metadata: InputMetadata, rules: IndexRules, clock: Clock
) -> Iterator[IndexedEvent]:
    """The events of a file's text. Empty ones are dropped, as Splunk drops empty lines."""
    _check_mergeless(rules, metadata)
    times = Timestamps(rules, clock)
    for raw in broken(text, rules.line_breaker):
        if raw:
            yield indexed(raw, metadata, rules, times.of(raw))


def _check_mergeless(rules: IndexRules, metadata: InputMetadata) -> None:
    if rules.line_merge:
        raise ConfError(
            f"sourcetype {metadata.sourcetype}: SHOULD_LINEMERGE is true by default, which is not"
            " modelled: set it to false in props.conf"
        )


def broken(text: str, breaker: Regex) -> Iterator[str]:
    """The pieces between the breaks. A break is the first group that took part in the match; where
    none did, it has no width and is before the match.
    """
    begin = at = 0  # start of the open piece, and of the next window
    window = _WINDOW
    while at < len(text):
        context = max(at - _CONTEXT, 0)
        part, last = text[context : at + window], at + window >= len(text)
        resume = at
        for match in breaker.each(part, at - context):
            if not last and context + match.end() > at + window - _MARGIN:
                break
            first, following = _break(match, breaker.groups)
            yield text[begin : context + first]
            begin, resume = context + following, max(context + match.end(), at + 1)
        if last:
            break
        # Without a usable match, try a bigger window from the same position.
        at, window = (resume, _WINDOW) if resume > at else (at, window * 2)
    yield text[begin:]


def _break(match: pcre2.Match, groups: int) -> tuple[int, int]:
    for number in range(1, groups + 1):
        if match.group(number) is not None:
            start, end = match.span(number)
            return start, end
    return match.start(), match.start()


def _truncated(raw: str, limit: int) -> str:
    """At most `limit` bytes, rounded down to a complete character; 0 is no limit."""
    if not limit or len(raw) * 4 <= limit:
        return raw
    data = raw.encode()
    return raw if len(data) <= limit else data[:limit].decode(errors="ignore")


def indexed(raw: str, metadata: InputMetadata, rules: IndexRules, usecs: int) -> IndexedEvent:
    """The event as stored in the index: truncated, with its time in microseconds."""
    return IndexedEvent(
        _truncated(raw, rules.truncate),
        usecs,
        metadata.host,
        metadata.source,
        metadata.sourcetype,
        metadata.index,
    )


# --- timestamps


class Timestamps:
    """Times of one input's events, in order: an event without a usable time takes the last."""

    def __init__(self, rules: IndexRules, clock: Clock) -> None:
        self._rules = rules
        self._clock = clock
        self._last: int | None = None

    def of(self, raw: str) -> int:
        """Microseconds since the epoch for an event without a time from its input."""
        rules = self._rules
        now = self._clock()
        if rules.datetime_config:
            return now
        if rules.time_format is None:
            raise ConfError("no TIME_FORMAT: Splunk's own recognition is not modelled, set it")
        usecs = self._extracted(raw, rules.time_format)
        if usecs is not None and self._plausible(usecs, now):
            self._last = usecs
        return now if self._last is None else self._last

    def _extracted(self, raw: str, time_format: TimeFormat) -> int | None:
        text = raw
        if self._rules.time_prefix is not None:
            match = self._rules.time_prefix.first(raw)
            if match is None:
                return None
            text = raw[match.end() :]
        if self._rules.lookahead > 0:
            text = text[: self._rules.lookahead]
        return time_format.read(text, self._rules.zone or zone_of("UTC"))

    def _plausible(self, usecs: int, now: int) -> bool:
        ago = (now - usecs) / _DAY_USECS
        return -self._rules.days_hence <= ago <= self._rules.days_ago


# --- events of a modular input


def modular_input_events(
    stream: str | bytes | IO[str] | IO[bytes],
    rules_of: Callable[[InputMetadata], IndexRules],
    clock: Clock,
) -> Iterator[IndexedEvent]:
    """The events of a modular input's XML.

    An event without `unbroken` is complete: no line breaking. Text of `unbroken` ones from the same
    input is joined up to the next `<done/>` and broken by LINE_BREAKER.
    """
    times: dict[InputMetadata, Timestamps] = {}
    open_texts: dict[InputMetadata, _OpenText] = {}
    for event in streamed_events(stream):
        metadata = InputMetadata(event.host, event.source, event.sourcetype, event.index)
        rules = rules_of(metadata)
        stamps = times.setdefault(metadata, Timestamps(rules, clock))
        if not event.unbroken:
            usecs = stamps.of(event.data) if event.usecs is None else event.usecs
            yield indexed(event.data, metadata, rules, usecs)
            continue
        opened = open_texts.setdefault(metadata, _OpenText(rules, metadata, stamps))
        opened.take(event)
        if event.done:
            yield from open_texts.pop(metadata).events()
    for opened in open_texts.values():
        yield from opened.events()


class _OpenText:
    """Text of unbroken events that waits for its `<done/>`."""

    def __init__(self, rules: IndexRules, metadata: InputMetadata, stamps: Timestamps) -> None:
        _check_mergeless(rules, metadata)
        self._rules = rules
        self._metadata = metadata
        self._stamps = stamps
        self._parts: list[str] = []
        self._usecs: int | None = None

    def take(self, streamed: StreamedEvent) -> None:
        self._parts.append(streamed.data)
        if streamed.usecs is not None:
            self._usecs = streamed.usecs

    def events(self) -> Iterator[IndexedEvent]:
        for raw in broken("".join(self._parts), self._rules.line_breaker):
            if raw:
                usecs = self._stamps.of(raw) if self._usecs is None else self._usecs
                yield indexed(raw, self._metadata, self._rules, usecs)

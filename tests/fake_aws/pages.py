"""FilterLogEvents and GetLogEvents: windows, pages and tokens, and what goes wrong with them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tests.fake_aws import wire
from tests.fake_aws.calls import Call, invalid
from tests.fake_aws.faults import PAGE_BYTES, PAGE_EVENTS
from tests.fake_aws.store import (
    LogGroup,
    PageLimits,
    Position,
    Stored,
    index_after,
    index_before,
    index_from,
    page_end,
    page_start,
)
from tests.fake_aws.tokens import Token, Tokens, digest_of
from tests.fake_aws.wire import Answer, Refusal

STREAM_NAMES = 100  # the most of one FilterLogEvents call


@dataclass(frozen=True)
class EventWindow:
    """The events of a window, and where a page may lie: indices, the last one exclusive.

    reached: the position after which the page begins (before which it ends, reading backwards).
    """

    digest: str
    events: Sequence[Stored]
    first: int
    last: int
    reached: Position
    token: Token | None
    backward: bool = False

    @property
    def start(self) -> int:
        """The index of the first event that has not been given out."""
        return max(self.first, index_after(self.events, self.reached))

    @property
    def stop(self) -> int:
        """Reading backwards: one more than the index of the last one."""
        return min(self.last, index_before(self.events, self.reached))


class Pages:
    """Pages of events; remembers which windows have had faults of their tokens."""

    def __init__(self, tokens: Tokens) -> None:
        self._tokens = tokens
        self._token_faults: dict[str, int] = {}

    def filter_log_events(self, call: Call, group: LogGroup) -> Answer:
        """Both ends of the window are inclusive; no token means the end, an empty page does not."""
        call.refuse_unmodelled("filterPattern", "unmask")
        if not call.flag("startFromHead", default=True):
            raise invalid("this fake of CloudWatch Logs does not model startFromHead=false")
        window = self._filter_window(call, group)
        if _comes_empty(call, window):
            return self._page((), self._next(call, window, window.reached, empty=True))
        begin, end = _slice(call, window)
        events = window.events[begin:end]
        reached = events[-1][:3] if events else window.reached
        if window.token is not None and self._strikes(call, window.digest, "repeat_token"):
            shown = events if call.coin("repeated-page") else ()
            return self._page(shown, str(call.body["nextToken"]))
        if end < window.last:
            return self._page(events, self._next(call, window, reached))
        self._token_faults.pop(window.digest, None)
        return self._page(events, None)

    def get_log_events(self, call: Call, group: LogGroup) -> Answer:
        """The start is inclusive, the end is not; the same token again means the end."""
        call.refuse_unmodelled("unmask")
        window = self._stream_window(call, group)
        if not window.backward and _comes_empty(call, window):
            here = window.start
            forward = self._next(call, window, window.reached, empty=True)
            return self._stream_page(call, window, (here, here), forward)
        if window.backward:
            stop = window.stop
            begin, end = page_start(window.events, window.first, stop, _limits(call)), stop
        else:
            begin, end = _slice(call, window)
        if begin >= end and window.token is not None:
            return self._stream_page(call, window, (begin, begin), str(call.body["nextToken"]))
        return self._stream_page(call, window, (begin, end), None)

    def _page(self, events: Sequence[Stored], token: str | None) -> Answer:
        members: dict[str, object] = {"searchedLogStreams": []}  # always empty since 2019
        if token is not None:
            members["nextToken"] = token
        return wire.page_json(map(wire.event_json, events), members)

    def _stream_page(
        self, call: Call, window: EventWindow, where: tuple[int, int], token: str | None
    ) -> Answer:
        """`token` is that of the direction in which the reader reads, if it is given already."""
        events = window.events[where[0] : where[1]]
        last = events[-1][:3] if events else window.reached
        first = events[0][:3] if events else window.reached
        forward = self._next(call, window, last)
        backward = self._next(call, window, first, backward=True)
        if token is not None:
            forward, backward = (forward, token) if window.backward else (token, backward)
        members = {"nextForwardToken": forward, "nextBackwardToken": backward}
        return wire.page_json(map(wire.stream_event_json, events), members)

    def _next(
        self,
        call: Call,
        window: EventWindow,
        reached: Position,
        *,
        empty: bool = False,
        backward: bool = False,
    ) -> str:
        empties = (window.token.empties if window.token else 0) + 1 if empty else 0
        return self._tokens.write(Token(window.digest, call.now_ms, reached, backward, empties))

    def _filter_window(self, call: Call, group: LogGroup) -> EventWindow:
        start_ms, end_ms = _window(call)
        names = call.names("logStreamNames", STREAM_NAMES)
        prefix = call.text("logStreamNamePrefix")
        if names is not None and prefix is not None:
            raise invalid("logStreamNamePrefix and logStreamNames are mutually exclusive")
        events = group.events(call.now_ms)
        first = index_from(events, start_ms)
        last = len(events) if end_ms is None else index_from(events, end_ms + 1)
        if names is not None:
            if names - set(group.streams(call.now_ms)):
                raise _no_stream()
            events = [event for event in events[first:last] if event.stream in names]
            first, last = 0, len(events)
        elif prefix is not None:
            events = [event for event in events[first:last] if event.stream.startswith(prefix)]
            first, last = 0, len(events)
        digest = digest_of(
            call.operation, group.name, start_ms, end_ms, names and sorted(names), prefix
        )
        token = self._token(call, digest)
        reached = token.position if token else (start_ms, -1, "")
        return EventWindow(digest, events, first, last, reached, token)

    def _stream_window(self, call: Call, group: LogGroup) -> EventWindow:
        start_ms, end_ms = _window(call)
        stream = call.text("logStreamName")
        if stream is None:
            raise invalid("1 validation error detected: Value null at 'logStreamName'")
        events = group.stream_events(stream, call.now_ms)
        if events is None:
            raise _no_stream()
        first = index_from(events, start_ms)
        last = len(events) if end_ms is None else max(first, index_from(events, end_ms))
        digest = digest_of(call.operation, group.name, stream, start_ms, end_ms)
        token = self._token(call, digest)
        if token is not None:
            return EventWindow(digest, events, first, last, token.position, token, token.backward)
        if call.flag("startFromHead", default=False):
            return EventWindow(digest, events, first, last, (start_ms, -1, ""), None)
        past = (events[last - 1].at_ms + 1, -1, "") if last > first else (start_ms, -1, "")
        return EventWindow(digest, events, first, last, past, None, backward=True)

    def _token(self, call: Call, digest: str) -> Token | None:
        text = call.text("nextToken")
        if text is None:
            return None
        token = self._tokens.read(text)
        if token is None or token.digest != digest:
            raise invalid("The specified nextToken is invalid.")
        if call.now_ms - token.issued_ms >= call.faults.token_life_ms:
            raise invalid("The specified nextToken is invalid.")
        if self._strikes(call, digest, "refuse_token"):
            raise invalid("The specified nextToken is invalid.")
        return token

    def _strikes(self, call: Call, digest: str, knob: str) -> bool:
        so_far = self._token_faults.get(digest, 0)
        if so_far >= call.faults.token_faults or not call.hit_by(knob):
            return False
        self._token_faults[digest] = so_far + 1
        return True


def _no_stream() -> Refusal:
    return Refusal("ResourceNotFoundException", "The specified log stream does not exist.")


def _window(call: Call) -> tuple[int, int | None]:
    start_ms = call.whole("startTime", 0) or 0
    end_ms = call.whole("endTime", 0)
    if end_ms is not None and end_ms < start_ms:
        raise invalid("endTime must not be before startTime")
    return start_ms, end_ms


def _limits(call: Call) -> PageLimits:
    limit = call.whole("limit", 1, PAGE_EVENTS) or PAGE_EVENTS
    events = min(limit, PAGE_EVENTS, call.faults.page_events)
    return PageLimits(events, min(PAGE_BYTES, call.faults.page_bytes))


def _comes_empty(call: Call, window: EventWindow) -> bool:
    empties = window.token.empties if window.token else 0
    return empties < call.faults.empty_in_a_row and call.hit_by("empty_page")


def _slice(call: Call, window: EventWindow) -> tuple[int, int]:
    """The slice of the page; it always has an event that is new, if one is left."""
    limits = _limits(call)
    start = window.start
    overlap = min(call.faults.overlap_events, limits.events // 2) if window.token else 0
    begin = max(window.first, start - overlap)
    end = page_end(window.events, begin, window.last, limits)
    if end <= start:
        begin, end = start, page_end(window.events, start, window.last, limits)
    if end - start > 1 and call.hit_by("partial_page"):
        end = start + 1 + call.chance.below("partial-size", call.number, end - start - 1)
    return begin, max(begin, end)

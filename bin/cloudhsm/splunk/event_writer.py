"""Splunk's XML event stream, as a modular input prints it.

An `<event>` without `unbroken` is one complete event: Splunk neither breaks nor merges it. The text
of a record is evidence: every character that XML 1.0 can carry arrives as it is, every other one
becomes a visible `\\uXXXX`.
"""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from cloudhsm.base.errors import OutputClosed
from cloudhsm.trail.log_group import Origin

# Outside the Char production of XML 1.0: control characters, surrogates, U+FFFE and U+FFFF.
_NOT_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_MARKUP = "&<>\r"
_SECOND_USECS = 1_000_000
# The texts of so many records, about 30 kB, stay in a processor's first cache while they are looked
# through for one character after the other.
_AT_ONCE = 80
_CONTROLS = tuple({*range(0x20)} - {0x09, 0x0A, 0x0D})


class Event(NamedTuple):
    """One event for Splunk; `time_usecs` is microseconds since 1970 UTC."""

    time_usecs: int
    text: str
    host: str
    source: str
    sourcetype: str


def is_carried(text: str) -> bool:
    """Whether XML can carry every character of the text; as `_NOT_XML`, and far faster."""
    try:
        encoded = text.encode()
    except UnicodeEncodeError:  # a lone surrogate
        return False
    if "\ufffe" in text or "\uffff" in text:
        return False
    return not any(map(encoded.__contains__, _CONTROLS))  # each a memchr over a whole page


def visible(text: str) -> str:
    """The text with each character that XML cannot carry written as `\\uXXXX`."""
    return _NOT_XML.sub(lambda match: f"\\u{ord(match[0]):04x}", text)


class Output(Protocol):
    """Where the stream goes; `flush` returns when it was read."""

    def write(self, data: bytes, /) -> int: ...
    def flush(self) -> None: ...


class EventWriter:
    """Writes events in the order given; nothing is buffered beyond `flush`.

    A write that does not return, e.g. for StopRequested, is the last: what follows half an event
    would be taken for a part of it.
    """

    def __init__(self, output: Output, index: str | None) -> None:
        self._output = output
        self._is_torn = False
        self._opening = "<stream>"
        self._index = f"<index>{_escape(index)}</index>" if index else ""

    def write(self, events: Iterable[Event]) -> None:
        """Send events to Splunk; raises OutputClosed when Splunk has closed its end of the pipe."""
        rows = [*events]
        if rows:
            times, texts, *origins = zip(*rows)
            senders = [*zip(*origins)]
            self.write_page(times, texts, senders, {origin: origin for origin in {*senders}})

    def write_page(
        self,
        times_usecs: Sequence[int],
        texts: Sequence[str],
        senders: Sequence[Hashable],
        origins: Mapping[Any, Origin],
    ) -> list[int]:
        """Write events as columns; returns the index of each one that XML cannot carry as it is.

        senders: for each event, which of the `origins` it has. Raises OutputClosed.
        """
        ends = {sender: self._end(*origin) for sender, origin in origins.items()}
        altered: list[int] = []
        for first in range(0, len(texts), _AT_ONCE):
            part = slice(first, first + _AT_ONCE)
            if not self._write_some(times_usecs[part], texts[part], senders[part], ends):
                indexes = enumerate(texts[part], first)
                altered += [index for index, text in indexes if not is_carried(text)]
        return altered

    def _write_some(
        self,
        times_usecs: Sequence[int],
        texts: Sequence[str],
        senders: Sequence[Hashable],
        ends: Mapping[Any, str],
    ) -> bool:
        # Nearly all texts have nothing that needs escaping: one search over all of them shows it.
        joined = "".join(texts)
        are_carried = is_carried(joined)
        if not are_carried or any(sign in joined for sign in _MARKUP):
            texts = [*map(_escape, texts)]
        digits = [*map(str, times_usecs)]  # a float would lose some
        if min(times_usecs) < _SECOND_USECS:
            digits = [usecs.zfill(7) for usecs in digits]
        elements = [
            f"<event><time>{usecs[:-6]}.{usecs[-6:]}</time><data>{text}{end}"
            for usecs, text, end in zip(digits, texts, map(ends.__getitem__, senders))
        ]
        self._put(self._opening + "".join(elements))
        self._opening = ""
        return are_carried

    def flush(self) -> None:
        """Return only when splunkd has read everything written so far."""
        self._is_torn = True
        try:
            self._output.flush()
        except (OSError, ValueError) as error:
            raise _closed(error) from error
        self._is_torn = False

    def close(self) -> None:
        """End the stream; a run without events prints an empty one."""
        if self._is_torn:
            return
        self._put(self._opening + "</stream>\n")
        self._opening = ""
        self.flush()

    def _put(self, text: str) -> None:
        data = text.encode()
        self._is_torn = True
        try:
            taken = self._output.write(data)
        except (OSError, ValueError) as error:
            raise _closed(error) from error
        if taken != len(data):
            raise _closed(OSError(f"only {taken} of {len(data)} bytes were taken"))
        self._is_torn = False

    def _end(self, host: str, source: str, sourcetype: str) -> str:
        """What follows the text in every event of this origin."""
        return (
            f"</data><host>{_escape(host)}</host><source>{_escape(source)}</source>"
            f"<sourcetype>{sourcetype}</sourcetype>{self._index}</event>\n"
        )


def _escape(text: str) -> str:
    if not is_carried(text):
        text = visible(text)
    # A bare carriage return would be read back as a line feed (XML 1.0, 2.11).
    return (
        text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("\r", "&#13;")
    )


def _closed(error: Exception) -> OutputClosed:
    return OutputClosed(
        f"Splunk does not take events any more: {error}",
        next_step="Nothing to do if Splunk is stopping; the next run delivers what was not taken",
    )

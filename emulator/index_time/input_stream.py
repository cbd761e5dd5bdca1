"""The XML stream that a modular input prints, read in chunks.

Source: Developing Modular Inputs, "Streaming data in XML": `<stream>` has `<event>`s, each with
`<data>` and, optionally, `<time>`, `<host>`, `<source>`, `<sourcetype>`, `<index>` and `<done/>`.
"""

from __future__ import annotations

import io
import re
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO
from xml.parsers import expat

from emulator.errors import StreamError

_CHUNK = 65_536
_PARTS = frozenset({"data", "time", "host", "source", "sourcetype", "index", "done"})
_TIME = re.compile(r"(\d+)(?:\.(\d{1,6}))?\Z")


@dataclass(frozen=True)
class StreamedEvent:
    """One `<event>`; `usecs` is None when it has no `<time>`."""

    data: str
    usecs: int | None
    host: str
    source: str
    sourcetype: str
    index: str
    unbroken: bool
    done: bool


def streamed_events(stream: str | bytes | IO[str] | IO[bytes]) -> Iterator[StreamedEvent]:
    """Yields each event when it is complete; raises StreamError with the line of the fault."""
    reader = _Reader()
    for chunk in _chunks(stream):
        fault = reader.feed(chunk)
        while reader.complete:
            yield reader.complete.popleft()
        if fault:
            raise fault
    if fault := reader.close():
        raise fault


def _chunks(stream: str | bytes | IO[str] | IO[bytes]) -> Iterator[bytes]:
    source: IO[str] | IO[bytes]
    if isinstance(stream, bytes):
        source = io.BytesIO(stream)
    else:
        source = io.StringIO(stream, newline="") if isinstance(stream, str) else stream
    while chunk := source.read(_CHUNK):
        yield chunk.encode() if isinstance(chunk, str) else chunk


class _Reader:
    """Expat's callbacks; the events that are complete wait in `complete`."""

    def __init__(self) -> None:
        self.complete: deque[StreamedEvent] = deque()
        self._path: list[str] = []
        self._text: list[str] = []
        self._parts: dict[str, str] = {}
        self._unbroken = False
        self._count = 0
        self._parser = expat.ParserCreate("utf-8")
        self._parser.buffer_text = True
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.CharacterDataHandler = self._characters
        self._parser.StartDoctypeDeclHandler = self._doctype

    def feed(self, chunk: bytes) -> StreamError | None:
        return self._parse(chunk, final=False)

    def close(self) -> StreamError | None:
        return self._parse(b"", final=True)

    def _parse(self, data: bytes, *, final: bool) -> StreamError | None:
        try:
            self._parser.Parse(data, final)
        except StreamError as error:
            return error
        except expat.ExpatError as error:
            reason = expat.errors.messages[error.code]
            return self._fault(f"{reason} after {self._count} complete events", error.lineno)
        return None

    def _fault(self, message: str, line: int | None = None) -> StreamError:
        return StreamError(
            f"modular input stream, line {line or self._parser.CurrentLineNumber}: {message}"
        )

    def _doctype(self, *_declaration: object) -> None:
        raise self._fault("a document type declaration does not belong here")

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        allowed = {0: {"stream"}, 1: {"event"}, 2: _PARTS}.get(len(self._path), frozenset())
        if name not in allowed:
            parent = "/".join(self._path) or "the start"
            raise self._fault(f"<{name}> is not known in {parent}")
        unknown = set(attributes) - ({"stanza", "unbroken"} if name == "event" else set())
        if unknown:
            raise self._fault(f"<{name}> has unknown attributes: {', '.join(sorted(unknown))}")
        if name in self._parts:
            raise self._fault(f"<{name}> occurs twice in one event")
        self._path.append(name)
        self._text = []
        if name == "event":
            self._parts = {}
            self._unbroken = self._flag(attributes.get("unbroken", "0"))

    def _flag(self, value: str) -> bool:
        if value not in {"0", "1"}:
            raise self._fault(f'unbroken="{value}": write 1, or leave it out')
        return value == "1"

    def _characters(self, text: str) -> None:
        if len(self._path) == 3:
            self._text.append(text)
        elif text.strip():
            parent = "/".join(self._path)
            raise self._fault(f"text between the elements of {parent}: {text.strip()[:40]!r}")

    def _end(self, name: str) -> None:
        self._path.pop()
        if len(self._path) == 2:
            self._parts[name] = "".join(self._text)
        elif name == "event":
            self._count += 1
            self.complete.append(self._event())
            self._parts = {}

    def _event(self) -> StreamedEvent:
        parts = self._parts
        for name in ("data", "host", "source", "sourcetype"):
            if name not in parts or (name != "data" and not parts[name]):
                raise self._fault(f"event {self._count} has no <{name}>: the collector must set it")
        return StreamedEvent(
            parts["data"],
            self._usecs(parts.get("time")),
            parts["host"],
            parts["source"],
            parts["sourcetype"],
            parts.get("index") or "main",
            self._unbroken,
            "done" in parts,
        )

    def _usecs(self, text: str | None) -> int | None:
        if text is None:
            return None
        match = _TIME.match(text.strip())
        if not match:
            raise self._fault(f"<time>{text[:40]}</time> is not seconds with at most 6 decimals")
        return int(match[1]) * 1_000_000 + int(f"{match[2] or '':0<6}")

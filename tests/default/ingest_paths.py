"""The two ingest paths of a record: through the collector, and from a file."""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from typing import Union

from cloudhsm.splunk.event_writer import Event, EventWriter
from emulator.app import App
from emulator.event import IndexedEvent

AUDIT = "aws:cloudhsm:audit"
CERTIFICATE = "aws:cloudhsm:certificate"
CLUSTER = "cluster-likphkxygsn"
HSM = "hsm-nwbbiqbj4jk"
NOW_USECS = 1_795_374_000_000_000  # 2026-11-22 19:00 UTC: no record depends on the day of the test
ARRIVED_USECS = 1_750_000_000_000_000  # CloudWatch's own time, for texts that have none

Fields = dict[str, Union[str, list[str]]]


def from_collector(app: App, texts: Sequence[str], sourcetype: str = AUDIT) -> list[IndexedEvent]:
    """The events of these texts in the collector's own stream; all have the time of arrival."""
    output = io.BytesIO()
    writer = EventWriter(output, None)
    host, source = _origin(sourcetype)
    writer.write(Event(ARRIVED_USECS, text, host, source, sourcetype) for text in texts)
    writer.close()
    return list(app.index_modular_input(output.getvalue(), _now))


def from_file(app: App, text: str, sourcetype: str = AUDIT) -> list[IndexedEvent]:
    """The events of a file with this text."""
    host, source = _origin(sourcetype)
    events = app.index_text(text, sourcetype=sourcetype, source=source, host=host, clock=_now)
    return list(events)


def file_of(texts: Iterable[str]) -> str:
    """A file of records, one after the other; a line end after the last would be part of it."""
    return "\n".join(texts)


def fields_of(app: App, event: IndexedEvent) -> Fields:
    """The search-time fields of the event, and its time in microseconds since 1970."""
    return {"time_usecs": str(event.time_usecs), **app.search_time(event)}


def _origin(sourcetype: str) -> tuple[str, str]:
    """Host and source."""
    stream = CLUSTER if sourcetype == CERTIFICATE else HSM
    return stream, f"111122223333:us-east-1:/aws/cloudhsm/{CLUSTER}:{stream}"


def _now() -> int:
    return NOW_USECS

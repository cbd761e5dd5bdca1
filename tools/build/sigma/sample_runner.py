"""Runs a detection's Sigma rule over the detection's own samples, in SQLite.

pySigma-backend-sqlite makes the query, SQLite runs it, and the events are what the shipped command
prints of the sample's records: nothing of Splunk or of the emulator takes part.
"""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from functools import lru_cache
from itertools import chain
from typing import Any

from cloudhsm.siem import output_formats
from cloudhsm.siem.json_values import instant
from cloudhsm.siem.search_time import Meaning
from cloudhsm.siem.templates import Printer
from samples.layout import Generation
from samples.scene import Scene, from_mapping
from tools.build.environments import ROOT
from tools.content.detections import ingest
from tools.content.detections.sample_runner import START, repeated
from tools.content.detections.schema import Detection, Sample

_NUMBERS = ("sequence", "event.sequence", "metadata.sequence")


def events(detection: Detection, sample: Sample, generation: Generation, form: str) -> list[Any]:
    """The sample's events as another product would have them: JSON, in the order of time."""
    if detection.sigma.service == "cloudtrail":
        lines = chain.from_iterable(map(repeated, sample.cloudtrail))
        calls = [ingest.api_call(line, START) for line in lines]
        return [_timed(json.loads(text)) for _at, text in sorted(calls)]
    printer = _printer(form)
    scene = Scene(generation, START * 1_000_000)
    documents = []
    for _shown, event in scene.arrivals([*map(from_mapping, sample.records)]):
        source = f"{ingest.ACCOUNT}:{ingest.REGION}:{event.log_group}:{event.log_stream}"
        origin = (source, event.log_stream)
        line = printer.complete(event.message, origin, event.timestamp_ms * 1000).line
        documents.append(_timed(json.loads(line)))
    return documents


def _timed(event: dict[str, Any]) -> dict[str, Any]:
    """With the column by which pySigma's backend for SQLite knows the time."""
    return {**event, "timestamp": _time(event)}


def rows(events: Iterable[Mapping[str, Any]], queries: Sequence[str], fields: Iterable[str]) -> int:
    """How many rows the queries have over these events. fields: those that they look at."""
    flat = [dict(_flat(event)) for event in events]
    columns = sorted({*fields, "timestamp", *(name for event in flat for name in event)})
    with closing(sqlite3.connect(":memory:")) as database:
        database.create_function("regexp", 2, _matches, deterministic=True)
        names = ", ".join(f'"{name}"{" NUMERIC" * (name in _NUMBERS)}' for name in columns)
        database.execute(f"CREATE TABLE logs ({names})")
        parameters = ", ".join("?" * len(columns))
        database.executemany(
            f"INSERT INTO logs VALUES ({parameters})",  # noqa: S608  (our own columns)
            [[event.get(name) for name in columns] for event in flat],
        )
        return sum(len(database.execute(query).fetchall()) for query in queries)


@lru_cache(maxsize=4)
def _printer(form: str) -> Printer:
    return Printer(Meaning(ROOT), output_formats.form_called(form))


def _time(event: Mapping[str, Any]) -> object:
    """When it happened, ISO 8601: from our fields, ECS, CloudTrail or OCSF (milliseconds)."""
    times = [event[name] for name in ("_time", "@timestamp", "eventTime") if name in event]
    return times[0] if times else instant(event["time"] * 1000)


def _flat(event: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, Any]]:
    """Names with dots; of several values the first, as most products index them."""
    for name, value in event.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{before}{name}.")
        elif isinstance(value, list):
            yield f"{before}{name}", value[0] if value and isinstance(value[0], str) else None
        elif isinstance(value, bool):
            yield f"{before}{name}", str(value).lower()
        else:
            yield f"{before}{name}", value


def _matches(pattern: str, value: object) -> bool:
    return value is not None and re.search(pattern, str(value)) is not None

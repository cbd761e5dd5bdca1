"""What the real collector hands to Splunk of a fake CloudWatch Logs that outsiders write to."""

from __future__ import annotations

import io
from pathlib import Path

import tests.bin.conftest  # noqa: F401  (the vendored botocore)
from cloudhsm.aws.cloudwatch_logs import CloudWatchLogs
from cloudhsm.base.settings import parse
from cloudhsm.base.shutdown import Stop
from cloudhsm.collect.collector import Collector
from cloudhsm.collect.read_ahead import sequential
from cloudhsm.splunk.event_writer import EventWriter
from cloudhsm.state.file_store import FileStateStore
from cloudhsm.state.input_cache import InputFile
from emulator.app import App
from emulator.event import IndexedEvent
from tests.fake_aws.in_process import every_client, no_waiting
from tests.fake_aws.service import REGION, Service

NOW_MS = 1_790_000_000_000
DAY_MS = 86_400_000
_STANZA = "aws_cloudhsm://main"


class CollectedGroups:
    """Log groups that anyone may write to, and one input that collects them run after run."""

    def __init__(self, folder: Path, app: App) -> None:
        self.service = Service(1, NOW_MS)
        self._folder = folder
        self._app = app

    def put(self, group: str, stream: str, at_ms: int, text: str) -> None:
        """PutLogEvents, after CreateLogGroup and CreateLogStream where they are missing."""
        if group not in self.service.groups():
            self.service.add_group(group)
        self.service.put(group, stream, at_ms, text)

    def pass_days(self, days: float) -> None:
        self.service.advance(round(days * DAY_MS))

    def run(self) -> list[IndexedEvent]:
        """The events of one run, as they are indexed."""
        stream = io.BytesIO()
        with every_client(self.service), no_waiting(self.service):
            parameters = {"aws_region": REGION, "start_time": "-30d"}
            settings = parse(_STANZA, parameters, self.service.now_ms)
            writer = EventWriter(stream, None)
            Collector(
                settings,
                CloudWatchLogs(settings),
                FileStateStore(self._folder),
                InputFile(self._folder, _STANZA),
                writer,
                Stop(),
                "splunk-1",
                read=sequential,
            ).run()
            writer.close()
        return list(self._app.index_modular_input(stream.getvalue()))

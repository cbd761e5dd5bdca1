"""Splunk's modular input protocol: scheme, validation, wiring.

botocore is imported only when events are streamed: splunkd asks every scheme for its arguments when
it starts.
"""

from __future__ import annotations

import logging
import os
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from splunklib.modularinput import (
    Argument,
    InputDefinition,
    Scheme,
    Script,
    ValidationDefinition,
)
from splunklib.modularinput import (
    EventWriter as SplunkEventWriter,
)

from cloudhsm import access, log_file, settings
from cloudhsm.errors import CloudHsmError, OutputClosed, pair
from cloudhsm.event_writer import EventWriter
from cloudhsm.settings import Settings
from cloudhsm.stop import Stop, StopRequested

if TYPE_CHECKING:
    from cloudhsm.collector import Collector

log = logging.getLogger("cloudhsm")

ARGUMENTS = {
    "aws_region": "AWS Region of the clusters, e.g. us-east-1",
    "log_groups": "Log groups to read: names, or prefixes ending in * or /, separated by commas. "
    f"Default: {settings.DEFAULT_LOG_GROUPS}",
    "start_time": "Collect records from this instant on: 2026-01-31, 2026-01-31T08:00:00Z, -30d, "
    f"now or all. Default: {settings.DEFAULT_START_TIME}",
    "endpoint_url": "Another endpoint of CloudWatch Logs, e.g. of a VPC endpoint. Default: AWS's",
    "lateness_horizon": "How late a record may become visible and still be collected, 1h to 30d. "
    f"Default: {settings.DEFAULT_LATENESS_HORIZON}",
    "calls_per_second": "At most this many calls to CloudWatch Logs, 0.2 to 100. Default: half of "
    "the Region's quota",
    "windows_in_flight": "How many stretches of a log group's history are read side by side, "
    f"1 to 8. Default: {settings.DEFAULT_WINDOWS_IN_FLIGHT}",
    "log_level": f"Of this input's log file: {', '.join(settings.LOG_LEVELS)}. "
    f"Default: {settings.DEFAULT_LOG_LEVEL}",
}


class AwsCloudHsmInput(Script):  # type: ignore[misc]  # splunklib has no type information
    """The scheme `aws_cloudhsm`; `exit_status` is what splunkd should see after a streaming run."""

    def __init__(self) -> None:
        super().__init__()
        self.exit_status = 0
        self._is_output_closed = False

    def get_scheme(self) -> Scheme:
        """What splunkd shows under Settings > Data inputs."""
        scheme = Scheme("AWS CloudHSM audit logs")
        scheme.description = "Collects CloudHSM audit logs from CloudWatch Logs, without gaps."
        scheme.use_external_validation = True
        scheme.use_single_instance = False
        scheme.streaming_mode = Scheme.streaming_mode_xml
        for name, description in ARGUMENTS.items():
            scheme.add_argument(
                Argument(
                    name,
                    description=description,
                    required_on_create=name == "aws_region",
                    required_on_edit=False,
                )
            )
        return scheme

    def validate_input(self, definition: ValidationDefinition) -> None:
        """Raises CloudHsmError; splunkd shows its text to the person who saves the input."""
        log_file.conceal(definition.metadata.get("session_key"))
        name = definition.metadata["name"]
        asked = settings.parse(f"{settings.SCHEME}://{name}", definition.parameters, _now_ms())
        failures = check_access(asked)
        if failures:
            raise access.as_one(failures)

    def stream_events(self, inputs: InputDefinition, ew: SplunkEventWriter) -> None:
        """One run of each stanza that splunkd hands over (one, since instances are not shared)."""
        del ew  # `cloudhsm.event_writer` writes the same stream without `unbroken`
        stop = Stop()
        stop.listen()
        log_file.conceal(inputs.metadata.get("session_key"))
        home = os.environ.get("SPLUNK_HOME")
        for stanza, parameters in inputs.inputs.items():
            try:
                asked = settings.parse(stanza, parameters, _now_ms())
            except CloudHsmError as error:
                self._fail(stanza, [error])
                continue
            with log_file.open_log(stanza, asked.log_level, Path(home) if home else None):
                self._fail(stanza, collect(asked, inputs.metadata, stop))
            if self._is_output_closed:
                _let_go_of_stdout()
                return

    def _fail(self, stanza: str, failures: list[CloudHsmError]) -> None:
        for failure in failures:
            self.exit_status = 1
            self._is_output_closed |= isinstance(failure, OutputClosed)
            log.error("%s %s", pair("input", stanza), failure.line())


def check_access(asked: Settings) -> list[CloudHsmError]:
    """What stands in the way of collecting, found by a dry call of 15 s at most."""

    def connect() -> access.Source:
        from cloudhsm.cloudwatch import CloudWatchLogs
        from cloudhsm.credentials import HASTY

        return CloudWatchLogs(asked, HASTY)

    return access.check(asked, connect)


def collect(asked: Settings, metadata: dict[str, str], stop: Stop) -> list[CloudHsmError]:
    """One run of one stanza; returns what failed, for single groups or altogether."""
    # Not sys.stdout.buffer: under PYTHONUNBUFFERED that is raw, and takes only part of a write.
    stdout = open(sys.stdout.fileno(), "wb", closefd=False)  # noqa: SIM115  (the process's own)
    writer = EventWriter(stdout, asked.index)
    failures: list[CloudHsmError] = []
    try:
        with suppress(StopRequested):
            collector = _wired(asked, metadata, writer, stop)
            failures = collector.outcome.failures
            outcome = collector.run()
            log.info("%s what=run_ended %s", pair("input", asked.stanza), outcome.line())
        writer.close()
    except CloudHsmError as error:
        failures.append(error)
        if not isinstance(error, OutputClosed):
            writer.close()
    if stop.requested:
        log.info("%s what=stopped", pair("input", asked.stanza))
    return failures


def _wired(asked: Settings, metadata: dict[str, str], writer: EventWriter, stop: Stop) -> Collector:
    """The rooms put together. Raises CloudHsmError where there can be no client."""
    from cloudhsm.cloudwatch import CloudWatchLogs
    from cloudhsm.collector import Collector
    from cloudhsm.input_state import InputFile
    from cloudhsm.state_store import FileStateStore

    checkpoints = Path(metadata["checkpoint_dir"])
    memory = InputFile(checkpoints, asked.stanza)
    with stop.interruptible():
        if memory.load().is_new_to(asked):  # a conf file that was deployed met no validation
            for failure in check_access(asked):
                told = f"what=access_checked {failure.line()}"
                log.warning("%s %s", pair("input", asked.stanza), told)
        logs = CloudWatchLogs(asked)
    store, host = FileStateStore(checkpoints), metadata.get("server_host", "")
    return Collector(asked, logs, store, memory, writer, stop, host)


def main(arguments: list[str]) -> int:
    """Entry point; returns the process's exit status."""
    log_file.to_stderr()
    script = AwsCloudHsmInput()
    return int(script.run(arguments)) or script.exit_status


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


def _let_go_of_stdout() -> None:
    """The interpreter flushes stdout when it ends, which would fail once more, and noisily."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())

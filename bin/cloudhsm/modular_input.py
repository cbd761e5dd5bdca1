"""Splunk's modular input protocol: scheme, validation, wiring.

botocore is imported only when events are streamed: splunkd asks every scheme for its arguments when
it starts.
"""

from __future__ import annotations

import logging
import os
import sys
import time
from pathlib import Path

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

from cloudhsm import settings
from cloudhsm.errors import CloudHsmError, OutputClosed, pair
from cloudhsm.event_writer import EventWriter
from cloudhsm.stop import Stop, StopRequested

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
        """Raises SettingError; splunkd shows its text to the person who saves the input."""
        settings.parse(definition.metadata["name"], definition.parameters, _now_ms())

    def stream_events(self, inputs: InputDefinition, ew: SplunkEventWriter) -> None:
        """One run of each stanza that splunkd hands over (one, since instances are not shared)."""
        del ew  # `cloudhsm.event_writer` writes the same stream without `unbroken`
        stop = Stop()
        stop.listen()
        for stanza, parameters in inputs.inputs.items():
            failures: list[CloudHsmError] = []
            try:
                run_stanza(stanza, parameters, inputs.metadata, stop, failures)
            except StopRequested:
                log.info("%s what=stopped", pair("input", stanza))
            except CloudHsmError as error:
                failures.append(error)
            for failure in failures:
                self.exit_status = 1
                log.error("%s %s", pair("input", stanza), failure.line())
            if any(isinstance(failure, OutputClosed) for failure in failures):
                _let_go_of_stdout()
                return


def run_stanza(
    stanza: str,
    parameters: dict[str, str | None],
    metadata: dict[str, str],
    stop: Stop,
    failures: list[CloudHsmError],
) -> None:
    """Wire the rooms together and collect once.

    What failed for one group is added to `failures`; raises CloudHsmError for what ended the run.
    """
    from cloudhsm.cloudwatch import CloudWatchLogs
    from cloudhsm.collector import Collector
    from cloudhsm.input_state import InputFile
    from cloudhsm.state_store import FileStateStore

    checkpoints = Path(metadata["checkpoint_dir"])
    asked = settings.parse(stanza, parameters, _now_ms())
    with stop.interruptible():
        logs = CloudWatchLogs(asked)
    # Not sys.stdout.buffer: under PYTHONUNBUFFERED that is raw, and takes only part of a write.
    stdout = open(sys.stdout.fileno(), "wb", closefd=False)  # noqa: SIM115  (the process's own)
    writer = EventWriter(stdout, asked.index)
    collector = Collector(
        asked,
        logs,
        FileStateStore(checkpoints),
        InputFile(checkpoints, stanza),
        writer,
        stop,
        metadata.get("server_host", ""),
    )
    try:
        collector.run()
        writer.close()
    finally:
        failures += collector.outcome.failures
    log.info("%s what=run_ended %s", pair("input", stanza), collector.outcome.line())


def main(arguments: list[str]) -> int:
    """Entry point; returns the process's exit status."""
    logging.basicConfig(stream=sys.stderr, format="%(levelname)s %(message)s", level=logging.INFO)
    logging.addLevelName(logging.WARNING, "WARN")  # the severities that splunkd understands
    logging.addLevelName(logging.CRITICAL, "FATAL")
    logging.getLogger("botocore").setLevel(logging.WARNING)
    script = AwsCloudHsmInput()
    return int(script.run(arguments)) or script.exit_status


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


def _let_go_of_stdout() -> None:
    """The interpreter flushes stdout when it ends, which would fail once more, and noisily."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())

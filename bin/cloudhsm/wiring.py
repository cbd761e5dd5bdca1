"""The rooms put together: one run of one stanza, or one look whether it may run."""

from __future__ import annotations

import logging
import os
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from cloudhsm import access, log_file, settings
from cloudhsm.arguments import SCHEME
from cloudhsm.cloudwatch import CloudWatchLogs
from cloudhsm.collector import Collector
from cloudhsm.credentials import HASTY
from cloudhsm.errors import CloudHsmError, OutputClosed, Place, Unexpected, pair
from cloudhsm.event_writer import EventWriter
from cloudhsm.input_state import InputFile
from cloudhsm.settings import Settings
from cloudhsm.state_store import FileStateStore
from cloudhsm.stop import Stop, StopRequested

log = logging.getLogger("cloudhsm")

Parameters = Mapping[str, "str | None"]


def validate(name: str, parameters: Parameters, metadata: Mapping[str, str]) -> None:
    """Raises CloudHsmError for what a person who saves the input should mend first."""
    log_file.conceal(metadata.get("session_key"))
    failures = check_access(settings.parse(f"{SCHEME}://{name}", parameters, _now_ms()))
    if failures:
        raise access.as_one(failures)


def check_access(asked: Settings) -> list[CloudHsmError]:
    """What stands in the way of collecting, found by a dry call of 15 s at most."""
    return access.check(asked, lambda: CloudWatchLogs(asked, HASTY))


def run(
    stanza: str, parameters: Parameters, metadata: Mapping[str, str], stop: Stop
) -> list[CloudHsmError]:
    """One run of one stanza, with its log; returns what failed, each told in the log."""
    log_file.conceal(metadata.get("session_key"))
    try:
        asked = settings.parse(stanza, parameters, _now_ms())
    except CloudHsmError as error:
        return _told([error], stanza)
    home = os.environ.get("SPLUNK_HOME")
    with log_file.open_log(stanza, asked.log_level, Path(home) if home else None):
        return _told(collect(asked, metadata, stop), stanza)


def collect(asked: Settings, metadata: Mapping[str, str], stop: Stop) -> list[CloudHsmError]:
    """One run over all log groups; returns what failed, for single groups or altogether."""
    # Not sys.stdout.buffer: under PYTHONUNBUFFERED that is raw, and takes only part of a write.
    stdout = open(sys.stdout.fileno(), "wb", closefd=False)  # noqa: SIM115  (the process's own)
    writer = EventWriter(stdout, asked.index)
    failures: list[CloudHsmError] = []
    is_new = False
    try:
        with suppress(StopRequested):
            memory = InputFile(Path(metadata["checkpoint_dir"]), asked.stanza)
            is_new = memory.load().is_new_to(asked)
            collector = _wired(asked, metadata, memory, writer, stop)
            failures = collector.outcome.failures
            outcome = collector.run()
            log.info("%s what=run_ended %s", pair("input", asked.stanza), outcome.line())
    except CloudHsmError as error:
        failures.append(error)
    except Exception as error:  # noqa: BLE001  (the process's edge: splunklib would print it raw)
        failures.append(Unexpected(error, Place(region=asked.aws_region)))
    try:
        writer.close()
    except OutputClosed as error:
        if not any(isinstance(failure, OutputClosed) for failure in failures):
            failures.append(error)
    if is_new and failures:
        _explain(asked, stop)
    if stop.requested:
        log.info("%s what=stopped", pair("input", asked.stanza))
    return failures


def _wired(
    asked: Settings,
    metadata: Mapping[str, str],
    memory: InputFile,
    writer: EventWriter,
    stop: Stop,
) -> Collector:
    """Raises CloudHsmError where there can be no client, StopRequested."""
    with stop.interruptible():
        logs = CloudWatchLogs(asked)
    store, host = FileStateStore(Path(metadata["checkpoint_dir"])), metadata.get("server_host", "")
    return Collector(asked, logs, store, memory, writer, stop, host)


def _explain(asked: Settings, stop: Stop) -> None:
    """A conf file that was deployed met no validation, so its first run tells what that would.

    Where nothing failed there is nothing to tell: the run made the same calls.
    """
    with suppress(StopRequested), stop.interruptible():
        for failure in check_access(asked):
            told = f"what=access_checked {failure.line()}"
            log.warning("%s %s", pair("input", asked.stanza), told)


def _told(failures: list[CloudHsmError], stanza: str) -> list[CloudHsmError]:
    for failure in failures:
        log.error("%s %s", pair("input", stanza), failure.line())
    return failures


def _now_ms() -> int:
    return time.time_ns() // 1_000_000

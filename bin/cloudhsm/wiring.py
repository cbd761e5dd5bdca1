"""The rooms put together: one run of one stanza, or one look whether it may run."""

from __future__ import annotations

import logging
import os
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from cloudhsm.aws.cloudwatch_logs import CloudWatchLogs
from cloudhsm.aws.credentials import FORM_TIMEOUTS, unlocked
from cloudhsm.base import settings
from cloudhsm.base.errors import (
    CloudHsmError,
    OutputClosed,
    Place,
    SettingError,
    Unexpected,
    pair,
    refused_setting,
)
from cloudhsm.base.redaction import conceal
from cloudhsm.base.settings import Settings
from cloudhsm.base.shutdown import Stop, StopRequested
from cloudhsm.collect import access_check, read_ahead
from cloudhsm.collect.collector import Collector
from cloudhsm.collect.group_collector import Store
from cloudhsm.splunk import log_file, typed_secrets
from cloudhsm.splunk.event_writer import EventWriter
from cloudhsm.state.file_store import FileStateStore
from cloudhsm.state.input_cache import InputFile

if TYPE_CHECKING:
    from cloudhsm.splunk.password_storage import SplunkSecrets
    from cloudhsm.state.kv_store import KvStateStore

log = logging.getLogger("cloudhsm")

Parameters = Mapping[str, "str | None"]


def validate(name: str, parameters: Parameters, metadata: Mapping[str, str]) -> None:
    """Raises CloudHsmError for what a person who saves the input should mend first."""
    conceal(metadata.get("session_key"))
    asked = settings.parse_form(name, parameters, _now_ms())
    conceal(*asked.login.secrets)
    _refuse_files_of_a_member(asked, metadata)
    failures = check_access(_unlocked(asked, metadata), is_strict=True)
    if failures:
        raise access_check.as_one(failures)


def check_access(asked: Settings, *, is_strict: bool = False) -> list[CloudHsmError]:
    """What stands in the way of collecting, found by a dry call of 15 s at most.

    is_strict: what only should be fixed counts too, since a person is there to fix it.
    """

    def source() -> CloudWatchLogs:
        logs = CloudWatchLogs(asked, FORM_TIMEOUTS)
        if is_strict and logs.advisories:
            raise logs.advisories[0]
        return logs

    return access_check.check(asked, source, is_strict=is_strict)


def run(
    stanza: str, parameters: Parameters, metadata: Mapping[str, str], stop: Stop
) -> list[CloudHsmError]:
    """One run of one stanza, with its log; returns what failed, each told in the log."""
    conceal(metadata.get("session_key"))
    try:
        asked = settings.parse(stanza, parameters, _now_ms())
    except CloudHsmError as error:
        return _told([error], stanza)
    conceal(*asked.login.secrets)
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
            with stop.interruptible():
                store = _store(asked, metadata)
                if store is not None:
                    secrets = _put_away(asked, metadata)
                    asked = _unlocked(asked, metadata)
            if store is not None:
                memory = InputFile(Path(metadata["checkpoint_dir"]), asked.stanza)
                is_new = memory.load().is_new_to(asked)
                collector = _wired(asked, metadata, store, memory, writer, stop, secrets)
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


def _unlocked(asked: Settings, metadata: Mapping[str, str]) -> Settings:
    """With the secrets that it names; raises CloudHsmError where one is not to be had."""
    login = asked.login
    is_needed = (login.credential and not login.keys) or (
        login.proxy_credential and not login.proxy_user
    )
    if not is_needed:  # so that splunkd is asked only by inputs that keep something there
        return asked
    return replace(asked, login=unlocked(login, _storage(metadata)))


def _put_away(asked: Settings, metadata: Mapping[str, str]) -> list[CloudHsmError]:
    """Move typed secrets to Splunk's password storage; what of it needs an administrator."""
    login, name = asked.login, asked.stanza.partition("://")[2]
    home = os.environ.get("SPLUNK_HOME")
    moved = typed_secrets.put_away(
        lambda: _storage(metadata), Path(home) if home else None, name, asked.aws_region, login
    )
    for of, entry in moved.entries.items():
        done = f"{pair('of', of)} {pair('kept_as', entry)} what=secrets_moved_to_password_storage"
        log.info("%s %s", pair("input", asked.stanza), done)
    return moved.problems


def _storage(metadata: Mapping[str, str]) -> SplunkSecrets:
    from cloudhsm.splunk.password_storage import (
        SplunkSecrets,  # most inputs need no secret of Splunk's
    )

    uri, key = metadata.get("server_uri", ""), metadata.get("session_key", "")
    return SplunkSecrets(uri, key)


def _wired(
    asked: Settings,
    metadata: Mapping[str, str],
    store: Store,
    memory: InputFile,
    writer: EventWriter,
    stop: Stop,
    secrets: list[CloudHsmError],
) -> Collector:
    """Raises CloudHsmError where there can be no client, StopRequested."""
    with stop.interruptible():
        logs = CloudWatchLogs(asked)
    host = metadata.get("server_host", "")
    read = read_ahead.fitting(asked.windows_in_flight)
    advisories = [*asked.advisories, *secrets, *logs.advisories]
    return Collector(
        asked, logs, store, memory, writer, stop, host, read=read, advisories=advisories
    )


def _store(asked: Settings, metadata: Mapping[str, str]) -> Store | None:
    """Where states are kept; None where another host collects and this one stands by.

    Raises SettingError for files on a member of a search head cluster, CloudHsmError where KV
    Store cannot be used.
    """
    folder = Path(metadata["checkpoint_dir"])
    if asked.state_store == "file":
        _refuse_files_of_a_member(asked, metadata)
        return FileStateStore(folder)
    store = _kv_store(asked, metadata, folder)
    at_work = store.at_work(asked.stanza)
    if at_work is None:
        return store
    log.info("%s %s what=standing_by", pair("input", asked.stanza), pair("at_work", at_work))
    return None


def _kv_store(asked: Settings, metadata: Mapping[str, str], folder: Path) -> KvStateStore:
    from cloudhsm.splunk.splunkd_rest import Collection, describe
    from cloudhsm.state.kv_store import (  # most inputs keep files
        COLLECTION,
        KvStateStore,
        Owner,
    )

    uri, key = metadata.get("server_uri", ""), metadata.get("session_key", "")
    login = {"token": f"Splunk {key}"}
    owner = Owner(describe(uri, login), asked.interval_s)
    return KvStateStore(folder, Collection(uri, login, COLLECTION), owner)


def _refuse_files_of_a_member(asked: Settings, metadata: Mapping[str, str]) -> None:
    """On every member of a search head cluster the input runs, each with files of its own."""
    from cloudhsm.splunk.splunkd_rest import CLUSTER_MEMBER, SplunkdSilent, describe

    if asked.state_store != "file":
        return
    try:
        login = {"token": f"Splunk {metadata.get('session_key', '')}"}
        server = describe(metadata.get("server_uri", ""), login)
    except SplunkdSilent as error:
        log.info("%s what=cluster_unknown %s", pair("input", asked.stanza), error.line())
        return
    if CLUSTER_MEMBER in server.roles:
        raise _files_of_a_member(server.name)


def _files_of_a_member(name: str) -> SettingError:
    return refused_setting(
        "state_store",
        f"is file, but {name} is a member of a search head cluster: each member would collect "
        "everything for itself",
        "Set state_store = kvstore, or run the input on a heavy forwarder; "
        "docs/clustered-state.md tells how to keep the positions",
    )


def _explain(asked: Settings, stop: Stop) -> None:
    """A conf file that was deployed met no validation, so its first run tells what that would.

    Where nothing failed there is nothing to tell: the run made the same calls.
    """
    with suppress(StopRequested), stop.interruptible():
        for failure in check_access(asked):
            told = f"what=access_checked {failure.line()}"
            log.warning("%s %s", pair("input", asked.stanza), told)


def _told(failures: list[CloudHsmError], stanza: str) -> list[CloudHsmError]:
    """Log each cause once, however many log groups it concerns."""
    causes: dict[str, list[CloudHsmError]] = {}
    for failure in failures:
        causes.setdefault(f"{type(failure).__name__} {failure.what}", []).append(failure)
    for first, *others in causes.values():
        more = f" also_on={len(others)}" if others else ""
        log.error("%s %s%s", pair("input", stanza), first.line(), more)
    return failures


def _now_ms() -> int:
    return time.time_ns() // 1_000_000

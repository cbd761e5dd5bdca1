"""The parts of the collector combined: one run of one stanza, or one check of its settings."""

from __future__ import annotations

import logging
import os
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from cloudhsm.aws.cloudwatch_logs import CloudWatchLogs
from cloudhsm.aws.credentials import FORM_TIMEOUTS, differing_key, with_secrets
from cloudhsm.base.arguments import DEFAULT_LOG_LEVEL
from cloudhsm.base.errors import (
    CloudHsmError,
    EndpointUnreachable,
    OutputClosed,
    Place,
    SettingError,
    Unexpected,
    pair,
    refused_setting,
)
from cloudhsm.base.redaction import conceal
from cloudhsm.base.settings import Settings, parse, parse_form
from cloudhsm.base.shutdown import NetworkTimeOver, Stop, StopRequested
from cloudhsm.collect import access_check, read_ahead
from cloudhsm.collect.access_check import Examination
from cloudhsm.collect.collector import SHARE_OF_INTERVAL, Collector
from cloudhsm.collect.input_failure import InputFailure
from cloudhsm.collect.open_group import Store
from cloudhsm.splunk import log_file, own_save, typed_secrets
from cloudhsm.splunk.event_writer import EventWriter
from cloudhsm.splunk.pipe import Pipe
from cloudhsm.splunk.typed_secrets import MovedSecrets
from cloudhsm.state.file_store import FileStateStore
from cloudhsm.state.input_cache import InputFile

if TYPE_CHECKING:
    from cloudhsm.splunk.password_storage import SplunkPasswordStorage
    from cloudhsm.state.kv_store import KvStateStore

log = logging.getLogger("cloudhsm")

# What calls to AWS may take beyond a run's share of the interval, where an endpoint hangs.
HANGING_S = 120
_SECRETS = ("aws_secret_access_key", "external_id")

Parameters = Mapping[str, "str | None"]


def validate(name: str, parameters: Parameters, metadata: Mapping[str, str]) -> None:
    """Raises CloudHsmError for what a person who saves the input should fix first."""
    conceal(metadata.get("session_key"))
    if own_save.is_announced(Path(metadata.get("checkpoint_dir", "")), name):
        return
    failures = examine(name, parameters, metadata).failures
    if failures:
        raise access_check.as_one(failures)


def examine(
    name: str,
    parameters: Parameters,
    metadata: Mapping[str, str],
    *,
    wants_identity: bool = False,
) -> Examination:
    """Each check of an input that a person is about to save, and its result, in 15 s at most.

    Raises CloudHsmError for settings that cannot be tried at all.
    """
    settings = parse_form(name, parameters, _now_ms())
    conceal(*settings.identity.secrets)
    _refuse_files_of_a_member(settings, metadata)
    settings = _with_secrets(settings, metadata)
    examination = check_access(settings, is_strict=True, wants_identity=wants_identity)
    differing = differing_key(settings.identity)
    failures = [*([differing] if differing else []), *examination.failures]
    return replace(examination, failures=failures)


def check_access(
    settings: Settings, *, is_strict: bool = False, wants_identity: bool = False
) -> Examination:
    """What prevents collection, found by test calls of 15 s at most.

    is_strict: what only should be fixed counts too, since a person is there to fix it.
    """
    clients: list[CloudWatchLogs] = []

    def source() -> CloudWatchLogs:
        logs = CloudWatchLogs(settings, FORM_TIMEOUTS)
        clients.append(logs)
        if is_strict and logs.advisories:
            raise logs.advisories[0]
        return logs

    identify = (lambda: clients[0].caller()) if wants_identity else None
    examination = access_check.examine(settings, source, is_strict=is_strict, identify=identify)
    return replace(examination, network=clients[0].network if clients else None)


def run(
    stanza: str, parameters: Parameters, metadata: Mapping[str, str], stop: Stop
) -> list[CloudHsmError]:
    """One run of one stanza, with its log; returns what failed, each reported in the log."""
    conceal(metadata.get("session_key"), *(parameters.get(name) for name in _SECRETS))
    home = os.environ.get("SPLUNK_HOME")
    folder = Path(home) if home else None
    try:
        settings = parse(stanza, parameters, _now_ms())
    except CloudHsmError as error:
        with log_file.open_log(stanza, DEFAULT_LOG_LEVEL, folder):
            return _logged([error, *_left_in_files(stanza, folder)], stanza)
    conceal(*settings.identity.secrets)
    with log_file.open_log(stanza, settings.log_level, folder):
        return _logged(collect(settings, metadata, stop), stanza)


def collect(settings: Settings, metadata: Mapping[str, str], stop: Stop) -> list[CloudHsmError]:
    """One run over all log groups; returns what failed, for single groups or altogether."""
    writer = EventWriter(Pipe(sys.stdout.fileno(), stop), settings.index)
    failures: list[CloudHsmError] = []
    memory = InputFile(Path(metadata["checkpoint_dir"]), settings.stanza)
    is_new = False
    try:
        with suppress(StopRequested):
            failures, is_new = _collect(settings, metadata, memory, writer, stop)
    except CloudHsmError as error:
        failures.append(error)
    except Exception as error:  # noqa: BLE001  (the process's edge: splunklib would print it raw)
        failures.append(Unexpected(error, Place(region=settings.aws_region)))
    try:
        with suppress(StopRequested):
            writer.close()
    except OutputClosed as error:
        if not any(isinstance(failure, OutputClosed) for failure in failures):
            failures.append(error)
    if is_new and failures:
        _explain(settings, stop)
    if stop.requested:
        log.info("%s what=stopped", pair("input", settings.stanza))
    return failures


def _collect(
    settings: Settings,
    metadata: Mapping[str, str],
    memory: InputFile,
    writer: EventWriter,
    stop: Stop,
) -> tuple[list[CloudHsmError], bool]:
    """What failed, and whether the groups were never looked for before.

    Raises OutputClosed, StopRequested.
    """
    advisories: list[CloudHsmError] = [*settings.advisories]
    host = metadata.get("server_host", "")
    stop.end_network_in(SHARE_OF_INTERVAL * settings.interval_s + HANGING_S)
    try:
        with stop.interruptible():
            moved = _move_to_password_storage(settings, metadata)
            advisories += moved.problems
            store = _store(settings, metadata, stop)
            if store is None:
                return [], False
            settings = _with_secrets(_with_proxy_user(settings, moved), metadata)
            differing = differing_key(settings.identity)
            logs = CloudWatchLogs(settings)
    except (NetworkTimeOver, Exception) as error:  # noqa: BLE001  (as every failure of a group)
        cause = _early_failure(error, Place(region=settings.aws_region))
        InputFailure(settings, memory, writer, stop, host, advisories).write(cause, _now_ms())
        return [cause], False
    is_new = memory.load().is_new_to(settings)
    advisories += [*([differing] if differing else []), *logs.advisories]
    read = read_ahead.reader_for(settings.windows_in_flight)
    collector = Collector(
        settings, logs, store, memory, writer, stop, host, read=read, advisories=advisories
    )
    result = collector.result
    try:
        collector.run()
        log.info("%s what=run_ended %s", pair("input", settings.stanza), result.line())
    except OutputClosed as error:  # what failed before is reported, too
        result.failures.append(error)
    return result.failures, is_new


def _early_failure(error: Exception | NetworkTimeOver, place: Place) -> CloudHsmError:
    """What to report of a run that reached no log group."""
    if isinstance(error, NetworkTimeOver):
        return EndpointUnreachable(
            "AWS did not respond in the time of this run, before any log group was reached",
            place=place,
            next_step="Check DNS, proxy and firewall of this host",
        )
    return error if isinstance(error, CloudHsmError) else Unexpected(error, place)


def _with_secrets(settings: Settings, metadata: Mapping[str, str]) -> Settings:
    """With the secrets that it names; raises CloudHsmError where one is missing."""
    identity = settings.identity
    is_needed = (identity.credential and not identity.keys) or (
        identity.proxy_credential and not identity.proxy_user
    )
    if not is_needed:  # so that splunkd is asked only by inputs that keep something there
        return settings
    return replace(settings, identity=with_secrets(identity, _password_storage(metadata)))


def _move_to_password_storage(settings: Settings, metadata: Mapping[str, str]) -> MovedSecrets:
    """Move typed secrets to Splunk's password storage."""
    home = os.environ.get("SPLUNK_HOME")
    secrets = typed_secrets.SecretMover(
        lambda: _password_storage(metadata),
        Path(home) if home else None,
        partial(own_save.announced, Path(metadata["checkpoint_dir"])),
    )
    name = settings.stanza.partition("://")[2]
    moved = secrets.move(name, settings.aws_region, settings.identity)
    for of, entry in moved.entries.items():
        done = f"{pair('of', of)} {pair('kept_as', entry)} what=secrets_moved_to_password_storage"
        log.info("%s %s", pair("input", settings.stanza), done)
    return moved


def _with_proxy_user(settings: Settings, moved: MovedSecrets) -> Settings:
    for user in moved.proxy_user:
        return replace(settings, identity=replace(settings.identity, proxy_user=user))
    return settings


def _left_in_files(stanza: str, home: Path | None) -> list[CloudHsmError]:
    """Secrets in plain text of an input that cannot run at all."""
    name = stanza.partition("://")[2]
    plain = typed_secrets.in_files(home) if home else []
    return [secret.error() for secret in plain if secret.input_name in ("", name)]


def _password_storage(metadata: Mapping[str, str]) -> SplunkPasswordStorage:
    from cloudhsm.splunk.password_storage import (
        SplunkPasswordStorage,  # most inputs need no secret of Splunk's
    )

    uri, key = metadata.get("server_uri", ""), metadata.get("session_key", "")
    return SplunkPasswordStorage(uri, key)


def _store(settings: Settings, metadata: Mapping[str, str], stop: Stop) -> Store | None:
    """Where states are kept; None where another host collects and this one stands by.

    Raises SettingError for files on a member of a search head cluster, CloudHsmError where KV
    Store cannot be used.
    """
    folder = Path(metadata["checkpoint_dir"])
    if settings.state_store == "file":
        _refuse_files_of_a_member(settings, metadata)
        return FileStateStore(folder)
    store = _kv_store(settings, metadata, stop)
    at_work = store.at_work(settings.stanza)
    if at_work is None:
        return store
    log.info("%s %s what=standing_by", pair("input", settings.stanza), pair("at_work", at_work))
    return None


def _kv_store(settings: Settings, metadata: Mapping[str, str], stop: Stop) -> KvStateStore:
    from cloudhsm.splunk.splunkd_rest import Collection, describe
    from cloudhsm.state.kv_store import COLLECTION, KvStateStore, Owner  # most inputs keep files

    uri, key = metadata.get("server_uri", ""), metadata.get("session_key", "")
    session = {"token": f"Splunk {key}"}
    owner = Owner(describe(uri, session), settings.interval_s)
    collection = Collection(uri, session, COLLECTION, waiting=stop.patient)
    return KvStateStore(Path(metadata["checkpoint_dir"]), collection, owner)


def _refuse_files_of_a_member(settings: Settings, metadata: Mapping[str, str]) -> None:
    """On every member of a search head cluster the input runs, each with files of its own."""
    from cloudhsm.splunk.splunkd_rest import CLUSTER_MEMBER, SplunkdSilent, describe

    if settings.state_store != "file":
        return
    try:
        session = {"token": f"Splunk {metadata.get('session_key', '')}"}
        server = describe(metadata.get("server_uri", ""), session)
    except SplunkdSilent as error:
        log.info("%s what=cluster_unknown %s", pair("input", settings.stanza), error.line())
        return
    if CLUSTER_MEMBER in server.roles:
        raise _files_of_a_member(server.name)


def _files_of_a_member(name: str) -> SettingError:
    return refused_setting(
        "state_store",
        f"is file, but {name} is a member of a search head cluster: each member would collect "
        "everything for itself",
        "Set state_store = kvstore, or run the input on a heavy forwarder; "
        "docs/clustered-state.md describes how to keep the positions",
    )


def _explain(settings: Settings, stop: Stop) -> None:
    """A deployed conf file was never validated, so its first run logs what validation reports.

    Called only where something failed: otherwise the run made the same calls.
    """
    with suppress(StopRequested), stop.interruptible():
        for failure in check_access(settings).failures:
            finding = f"what=access_checked {failure.line()}"
            log.warning("%s %s", pair("input", settings.stanza), finding)


def _logged(failures: list[CloudHsmError], stanza: str) -> list[CloudHsmError]:
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

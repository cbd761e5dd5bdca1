"""The rooms put together: one run of one stanza, or one look whether it may run."""

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
from cloudhsm.aws.credentials import FORM_TIMEOUTS, differing_key, unlocked
from cloudhsm.base import settings
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
from cloudhsm.base.settings import Settings
from cloudhsm.base.shutdown import NetworkTimeOver, Stop, StopRequested
from cloudhsm.collect import access_check, read_ahead
from cloudhsm.collect.collector import SHARE_OF_INTERVAL, Collector
from cloudhsm.collect.input_failure import InputFailure
from cloudhsm.collect.open_group import Store
from cloudhsm.splunk import log_file, own_save, typed_secrets
from cloudhsm.splunk.event_writer import EventWriter
from cloudhsm.splunk.pipe import Pipe
from cloudhsm.splunk.typed_secrets import Moved
from cloudhsm.state.file_store import FileStateStore
from cloudhsm.state.input_cache import InputFile

if TYPE_CHECKING:
    from cloudhsm.splunk.password_storage import SplunkSecrets
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
    asked = settings.parse_form(name, parameters, _now_ms())
    conceal(*asked.login.secrets)
    _refuse_files_of_a_member(asked, metadata)
    asked = _unlocked(asked, metadata)
    failures = check_access(asked, is_strict=True)
    differing = differing_key(asked.login)
    if failures or differing:
        raise access_check.as_one([*([differing] if differing else []), *failures])


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
    """One run of one stanza, with its log; returns what failed, each reported in the log."""
    conceal(metadata.get("session_key"), *(parameters.get(name) for name in _SECRETS))
    home = os.environ.get("SPLUNK_HOME")
    folder = Path(home) if home else None
    try:
        asked = settings.parse(stanza, parameters, _now_ms())
    except CloudHsmError as error:
        with log_file.open_log(stanza, DEFAULT_LOG_LEVEL, folder):
            return _told([error, *_left_in_files(stanza, folder)], stanza)
    conceal(*asked.login.secrets)
    with log_file.open_log(stanza, asked.log_level, folder):
        return _told(collect(asked, metadata, stop), stanza)


def collect(asked: Settings, metadata: Mapping[str, str], stop: Stop) -> list[CloudHsmError]:
    """One run over all log groups; returns what failed, for single groups or altogether."""
    writer = EventWriter(Pipe(sys.stdout.fileno(), stop), asked.index)
    failures: list[CloudHsmError] = []
    memory = InputFile(Path(metadata["checkpoint_dir"]), asked.stanza)
    is_new = False
    try:
        with suppress(StopRequested):
            failures, is_new = _collect(asked, metadata, memory, writer, stop)
    except CloudHsmError as error:
        failures.append(error)
    except Exception as error:  # noqa: BLE001  (the process's edge: splunklib would print it raw)
        failures.append(Unexpected(error, Place(region=asked.aws_region)))
    try:
        with suppress(StopRequested):
            writer.close()
    except OutputClosed as error:
        if not any(isinstance(failure, OutputClosed) for failure in failures):
            failures.append(error)
    if is_new and failures:
        _explain(asked, stop)
    if stop.requested:
        log.info("%s what=stopped", pair("input", asked.stanza))
    return failures


def _collect(
    asked: Settings, metadata: Mapping[str, str], memory: InputFile, writer: EventWriter, stop: Stop
) -> tuple[list[CloudHsmError], bool]:
    """What failed, and whether the groups were never looked for before.

    Raises OutputClosed, StopRequested.
    """
    advisories: list[CloudHsmError] = [*asked.advisories]
    host = metadata.get("server_host", "")
    stop.end_network_in(SHARE_OF_INTERVAL * asked.interval_s + HANGING_S)
    try:
        with stop.interruptible():
            moved = _put_away(asked, metadata)
            advisories += moved.problems
            store = _store(asked, metadata, stop)
            if store is None:
                return [], False
            asked = _unlocked(_with_unbound(asked, moved), metadata)
            differing = differing_key(asked.login)
            logs = CloudWatchLogs(asked)
    except (NetworkTimeOver, Exception) as error:  # noqa: BLE001  (as every failure of a group)
        cause = _early_failure(error, Place(region=asked.aws_region))
        InputFailure(asked, memory, writer, stop, host, advisories).write(cause, _now_ms())
        return [cause], False
    is_new = memory.load().is_new_to(asked)
    advisories += [*([differing] if differing else []), *logs.advisories]
    read = read_ahead.reader_for(asked.windows_in_flight)
    collector = Collector(
        asked, logs, store, memory, writer, stop, host, read=read, advisories=advisories
    )
    result = collector.result
    try:
        collector.run()
        log.info("%s what=run_ended %s", pair("input", asked.stanza), result.line())
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


def _unlocked(asked: Settings, metadata: Mapping[str, str]) -> Settings:
    """With the secrets that it names; raises CloudHsmError where one is not to be had."""
    login = asked.login
    is_needed = (login.credential and not login.keys) or (
        login.proxy_credential and not login.proxy_user
    )
    if not is_needed:  # so that splunkd is asked only by inputs that keep something there
        return asked
    return replace(asked, login=unlocked(login, _storage(metadata)))


def _put_away(asked: Settings, metadata: Mapping[str, str]) -> Moved:
    """Move typed secrets to Splunk's password storage."""
    home = os.environ.get("SPLUNK_HOME")
    mover = typed_secrets.Mover(
        lambda: _storage(metadata),
        Path(home) if home else None,
        partial(own_save.announced, Path(metadata["checkpoint_dir"])),
    )
    name = asked.stanza.partition("://")[2]
    moved = mover.put_away(name, asked.aws_region, asked.login)
    for of, entry in moved.entries.items():
        done = f"{pair('of', of)} {pair('kept_as', entry)} what=secrets_moved_to_password_storage"
        log.info("%s %s", pair("input", asked.stanza), done)
    return moved


def _with_unbound(asked: Settings, moved: Moved) -> Settings:
    for user in moved.proxy_user:
        return replace(asked, login=replace(asked.login, proxy_user=user))
    return asked


def _left_in_files(stanza: str, home: Path | None) -> list[CloudHsmError]:
    """Secrets in plain text of an input that cannot run at all."""
    name = stanza.partition("://")[2]
    plain = typed_secrets.in_files(home) if home else []
    return [secret.error() for secret in plain if secret.input_name in ("", name)]


def _storage(metadata: Mapping[str, str]) -> SplunkSecrets:
    from cloudhsm.splunk.password_storage import (
        SplunkSecrets,  # most inputs need no secret of Splunk's
    )

    uri, key = metadata.get("server_uri", ""), metadata.get("session_key", "")
    return SplunkSecrets(uri, key)


def _store(asked: Settings, metadata: Mapping[str, str], stop: Stop) -> Store | None:
    """Where states are kept; None where another host collects and this one stands by.

    Raises SettingError for files on a member of a search head cluster, CloudHsmError where KV
    Store cannot be used.
    """
    folder = Path(metadata["checkpoint_dir"])
    if asked.state_store == "file":
        _refuse_files_of_a_member(asked, metadata)
        return FileStateStore(folder)
    store = _kv_store(asked, metadata, stop)
    at_work = store.at_work(asked.stanza)
    if at_work is None:
        return store
    log.info("%s %s what=standing_by", pair("input", asked.stanza), pair("at_work", at_work))
    return None


def _kv_store(asked: Settings, metadata: Mapping[str, str], stop: Stop) -> KvStateStore:
    from cloudhsm.splunk.splunkd_rest import Collection, describe
    from cloudhsm.state.kv_store import COLLECTION, KvStateStore, Owner  # most inputs keep files

    uri, key = metadata.get("server_uri", ""), metadata.get("session_key", "")
    login = {"token": f"Splunk {key}"}
    owner = Owner(describe(uri, login), asked.interval_s)
    collection = Collection(uri, login, COLLECTION, waiting=stop.patient)
    return KvStateStore(Path(metadata["checkpoint_dir"]), collection, owner)


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

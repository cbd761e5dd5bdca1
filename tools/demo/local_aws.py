"""A CloudWatch Logs of our own on loopback: moto's HTTP server, in a process of its own."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from itertools import groupby
from operator import attrgetter
from pathlib import Path
from typing import Protocol

ROOT = Path(__file__).resolve().parents[2]
MOTO_SERVER = ROOT / ".venv" / "moto" / "bin" / "moto_server"
START_TIMEOUT_S = 60
# Limits of one PutLogEvents call; AWS counts 26 bytes on top of each message.
BATCH_EVENTS = 10_000
BATCH_BYTES = 1_048_576
EVENT_OVERHEAD = 26
_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # loopback needs no proxy


class LocalAwsError(Exception):
    """The local CloudWatch Logs did not start or refused something; the message states what."""


class LogEvent(Protocol):
    """What can be loaded; `timestamp_ms` must lie in the last 14 days, as AWS demands."""

    @property
    def log_group(self) -> str: ...
    @property
    def log_stream(self) -> str: ...
    @property
    def timestamp_ms(self) -> int: ...
    @property
    def message(self) -> str: ...


def environment() -> dict[str, str]:
    """This process's variables without what leads to a real account, a proxy or a Splunk.

    With keys that any local server takes: a profile or role of the person at the keyboard must
    neither be used nor be in the way.
    """
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.upper().startswith("AWS_") and not name.upper().endswith("_PROXY")
    }
    kept.pop("SPLUNK_HOME", None)
    nowhere = os.devnull
    return {
        **kept,
        "AWS_ACCESS_KEY_ID": "local",
        "AWS_SECRET_ACCESS_KEY": "local",
        "AWS_CONFIG_FILE": nowhere,
        "AWS_SHARED_CREDENTIALS_FILE": nowhere,
    }


@contextmanager
def running(log: Path) -> Iterator[str]:
    """Start the server, yield its URL, stop it; what it prints goes to `log`."""
    if not MOTO_SERVER.exists():
        raise LocalAwsError(f"{MOTO_SERVER} is missing: run this through make, which installs it")
    port = _free_port()
    url = f"http://127.0.0.1:{port}"
    command = [str(MOTO_SERVER), "-H", "127.0.0.1", "-p", str(port)]
    with log.open("w") as output:
        server = subprocess.Popen(command, stdout=output, stderr=output, env=environment())
    try:
        _wait_until_up(url, server, log)
        yield url
    finally:
        server.terminate()
        server.wait()


def load(
    url: str,
    events: Iterable[LogEvent],
    loaded: Callable[[int], None] = lambda _size: None,
    *,
    region: str = "us-east-1",
    access_key: str = "local",
) -> None:
    """Put events into their groups and streams; calls `loaded` with the size of each batch.

    access_key: decides the account, as AWS does; that of an assumed role is the role's.
    """
    caller = f"{access_key}/20260101/{region}"
    by_stream = sorted(events, key=attrgetter("log_group", "log_stream", "timestamp_ms"))
    for group, of_group in groupby(by_stream, key=attrgetter("log_group")):
        _call(url, caller, "CreateLogGroup", {"logGroupName": group})
        for stream, of_stream in groupby(of_group, key=attrgetter("log_stream")):
            target = {"logGroupName": group, "logStreamName": stream}
            _call(url, caller, "CreateLogStream", target)
            for batch in _batches(of_stream):
                answer = _call(url, caller, "PutLogEvents", {**target, "logEvents": batch})
                if answer.get("rejectedLogEventsInfo"):
                    raise LocalAwsError(f"{group} {stream}: events too old or too new: {answer}")
                loaded(len(batch))


def _batches(events: Iterable[LogEvent]) -> Iterator[list[dict[str, object]]]:
    batch: list[dict[str, object]] = []
    size = 0
    for event in events:
        weight = len(event.message.encode()) + EVENT_OVERHEAD
        if batch and (len(batch) == BATCH_EVENTS or size + weight > BATCH_BYTES):
            yield batch
            batch, size = [], 0
        batch.append({"timestamp": event.timestamp_ms, "message": event.message})
        size += weight
    if batch:
        yield batch


def _call(url: str, caller: str, operation: str, body: object) -> dict[str, object]:
    """One call of AWS JSON 1.1; the local server checks no signature."""
    headers = {
        "Content-Type": "application/x-amz-json-1.1",
        "X-Amz-Target": f"Logs_20140328.{operation}",
        # The service and Region are read from here.
        "Authorization": f"AWS4-HMAC-SHA256 Credential={caller}/logs/aws4_request",
    }
    request = urllib.request.Request(url, json.dumps(body).encode(), headers)  # noqa: S310
    try:
        with _DIRECT.open(request, timeout=60) as answer:
            return dict(json.loads(answer.read() or b"{}"))
    except urllib.error.HTTPError as error:
        raise LocalAwsError(f"{operation} was refused: {error.read().decode()[:500]}") from error


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_until_up(url: str, server: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < deadline:
        if server.poll() is not None:
            break
        try:
            _DIRECT.open(f"{url}/moto-api/", timeout=5).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise LocalAwsError(f"the local CloudWatch Logs did not start: {log.read_text()[-500:]}")

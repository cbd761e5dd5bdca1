"""splunkd's end of persistent handlers: restmap.conf, a process, packets."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Mapping
from configparser import RawConfigParser
from pathlib import Path
from typing import IO, Any, NamedTuple

HERE = Path(__file__).resolve().parent
FIRST_AND_BLOCK, LAST = 3, 4


class Reply(NamedTuple):
    """HTTP status and the JSON document."""

    status: int
    document: Any


class Handlers:
    """The handlers of an installed add-on, by its restmap.conf, in one process.

    environment: the process's variables. stderr: where what it logs goes.
    """

    def __init__(
        self, app: Path, environment: Mapping[str, str], stderr: IO[bytes] | int | None = None
    ) -> None:
        self._app = app
        self._routes = _routes(app)
        self._environment = dict(environment)
        self._stderr = stderr
        self._process: subprocess.Popen[bytes] | None = None
        self._lock = threading.Lock()

    @property
    def paths(self) -> list[str]:
        """Every path that restmap.conf matches."""
        return sorted(self._routes)

    def request(
        self,
        method: str,
        path: str,
        session: Mapping[str, str],
        server_uri: str,
        payload: str = "",
        query: Mapping[str, str] | None = None,
    ) -> Reply:
        """The answer to a request below /services; session: `user` and `authtoken`."""
        stanza = self._routes[path]
        assert stanza["scripttype"] == "persist"
        document: dict[str, Any] = {
            "output_mode": "json",
            "output_mode_explicit": False,
            "server": {"rest_uri": server_uri, "hostname": "host", "servername": "splunk"},
            "restmap": {"name": f"script:{path}", "conf": dict(stanza)},
            "path_info": "",
            "query": [*(query or {}).items()],
            "connection": {"src_ip": "127.0.0.1", "ssl": True, "listening_port": 8089},
            "method": method,
            "ns": {"app": self._app.name, "user": "nobody"},
            "rest_path": path,
            "lang": "en-US",
        }
        if stanza.get("passSession", "true") == "true":
            document["session"] = dict(session)
        if stanza.get("passSystemAuth") == "true":
            document["system_authtoken"] = "the-systems-session-key"
        if payload and stanza.get("passPayload") == "true":
            document["payload"] = payload
        text = self._handled(self._app / "bin" / stanza["script"], json.dumps(document))
        answer = json.loads(text)
        return Reply(answer["status"], json.loads(answer["payload"]))

    def close(self) -> None:
        """End the process, as splunkd does where nothing was asked for a while."""
        if self._process is not None:
            assert self._process.stdin is not None
            self._process.stdin.close()
            self._process.wait(timeout=30)

    def _handled(self, script: Path, block: str) -> str:
        with self._lock:  # a process answers one request at a time
            process = self._started()
            assert process.stdin is not None
            command = b"1\n" + _packed(str(script).encode()) + _packed(b"")
            packet = bytes([FIRST_AND_BLOCK]) + command + _packed(block.encode())
            process.stdin.write(packet + bytes([LAST]))
            process.stdin.flush()
            error = self._reply(process)
            assert error == "", error
            return self._reply(process)

    def _started(self) -> subprocess.Popen[bytes]:
        if self._process is None or self._process.poll() is not None:
            self._process = subprocess.Popen(
                [sys.executable, str(HERE / "driver.py")],
                env={**self._environment, "PYTHONPATH": str(HERE / "stub")},
                cwd=os.sep,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._stderr,
            )
        return self._process

    def _reply(self, process: subprocess.Popen[bytes]) -> str:
        assert process.stdout is not None
        length = process.stdout.readline()
        assert length.strip().isdigit(), f"no packet: {length!r}"
        return process.stdout.read(int(length)).decode()


def _packed(content: bytes) -> bytes:
    return b"%d\n%b" % (len(content), content)


def _routes(app: Path) -> dict[str, Mapping[str, str]]:
    parser = RawConfigParser(strict=True)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read(app / "default" / "restmap.conf", encoding="utf-8")
    return {stanza["match"]: dict(stanza) for name, stanza in parser.items() if name != "DEFAULT"}

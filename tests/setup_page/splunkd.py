"""splunkd with inputs that are created, validated by the installed add-on, and run."""

from __future__ import annotations

import os
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import unquote
from xml.sax.saxutils import escape, quoteattr

from tests.bin.fake_splunkd import SESSION_KEY, FakeSplunkd
from tools.demo import splunkd as input_run

APP = "TA-aws-cloudhsm"
SCHEME = "aws_cloudhsm"
LONGEST_S = 60


def _message(text: str) -> dict[str, Any]:
    return {"messages": [{"type": "ERROR", "text": text}]}


class PageSplunkd(FakeSplunkd):
    """Adds to the fake of the collector's tests what Splunk Web passes on for the page.

    app: the installed add-on. environment: of splunkd's processes. indexes: by name.
    configured: whether setup was finished. printed: the events that runs of inputs printed.
    """

    def __init__(self, app: Path, environment: Mapping[str, str]) -> None:
        super().__init__()
        self.app = app
        self.environment = dict(environment)
        self.indexes = ["main", "hsm", "_internal"]
        self.its_app = APP
        self.configured = False
        self.printed = b""
        self.checkpoints = Path(self.environment["SPLUNK_HOME"], "var/lib/splunk/modinputs", SCHEME)
        self.checkpoints.mkdir(parents=True, exist_ok=True)

    def answer(self, method: str, path: str, form: dict[str, str]) -> tuple[int, Any]:
        names = [unquote(name) for name in path.split("/")[4:]]
        if path.startswith("/servicesNS/") and not self.busy and not self.denied:
            if names == ["server", "info"]:
                return super().answer(method, "/services/server/info", form)
            if names == ["data", "indexes"]:
                return 200, {"entry": [{"name": name} for name in self.indexes]}
            if names[:2] == ["apps", "local"]:
                self.requests.append((method, path, form))
                self.configured = form.get("configured") == "1"
                return 200, {"entry": [{"name": APP}]}
        return super().answer(method, path, form)

    def run_inputs(self) -> str:
        """One run of every input that is on; returns their log."""
        log = ""
        for name, settings in self.inputs.items():
            if settings.get("disabled") == "1":
                continue
            given = {key: value for key, value in settings.items() if key != "disabled"}
            document = input_run.configuration(
                f"{SCHEME}://{name}", given, self.checkpoints, self.uri, SESSION_KEY
            )
            run = input_run.run_input(self.app, document, self.environment)
            self.printed += run.events_xml
            log += run.log
        return log

    def _input(self, method: str, app: str, name: str, form: dict[str, str]) -> tuple[int, Any]:
        name, action = self._parts(name)
        if not name and method == "POST":
            return self._create(form)
        if not name:
            return 200, {"entry": [self._entry(one) for one in self.inputs]}
        if name not in self.inputs or app not in ("-", self.its_app):
            return 404, _message("Could not find object")
        if method == "DELETE":
            del self.inputs[name]
            return 200, {"entry": []}
        if method == "POST" and action:
            self.inputs[name]["disabled"] = "0" if action == "enable" else "1"
        elif method == "POST":
            changed = {**self.inputs[name], **form}
            if refused := self._refused(name, changed):
                return 400, _message(refused)
            self.inputs[name] = changed
        return 200, {"entry": [self._entry(name)]}

    def _parts(self, path: str) -> tuple[str, str]:
        for action in ("enable", "disable"):
            if path.endswith(f"\0{action}"):
                return path[: -len(action) - 1], action
        return path, ""

    def _create(self, form: dict[str, str]) -> tuple[int, Any]:
        name = form.pop("name", "")
        if name.lower() in {one.lower() for one in self.inputs}:
            return 409, _message(f"An object with name={name} already exists")
        if form.get("index", "default") not in ("default", *self.indexes):
            return 400, _message(f"The index {form['index']} does not exist")
        if refused := self._refused(name, form):
            return 400, _message(refused)
        self.inputs[name] = {**form, "disabled": "0"}
        return 201, {"entry": [self._entry(name)]}

    def _refused(self, name: str, settings: Mapping[str, str]) -> str:
        """What the add-on's own validation reports; "" for nothing."""
        given = {key: value for key, value in settings.items() if key != "disabled"}
        parameters = "".join(
            f"<param name={quoteattr(key)}>{escape(value)}</param>" for key, value in given.items()
        )
        document = (
            f"<items><server_host>h</server_host><server_uri>{self.uri}</server_uri>"
            f"<session_key>{SESSION_KEY}</session_key>"
            f"<checkpoint_dir>{escape(str(self.checkpoints))}</checkpoint_dir>"
            f"<item name={quoteattr(name)}>{parameters}</item></items>"
        )
        run = subprocess.run(
            [sys.executable, str(self.app / "bin" / "aws_cloudhsm.py"), "--validate-arguments"],
            input=document,
            env=self.environment,
            cwd=os.sep,
            capture_output=True,
            text=True,
            timeout=LONGEST_S,
            check=False,
        )
        if run.returncode == 0:
            return ""
        return ET.fromstring(run.stdout).findtext("message") or "validation failed"

    def _entry(self, name: str) -> dict[str, Any]:
        acl = {"app": self.its_app}
        return {"name": name, "acl": acl, "content": {"disabled": "0", **self.inputs[name]}}

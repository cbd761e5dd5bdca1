"""What splunkd starts for the endpoints of restmap.conf: sets the library path, then answers.

splunkd may run handlers of several apps in one process. With a driver environment of its own
(`driver.env` in restmap.conf) this add-on shares it with none; where it does anyway, and another
app's libraries are loaded, the request is refused, since they may be of any version.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from splunk.persistconn.application import (  # type: ignore[import-not-found]
    PersistentServerConnectionApplication,
)

APP = Path(__file__).resolve().parent.parent
# Python 3.9 (Splunk 9.x and 10.0) needs older releases of some libraries; see SECURITY.md.
LIBRARIES = [APP / "lib" / ("py39" if sys.version_info < (3, 10) else "py313"), APP / "lib/common"]
for folder in (*reversed(LIBRARIES), APP / "bin"):
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))

_SHARED = ("botocore", "splunklib", "urllib3", "cloudhsm")


class SetupHandler(PersistentServerConnectionApplication):  # type: ignore[misc]  # Splunk's own
    """Answers `cloudhsm/check`, `credential`, `suggestions` and `operation`."""

    def __init__(self, _command_line: Any = None, _command_arg: Any = None) -> None:  # noqa: ANN401
        super().__init__()

    def handle(self, in_string: str | bytes) -> dict[str, Any]:
        """The response to one request, as JSON; raises nothing."""
        if other := _loaded_elsewhere():
            return _refusal(f"This process has libraries of another app loaded: {other}")
        from cloudhsm.web import endpoint

        return endpoint.answer(in_string)


def _loaded_elsewhere() -> str:
    """The file of a library that is not ours; "" for none."""
    for name in _SHARED:
        file = getattr(sys.modules.get(name), "__file__", None)
        if file and APP not in Path(file).resolve().parents and not _is_ours(Path(file)):
            return str(file)
    return ""


def _is_ours(file: Path) -> bool:
    """Whether a library is in a folder of ours, which may be a link."""
    return any(folder.resolve() in file.resolve().parents for folder in LIBRARIES)


def _refusal(what: str) -> dict[str, Any]:
    error = {"kind": "LibrariesMixed", "what": what, "where": {}, "next_step": "Restart Splunk"}
    return {
        "status": 500,
        "payload": json.dumps({"error": error}),
        "headers": {"Content-Type": "application/json"},
    }

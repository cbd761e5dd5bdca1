"""What the administrator's commands share: their options, errors and folders."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timezone
from pathlib import Path

from cloudhsm.base.arguments import SCHEME
from cloudhsm.base.errors import Place, SettingError, StateError


def refused(option: str, what: str, next_step: str) -> SettingError:
    """The error of an option; `what` continues the sentence after its name."""
    return SettingError(f"{option} {what}", next_step=next_step)


def checkpoint_folder(variables: Mapping[str, str]) -> Path:
    """The input's checkpoint folder, which splunkd keeps in $SPLUNK_DB. variables: of Splunk."""
    database = variables.get("SPLUNK_DB")
    home = Path(variables.get("SPLUNK_HOME", ""))
    return (Path(database) if database else home / "var/lib/splunk") / "modinputs" / SCHEME


def existing_checkpoint_folder(folder: Path | None, variables: Mapping[str, str]) -> Path:
    """The folder that --folder names, otherwise the one of this Splunk. variables: of Splunk.

    Raises SettingError where neither is known, StateError for a folder that does not exist.
    """
    if folder is None:
        if not variables.get("SPLUNK_HOME") and not variables.get("SPLUNK_DB"):
            raise refused(
                "--folder",
                "is missing, and SPLUNK_HOME is not set",
                "Run the command with `splunk cmd python`, or add --folder",
            )
        folder = checkpoint_folder(variables)
    if not folder.is_dir():
        raise StateError(
            "There is no such checkpoint folder",
            place=Place(file=str(folder)),
            next_step="Run this on the host that collects the group, or add --folder",
        )
    return folder


def utc(seconds: float, precision: str = "seconds") -> str:
    """An instant, seconds since 1970, in ISO 8601. precision: as of `datetime.isoformat`."""
    return datetime.fromtimestamp(seconds, timezone.utc).isoformat(timespec=precision)

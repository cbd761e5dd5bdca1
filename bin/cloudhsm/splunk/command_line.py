"""What the administrator's commands share: their options, errors and folders."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from datetime import datetime, timezone
from pathlib import Path

from cloudhsm.base.arguments import SCHEME
from cloudhsm.base.errors import SettingError


def command_parser(program: str, manual: str | None) -> argparse.ArgumentParser:
    """A parser whose help begins with the command's manual, line by line as it is written."""
    return argparse.ArgumentParser(
        prog=program, description=manual, formatter_class=argparse.RawDescriptionHelpFormatter
    )


def refused(option: str, what: str, next_step: str) -> SettingError:
    """The error of an option; `what` continues the sentence after its name."""
    return SettingError(f"{option} {what}", next_step=next_step)


def checkpoint_folder(variables: Mapping[str, str]) -> Path:
    """The input's checkpoint folder, which splunkd keeps in $SPLUNK_DB. variables: of Splunk."""
    database = variables.get("SPLUNK_DB")
    home = Path(variables.get("SPLUNK_HOME", ""))
    return (Path(database) if database else home / "var/lib/splunk") / "modinputs" / SCHEME


def utc(seconds: float, precision: str = "seconds") -> str:
    """An instant, seconds since 1970, in ISO 8601. precision: as of `datetime.isoformat`."""
    return datetime.fromtimestamp(seconds, timezone.utc).isoformat(timespec=precision)

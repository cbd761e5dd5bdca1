"""The add-on's version: it is in [id] of default/app.conf and nowhere else by hand.

Splunk, AppInspect and the collector itself want it in three more places, which `make generate`
writes.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from emulator.conf.conf_file import read_conf
from emulator.errors import ConfError

APP_CONF = "default/app.conf"
# What is around the version elsewhere.
_PLACES: Mapping[str, str] = {
    APP_CONF: r"(?ms)^(?P<before>\[launcher\]$(?:(?!^\[).)*?^version = )(?P<version>[^\n]*)",
    "app.manifest": r'(?s)(?P<before>"id": \{[^}]*?"version": ")(?P<version>[^"]*)',
    "bin/cloudhsm/__init__.py": r'(?m)^(?P<before>__version__ = ")(?P<version>[^"]*)',
}
_SEMANTIC = re.compile(r"\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?")


class VersionProblem(Exception):
    """The version cannot be read or written; the message names the file and what to do."""


def version(root: Path) -> str:
    """As [id] of default/app.conf has it. Raises VersionProblem."""
    try:
        number = read_conf(root / APP_CONF, APP_CONF).value("id", "version")
    except ConfError as error:
        raise VersionProblem(str(error)) from error
    if number is None:
        raise VersionProblem(f"{APP_CONF}: [id] with version is missing")
    if not _SEMANTIC.fullmatch(number):
        raise VersionProblem(f"{APP_CONF}: [id] version = {number}: want 1.2.3 or 1.2.3-rc.1")
    return number


def places(root: Path) -> dict[str, str]:
    """The files that show the version, with it, by their path below `root`.

    Raises VersionProblem and OSError.
    """
    number = version(root)
    return {name: _with(root / name, name, around, number) for name, around in _PLACES.items()}


def _with(path: Path, name: str, around: str, number: str) -> str:
    text = path.read_text("utf-8")
    written, count = re.subn(around, lambda match: match["before"] + number, text, count=1)
    if not count:
        raise VersionProblem(f"{name}: the place of the version is missing")
    return written

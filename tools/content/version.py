"""The add-on's version: it stands in [id] of default/app.conf and nowhere else by hand.

Splunk, AppInspect and the collector itself want it in three more places, which `make generate`
writes.
"""

from __future__ import annotations

import configparser
import re
from collections.abc import Mapping
from pathlib import Path

APP_CONF = "default/app.conf"
# What stands around the version elsewhere.
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
    conf = configparser.ConfigParser(interpolation=None)
    conf.read(root / APP_CONF, encoding="utf-8")
    try:
        found = conf["id"]["version"]
    except KeyError as error:
        raise VersionProblem(f"{APP_CONF}: [id] with version is missing") from error
    if not _SEMANTIC.fullmatch(found):
        raise VersionProblem(f"{APP_CONF}: [id] version = {found}: want 1.2.3 or 1.2.3-rc.1")
    return found


def places(root: Path) -> dict[str, str]:
    """The files that show the version, with it, by their path below `root`.

    Raises VersionProblem and OSError.
    """
    told = version(root)
    return {name: _told(root / name, name, around, told) for name, around in _PLACES.items()}


def _told(path: Path, name: str, around: str, told: str) -> str:
    text = path.read_text("utf-8")
    written, count = re.subn(around, lambda found: found["before"] + told, text, count=1)
    if not count:
        raise VersionProblem(f"{name}: the place of the version is missing")
    return written

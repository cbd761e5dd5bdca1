"""The add-on's own .conf files, as Splunk reads them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

Stanza = dict[str, str]


def read_conf(path: Path) -> dict[str, Stanza]:
    """The stanzas of a .conf file with their settings, in the file's order. Raises OSError."""
    stanzas: dict[str, Stanza] = {}
    settings: Stanza = {}
    for line in _logical_lines(path.read_text(encoding="utf-8")):
        if line.startswith("[") and line.endswith("]"):
            settings = stanzas.setdefault(line[1:-1], {})
        else:
            key, _equals, value = line.partition("=")
            settings[key.strip()] = value.strip()
    return stanzas


def of_kind(settings: Stanza, kind: str) -> Iterator[tuple[str, str]]:
    """(class, value) of the settings `<kind>-<class>`, in Splunk's order: ASCII, by class."""
    for key in sorted(settings):
        if key.startswith(f"{kind}-"):
            yield key[len(kind) + 1 :], settings[key]


def _logical_lines(text: str) -> Iterator[str]:
    """Lines without blanks at their ends; a backslash at the end joins the next one."""
    whole = ""
    for line in text.splitlines():
        if whole or (line.strip() and not line.startswith("#")):
            whole += line
            if not whole.endswith("\\"):
                yield whole.strip()
                whole = ""
            else:
                whole = whole[:-1] + "\n"

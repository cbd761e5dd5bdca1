"""Splunk's .conf files (Admin Manual, "About configuration files"). Pure."""

from __future__ import annotations

from collections.abc import Iterator

Stanza = dict[str, str]
ConfSettings = list[tuple[str, str]]


def stanzas(text: str) -> Iterator[tuple[str, ConfSettings]]:
    """The stanzas of a .conf file with their settings, in its order, as often as they are there.

    Settings before the first stanza are of `default`. A line that is no setting has the name "". A
    backslash at the end of a line continues it on the next one.
    """
    name, settings = "default", ConfSettings()
    lines = iter(text.lstrip("\ufeff").splitlines())
    for first in lines:
        line = first.strip()
        while line.endswith("\\"):
            line = line[:-1] + "\n" + next(lines, "").rstrip()
        if line.startswith("[") and line.endswith("]"):
            yield name, settings
            name, settings = line[1:-1], []
        elif line and not line.startswith("#"):
            key, equals, value = line.partition("=")
            settings.append((key.strip(), value.strip()) if equals else ("", line))
    yield name, settings

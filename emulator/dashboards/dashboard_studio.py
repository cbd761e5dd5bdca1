"""Views of Dashboard Studio as they ship: their definitions, and what their searches give."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from threading import Lock
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

from emulator.errors import EmulatorError
from emulator.eval.relative_time import relative_time
from emulator.session import Session
from emulator.spl.context import Results, Row

VIEWS = "default/data/ui/views"
NAVIGATION = "default/data/ui/nav/default.xml"
_MOST_KNOWN = 200  # results that are kept; a view has some 30 searches, all records take 8 MB
# Dashboard Studio, "Token filters": s quotes, u encodes for an address, others are not used here.
_TOKEN = re.compile(r"\$([A-Za-z_][\w.]*)(?:\|([a-z]))?\$")

Json = dict[str, Any]


class ViewError(EmulatorError):
    """A view that cannot be read or shown."""


@dataclass(frozen=True)
class View:
    """One file of `default/data/ui/views`."""

    name: str
    label: str
    definition: Json


def read_view(root: Path, name: str) -> View:
    """The view called `name`. Raises ViewError where it is not there or not of version 2."""
    path = root / VIEWS / f"{name}.xml"
    element = _parsed(path)
    text = element.findtext("definition")
    if element.tag != "dashboard" or element.get("version") != "2" or text is None:
        raise ViewError(f'{path}: is no <dashboard version="2"> with a <definition>')
    try:
        definition = json.loads(text)
    except ValueError as error:
        raise ViewError(f"{path}: its definition is no JSON: {error}") from error
    return View(name, element.findtext("label") or name, definition)


def navigation(root: Path) -> list[str]:
    """The app's own views, in the order of its navigation."""
    own = {path.stem for path in (root / VIEWS).glob("*.xml")}
    names = [str(one.get("name")) for one in _parsed(root / NAVIGATION).iter("view")]
    return [name for name in names if name in own]


def _parsed(path: Path) -> ET.Element:
    try:
        return ET.parse(path).getroot()  # noqa: S314 - a file of the app that is shown
    except OSError as error:
        raise ViewError(f"{path}: {error.strerror}") from error
    except ET.ParseError as error:
        raise ViewError(f"{path}: is no XML: {error}") from error


@dataclass
class Answers:
    """Runs chains of searches; a base that several chains go on with runs once.

    The results that were asked for last are kept.
    """

    session: Session
    _known: dict[tuple[str, ...], Results] = field(default_factory=dict)
    _one_at_a_time: Lock = field(default_factory=Lock)

    def of(self, queries: Sequence[str], earliest: str | None, latest: str | None) -> Results:
        """What the last query makes of the results of those before it.

        Times are Splunk's, absolute or relative to the session's now; none is no limit. Raises
        EmulatorError for what cannot run.
        """
        with self._one_at_a_time:
            return self._run(tuple(queries), earliest or "0", latest or "")

    def _run(self, queries: tuple[str, ...], earliest: str, latest: str) -> Results:
        key = (*queries, earliest, latest)
        if key in self._known:
            self._known[key] = self._known.pop(key)  # the last one asked
        else:
            first = relative_time(self.session.now, earliest)
            last = relative_time(self.session.now, latest) if latest else None
            if len(queries) == 1:
                self._known[key] = self.session.search(queries[0], first, last)
            else:
                base = self._run(queries[:-1], earliest, latest)
                self._known[key] = self.session.chained(base, queries[-1], first, last)
            while len(self._known) > _MOST_KNOWN:
                del self._known[next(iter(self._known))]
        return self._known[key]


class ShownView:
    """A view as it opens: its searches with the tokens of its inputs, or those that are given.

    Tokens are filled in as Dashboard Studio does it: `|s` gives a quoted text.
    """

    def __init__(self, view: View, answers: Answers, **tokens: str) -> None:
        self.definition = view.definition
        self._answers = answers
        self._given = tokens

    @cached_property
    def tokens(self) -> dict[str, str]:
        """All tokens that inputs set: what was given, else their defaults."""
        options = [one["options"] for one in self.definition["inputs"].values()]
        found = {one["token"]: str(one.get("defaultValue", "")) for one in options}
        earliest, latest = found.pop("global_time").split(",")
        found |= {"global_time.earliest": earliest, "global_time.latest": latest}
        return {**found, **self._given}

    def source(self, name: str) -> Results:
        """The results of a data source, by its id."""
        return self._answers.of(self._queries(name), *self._times(name))

    def search(self, name: str) -> list[Row]:
        """The rows of the search that the view's YAML calls so."""
        return self.source(f"ds_{name}").rows

    def value(self, name: str, column: str = "") -> str:
        """`column` of the only row of a search; its first column if none is named."""
        (row,) = self.search(name)
        return str(row[column] if column else next(iter(row.values())))

    def panel(self, name: str) -> list[Row]:
        """The rows that a panel is given."""
        sources = self.definition["visualizations"][f"viz_{name}"]["dataSources"]
        return self.source(sources["primary"]).rows

    def address(self, panel: str, **row: str) -> tuple[str, dict[str, str]]:
        """Where a click on a panel leads: path and parameters. row: fields of what is clicked."""
        (handler,) = self.definition["visualizations"][f"viz_{panel}"]["eventHandlers"]
        clicked = {f"row.{name}.value": value for name, value in row.items()}
        address = urlsplit(self._filled(handler["options"]["url"], clicked))
        given = parse_qs(address.query, keep_blank_values=True)
        return address.path, {name: values[-1] for name, values in given.items()}

    def records(self, panel: str, **row: str) -> list[Row]:
        """The records that a click on a panel opens in the search page."""
        path, given = self.address(panel, **row)
        if not path.endswith("/search"):
            raise ViewError(f"{panel} opens {path}, not the search page")
        text = given["q"].removeprefix("search ")
        return self._answers.of([text], given["earliest"], given["latest"]).rows

    def _queries(self, name: str) -> list[str]:
        options = self.definition["dataSources"][name]["options"]
        before = self._queries(options["extend"]) if "extend" in options else []
        return [*before, self._filled(options["query"], {})]

    def _times(self, name: str) -> tuple[str, str]:
        options = self.definition["dataSources"][name]["options"]
        if "extend" in options:
            return self._times(options["extend"])
        own = options.get("queryParameters", {})
        earliest, latest = (
            self._filled(own.get(one, f"$global_time.{one}$"), {}) for one in ("earliest", "latest")
        )
        return earliest, latest

    def _filled(self, text: str, clicked: dict[str, str]) -> str:
        tokens = {**self.tokens, **clicked}
        return _TOKEN.sub(lambda found: _as_filtered(tokens[found[1]], found[2]), text)


def _as_filtered(value: str, how: str | None) -> str:
    if how == "s":
        return json.dumps(value, ensure_ascii=False)
    return quote(value, safe="") if how == "u" else value

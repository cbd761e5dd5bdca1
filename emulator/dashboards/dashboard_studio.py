"""Views of Dashboard Studio as they ship: their definitions, and the results of their searches."""

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
from emulator.spl.context import ResultRow, Results

VIEWS = "default/data/ui/views"
NAVIGATION = "default/data/ui/nav/default.xml"
_CACHE_SIZE = 200  # results; a view has some 30 searches, all records take 8 MB
# Dashboard Studio, "Token filters": s quotes, u encodes for an address, others are not used here.
_TOKEN = re.compile(r"\$([A-Za-z_][\w.]*)(?:\|([a-z]))?\$")

JsonObject = dict[str, Any]


class ViewError(EmulatorError):
    """A view that cannot be read or shown."""


@dataclass(frozen=True)
class View:
    """One file of `default/data/ui/views`."""

    name: str
    label: str
    definition: JsonObject


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
    """The app's own views of Dashboard Studio, in the order of its navigation."""
    own = {path.stem for path in (root / VIEWS).glob("*.xml") if not _is_simple_xml(path)}
    names = [str(view.get("name")) for view in _parsed(root / NAVIGATION).iter("view")]
    return [name for name in names if name in own]


def _is_simple_xml(path: Path) -> bool:
    """Whether it is a page with a script, which Splunk Web shows and the emulator does not."""
    try:
        return _parsed(path).get("version") == "1.1"
    except ViewError:
        return False


def _parsed(path: Path) -> ET.Element:
    try:
        return ET.parse(path).getroot()  # noqa: S314 - a file of the app that is shown
    except OSError as error:
        raise ViewError(f"{path}: {error.strerror}") from error
    except ET.ParseError as error:
        raise ViewError(f"{path}: is no XML: {error}") from error


@dataclass
class ViewSearches:
    """Runs chains of searches; a base that several chains share runs once.

    The latest results are cached.
    """

    session: Session
    _cache: dict[tuple[str, ...], Results] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    def results(self, queries: Sequence[str], earliest: str | None, latest: str | None) -> Results:
        """The results of the last query, run on those of the queries before it.

        Times are Splunk's, absolute or relative to the session's now; none is no limit. Raises
        EmulatorError for what cannot run.
        """
        with self._lock:
            return self._run(tuple(queries), earliest or "0", latest or "")

    def _run(self, queries: tuple[str, ...], earliest: str, latest: str) -> Results:
        key = (*queries, earliest, latest)
        if key in self._cache:
            self._cache[key] = self._cache.pop(key)  # the latest use
        else:
            first = relative_time(self.session.now, earliest)
            last = relative_time(self.session.now, latest) if latest else None
            if len(queries) == 1:
                self._cache[key] = self.session.search(queries[0], first, last)
            else:
                base = self._run(queries[:-1], earliest, latest)
                self._cache[key] = self.session.chained(base, queries[-1], first, last)
            while len(self._cache) > _CACHE_SIZE:
                del self._cache[next(iter(self._cache))]
        return self._cache[key]


class ShownView:
    """A view as it opens: its searches with the tokens of its inputs, or those of the caller.

    Tokens are filled in as Dashboard Studio does it: `|s` gives a quoted text.
    """

    def __init__(self, view: View, searches: ViewSearches, **tokens: str) -> None:
        self.definition = view.definition
        self._searches = searches
        self._caller_tokens = tokens

    @cached_property
    def tokens(self) -> dict[str, str]:
        """All tokens that inputs set: the caller's values, else their defaults."""
        inputs = [entry["options"] for entry in self.definition["inputs"].values()]
        tokens = {options["token"]: str(options.get("defaultValue", "")) for options in inputs}
        earliest, latest = tokens.pop("global_time").split(",")
        tokens |= {"global_time.earliest": earliest, "global_time.latest": latest}
        return {**tokens, **self._caller_tokens}

    def source(self, name: str) -> Results:
        """The results of a data source, by its id."""
        return self._searches.results(self._queries(name), *self._times(name))

    def search(self, name: str) -> list[ResultRow]:
        """The rows of the search with that name in the view's YAML."""
        return self.source(f"ds_{name}").rows

    def value(self, name: str, column: str = "") -> str:
        """`column` of the only row of a search; its first column if none is named."""
        (row,) = self.search(name)
        return str(row[column] if column else next(iter(row.values())))

    def panel(self, name: str) -> list[ResultRow]:
        """The rows of a panel."""
        sources = self.definition["visualizations"][f"viz_{name}"]["dataSources"]
        return self.source(sources["primary"]).rows

    def address(self, panel: str, **row: str) -> tuple[str, dict[str, str]]:
        """The target of a click on a panel: path and parameters. row: fields of the clicked row."""
        (handler,) = self.definition["visualizations"][f"viz_{panel}"]["eventHandlers"]
        clicked = {f"row.{name}.value": value for name, value in row.items()}
        address = urlsplit(self._filled(handler["options"]["url"], clicked))
        parameters = parse_qs(address.query, keep_blank_values=True)
        return address.path, {name: values[-1] for name, values in parameters.items()}

    def records(self, panel: str, **row: str) -> list[ResultRow]:
        """The records that a click on a panel opens in the search page."""
        path, parameters = self.address(panel, **row)
        if not path.endswith("/search"):
            raise ViewError(f"{panel} opens {path}, not the search page")
        text = parameters["q"].removeprefix("search ")
        return self._searches.results([text], parameters["earliest"], parameters["latest"]).rows

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
            self._filled(own.get(end, f"$global_time.{end}$"), {}) for end in ("earliest", "latest")
        )
        return earliest, latest

    def _filled(self, text: str, clicked: dict[str, str]) -> str:
        tokens = {**self.tokens, **clicked}
        return _TOKEN.sub(lambda match: _as_filtered(tokens[match[1]], match[2]), text)


def _as_filtered(value: str, escaping: str | None) -> str:
    if escaping == "s":
        return json.dumps(value, ensure_ascii=False)
    return quote(value, safe="") if escaping == "u" else value

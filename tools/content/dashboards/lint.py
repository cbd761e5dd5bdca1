"""What can be wrong with a shipped view that the official validator does not see.

It takes misspelt options, references to nothing, tokens that no input sets and searches that cannot
run; panels that use them stay empty or show an error only when somebody looks.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from emulator.conf.macros import Macros
from emulator.errors import EmulatorError
from emulator.spl.pipeline import check
from emulator.spl.syntax import calls
from tools.content.dashboards.dashboard_studio import APP, GRID

Json = Mapping[str, Any]

_TOP = ("title", "description", "inputs", "defaults", "visualizations", "dataSources", "layout")
_AXES = ("legendDisplay", "xAxisTitleVisibility", "yAxisTitleVisibility", "seriesColors")
_CHART = frozenset({*_AXES, "seriesColorsByField"})
# The options that our views use, by type; `make browser` compares them with the official schema.
OPTIONS: Mapping[str, frozenset[str]] = {
    "splunk.singlevalue": frozenset(
        {"majorValue", "majorFontSize", "majorColor", "sparklineDisplay", "trendDisplay"}
    ),
    "splunk.table": frozenset({"count", "showInternalFields", "headerVisibility", "columnFormat"}),
    "splunk.column": _CHART | {"stackMode"},
    "splunk.area": _CHART | {"stackMode"},
    "splunk.bar": _CHART,
    "splunk.line": _CHART,
    "splunk.pie": _CHART | {"showDonutHole", "labelDisplay"},
    "splunk.markdown": frozenset({"markdown"}),
    "input.timerange": frozenset({"token", "defaultValue"}),
    "input.dropdown": frozenset({"token", "defaultValue", "items"}),
    "input.text": frozenset({"token", "defaultValue"}),
    "ds.search": frozenset({"query", "queryParameters"}),
    "ds.chain": frozenset({"query", "extend"}),
}
# Splunk cuts what a base search that does not transform hands on ("Chain searches together").
_TRANSFORMING = frozenset({"stats", "chart", "timechart", "top", "rare", "tstats"})
_SOME = re.compile(r"(?:head|tail) |sort [1-9]")  # so many rows and no more
# Columns of rows whose characters no user chooses, next to those that begin with `_`.
_SAFE_COLUMNS = frozenset({"hsm_id", "cluster_id", "outcome", "record_status"})
_TOKEN = re.compile(r"\$([A-Za-z_][\w.]*)(?:\|([a-z]))?\$")
_LONGEST_TITLE, _LONGEST_DESCRIPTION = 40, 280


@dataclass(frozen=True)
class LintContext:
    """What views refer to. tokens: those of the inputs, by the name of a view."""

    macros: Macros
    saved_searches: frozenset[str]
    tokens: Mapping[str, frozenset[str]]


def tokens_of(definition: Json) -> frozenset[str]:
    """The tokens that the inputs of a view set."""
    named = {str(item["options"]["token"]) for item in definition["inputs"].values()}
    times = {"global_time.earliest", "global_time.latest"}
    return frozenset(named - {"global_time"} | (times if "global_time" in named else set()))


def faults(name: str, definition: Json, context: LintContext) -> list[str]:
    """One sentence for each fault: where, what, and what to do."""
    problems = [
        *_keys(definition),
        *_references(definition),
        *_chains(definition, context.macros),
        *_options(definition),
        *_places(definition),
        *_tokens(definition),
        *_searches(definition, context),
        *_panels(definition),
        *_clicks(definition, context),
    ]
    return [f"{name}: {problem}" for problem in problems]


def _keys(definition: Json) -> Iterator[str]:
    for key in sorted(set(definition) - set(_TOP)):
        yield f"{key} is no key of a definition: remove it"


def _references(definition: Json) -> Iterator[str]:
    sources = definition["dataSources"]
    used = set()
    for kind in ("visualizations", "inputs"):
        for item, element in definition[kind].items():
            for source in element.get("dataSources", {}).values():
                used.add(source)
                if source not in sources:
                    yield f"{item} wants {source}, which is no data source"
    for source, search in sources.items():
        base = search["options"].get("extend")
        used.add(base)
        if base is not None and base not in sources:
            yield f"{source} extends {base}, which is no data source"
    for source in sorted(set(sources) - used):
        yield f"{source} is shown by no panel: remove it"


def _chains(definition: Json, macros: Macros) -> Iterator[str]:
    sources = definition["dataSources"]
    for source, search in sources.items():
        seen, at = {source}, search["options"].get("extend")
        while at in sources and at not in seen:
            seen.add(at)
            at = sources[at]["options"].get("extend")
        if at in seen:
            yield f"{source} extends itself in the end"
    for base in sorted({search["options"].get("extend", "") for search in sources.values()}):
        if base in sources and "extend" not in sources[base]["options"]:
            yield from _is_bounded(base, sources[base]["options"]["query"], macros)


def _is_bounded(base: str, query: str, macros: Macros) -> Iterator[str]:
    try:
        commands = calls(macros.expand(_plain(query)))
    except EmulatorError:
        return  # reported as a search that does not run
    if not any(c.name in _TRANSFORMING or _SOME.match(f"{c.name} {c.arguments}") for c in commands):
        yield f"{base} is extended, so it must transform (stats ...), or Splunk cuts its results"


def _options(definition: Json) -> Iterator[str]:
    for kind in ("visualizations", "inputs", "dataSources"):
        for item, element in definition[kind].items():
            known = OPTIONS.get(element["type"])
            if known is None:
                yield f"{item} is a {element['type']}, which no view of ours uses"
                continue
            for option in sorted(set(element["options"]) - known):
                yield f"{item} has the option {option}, which {element['type']} does not have"


def _places(definition: Json) -> Iterator[str]:
    layout = definition["layout"]
    placed = [block["item"] for block in layout["structure"]]
    for item in sorted(set(placed) ^ set(definition["visualizations"])):
        yield f"{item} must be a panel and have one place"
    for item in sorted(set(layout["globalInputs"]) ^ set(definition["inputs"])):
        yield f"{item} must be an input and be above the panels"
    blocks = [(block["item"], block["position"]) for block in layout["structure"]]
    for item, at in blocks:
        if any(type(at[side]) is not int or at[side] < 0 for side in "xywh"):
            yield f"{item}: x, y, w and h must be whole numbers"
            return
    for position, (item, at) in enumerate(blocks):
        for other, there in blocks[position + 1 :]:
            if _overlap(at, there):
                yield f"{item} lies over {other}"
    for top in sorted({at["y"] for _item, at in blocks}):
        width = sum(at["w"] for _item, at in blocks if at["y"] == top)
        if width != GRID:
            yield f"the row at {top} is {width} wide, not {GRID}"


def _overlap(first: Json, second: Json) -> bool:
    across: bool = first["x"] < second["x"] + second["w"] and second["x"] < first["x"] + first["w"]
    down: bool = first["y"] < second["y"] + second["h"] and second["y"] < first["y"] + first["h"]
    return across and down


def _tokens(definition: Json) -> Iterator[str]:
    known = tokens_of(definition)
    for source, search in definition["dataSources"].items():
        for token, how in _TOKEN.findall(search["options"]["query"]):
            if token not in known:
                yield f"{source} uses ${token}$, which no input sets"
            elif how != "s":
                yield f"{source} uses ${token}$ unquoted: write ${token}|s$"
    for item, panel in definition["visualizations"].items():
        texts = [panel.get("title"), panel.get("description"), panel["options"].get("markdown")]
        for token, _how in _TOKEN.findall(" ".join(filter(None, texts))):
            if token not in known:
                yield f"{item} shows ${token}$, which no input sets"


def _searches(definition: Json, context: LintContext) -> Iterator[str]:
    for source, search in definition["dataSources"].items():
        query = _plain(search["options"]["query"])
        for name in re.findall(r'\bsavedsearch\s+"([^"]*)"', query):
            if name not in context.saved_searches:
                yield f"{source} runs the saved search {name}, which is not there"
        try:
            check(f"* {query}" if "extend" in search["options"] else query, context.macros)
        except EmulatorError as error:
            yield f"{source} cannot run: {error}"


def _plain(query: str) -> str:
    return _TOKEN.sub(lambda match: '"x"' if match[2] == "s" else "x", query)


def _panels(definition: Json) -> Iterator[str]:
    for item, panel in definition["visualizations"].items():
        if len(panel.get("title", "")) > _LONGEST_TITLE:
            yield f"{item}: a title has at most {_LONGEST_TITLE} letters"
        if len(panel.get("description", "")) > _LONGEST_DESCRIPTION:
            yield f"{item}: a description has at most {_LONGEST_DESCRIPTION} letters"
        source = panel.get("dataSources", {}).get("primary")
        shown = definition["dataSources"].get(source, {"options": {"query": ""}})
        if panel["type"] == "splunk.table" and "shown_rows=0" not in shown["options"]["query"]:
            yield f"{item} shows nothing at all where it is empty: let it state what to do"
        if source is not None and not panel.get("eventHandlers"):
            yield f"{item} opens nothing: lead to its records"


def _clicks(definition: Json, context: LintContext) -> Iterator[str]:
    known = tokens_of(definition)
    for item, panel in definition["visualizations"].items():
        for handler in panel.get("eventHandlers", []):
            if handler["type"] == "drilldown.setToken":
                for pair in handler["options"]["tokens"]:
                    if pair["token"] not in known:
                        yield f"{item} sets ${pair['token']}$, which no input has"
            else:
                yield from (f"{item} {fault}" for fault in _address(handler, known, context))


def _address(handler: Json, known: frozenset[str], context: LintContext) -> Iterator[str]:
    url = urlsplit(str(handler["options"]["url"]))
    for token, how in _TOKEN.findall(url.query):
        row = re.fullmatch(r"row\.(\w+)\.value", token)
        if row is None and token not in known:
            yield f"passes ${token}$, which no input sets"
        elif how not in ("s", "u") and (row is None or not _is_safe(row[1])):
            yield f"passes ${token}$ as it is: write ${token}|u$"
    tokens = dict(parse_qsl(url.query, keep_blank_values=True))
    view = url.path.removeprefix(f"/app/{APP}/")
    if view == "search":
        yield from _records(tokens.get("q", ""), context.macros)
    elif view not in context.tokens:
        yield f"leads to {url.path}, which is no view"
    else:
        for name in sorted({key.removeprefix("form.") for key in tokens} - context.tokens[view]):
            yield f"hands {name} to {view}, which has no such input"


def _is_safe(column: str) -> bool:
    return column.startswith("_") or column in _SAFE_COLUMNS


def _records(searched: str, macros: Macros) -> Iterator[str]:
    query = unquote(searched).removeprefix("search ").strip()
    for column in re.findall(r"\$row\.(\w+)\.value", query):
        if not _is_safe(column):
            yield f"puts {column} of a row into a search: pass a hash of it, as _{column}"
    if query.startswith("$row."):
        return  # the row brings its own search
    try:
        check(_plain(query), macros)
    except EmulatorError as error:
        yield f"opens a search that cannot run: {error}"

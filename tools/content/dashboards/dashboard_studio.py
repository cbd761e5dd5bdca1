"""A view as a definition of Dashboard Studio, in the common style.

Names of types and options are Dashboard Studio's: the official packages' schema is checked against
them by `make browser`. Layout: the grid of 1,200 units in the form that Splunk 9 knows.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from tools.content.dashboards import spl
from tools.content.dashboards.schema import (
    COLUMNS,
    PREFIX,
    ClickTarget,
    Common,
    Input,
    Panel,
    Search,
    View,
    ViewInput,
)

APP = "TA-aws-cloudhsm"
GRID = 1200
Json = dict[str, Any]

_TYPES = {
    "number": "splunk.singlevalue",
    "table": "splunk.table",
    "columns": "splunk.column",
    "bars": "splunk.bar",
    "line": "splunk.line",
    "area": "splunk.area",
    "pie": "splunk.pie",
    "text": "splunk.markdown",
}
_AXES = {"legendDisplay": "bottom", "xAxisTitleVisibility": "hide", "yAxisTitleVisibility": "hide"}
_STYLES: Mapping[str, Json] = {
    "number": {
        "majorValue": "> primary | seriesByIndex(0) | lastPoint()",
        "majorFontSize": 36,
        "sparklineDisplay": "off",
        "trendDisplay": "off",
    },
    "table": {"count": 10, "showInternalFields": False, "headerVisibility": "fixed"},
    "columns": {**_AXES, "stackMode": "stacked"},
    "area": {**_AXES, "stackMode": "stacked"},
    "bars": {**_AXES, "legendDisplay": "off"},
    "line": _AXES,
    "pie": {"showDonutHole": True, "labelDisplay": "values"},
    "text": {},
}
_CHARTS = frozenset({"columns", "bars", "line", "area", "pie"})
_ALARMS = {"bad": "wrong", "look": "look"}


def definition(view: View, common: Common) -> Json:
    """The JSON of one view. Raises spl.Unfilled for a placeholder that means nothing."""
    return {
        "title": view.label,
        "description": view.question,
        "inputs": _inputs(view, common),
        "defaults": _defaults(common.inputs.time),
        "visualizations": {f"viz_{panel.id}": _panel(panel, view, common) for panel in view.panels},
        "dataSources": _data_sources(view, common),
        "layout": _layout(view),
    }


def _defaults(time: Input) -> Json:
    times = {name: f"${time.token}.{name}$" for name in ("earliest", "latest")}
    return {"dataSources": {"ds.search": {"options": {"queryParameters": times}}}}


# --- inputs


def _inputs(view: View, common: Common) -> Json:
    shared = {f"input_{name}": _input(name, common.inputs.by_name[name]) for name in view.inputs}
    own = {f"input_{name}": _own_input(name, item) for name, item in view.own_inputs.items()}
    return {**shared, **own}


def _conditions(view: View, common: Common) -> dict[str, str | None]:
    shared = {name: common.inputs.by_name[name].condition for name in view.inputs}
    return {**shared, **{name: item.condition for name, item in view.own_inputs.items()}}


def _own_input(name: str, item: ViewInput) -> Json:
    options: Json = {"token": name, "defaultValue": "*"}
    if not item.choices:
        return {"type": "input.text", "title": item.title, "options": options}
    items = [{"label": "All", "value": "*"}, *({"label": it, "value": it} for it in item.choices)]
    return {
        "type": "input.dropdown",
        "title": item.title,
        "options": {**options, "items": items},
    }


def _input(name: str, item: Input) -> Json:
    options = {"token": item.token, "defaultValue": item.default}
    if item.choices is None:
        return {"type": "input.timerange", "title": item.title, "options": options}
    return {
        "type": "input.dropdown",
        "title": item.title,
        "dataSources": {"primary": f"ds_choices_{name}"},
        "options": {**options, "items": "> frame(label, value) | objects()"},
        "context": {
            "as_text": {"number": {"prefix": ""}},
            **{column: _choice(column) for column in ("label", "value")},
        },
    }


def _choice(column: str) -> str:
    """Numbers too are shown as they are written."""
    series = f'seriesByName("{column}") | renameSeries("{column}")'
    return f"> primary | {series} | formatByType(as_text)"


# --- searches


def _data_sources(view: View, common: Common) -> Json:
    sources = {
        f"ds_{name}": _search(name, search, view, common) for name, search in view.searches.items()
    }
    for panel in view.panels:
        if panel.empty is not None:
            query = spl.with_empty_row(_widest(panel, view), panel.empty)
            shown = {"extend": f"ds_{panel.search}", "query": query}
            sources[f"ds_{panel.id}_shown"] = _source(f"{panel.id} shown", "ds.chain", shown)
    return {**sources, **_choices(view, common)}


def _widest(panel: Panel, view: View) -> str:
    """The column of a table that has room for a sentence: the first, unless widths are set."""
    columns = [column for column in view.columns(str(panel.search)) if not column.startswith("_")]
    return max(columns, key=lambda column: panel.widths.get(column, 0))


def _search(name: str, search: Search, view: View, common: Common) -> Json:
    query = spl.filled(search.query, _conditions(view, common))
    if search.extends is not None:
        options: Json = {"extend": f"ds_{search.extends}", "query": query}
        return _source(name, "ds.chain", options)
    bounds = {"earliest": search.earliest, "latest": search.latest}
    times = {key: value for key, value in bounds.items() if value is not None}
    options = {"query": query, **({"queryParameters": times} if times else {})}
    return _source(name, "ds.search", options)


def _choices(view: View, common: Common) -> Json:
    inputs = {name: common.inputs.by_name[name] for name in view.inputs}
    chains = {
        f"ds_choices_{name}": _source(
            f"choices of {name}",
            "ds.chain",
            {
                "extend": "ds_choices",
                "query": item.choices.strip() + "\n" + common.inputs.all.strip(),
            },
        )
        for name, item in inputs.items()
        if item.choices is not None
    }
    if not chains:
        return {}
    base = {"query": common.inputs.base.strip()}
    return {"ds_choices": _source("choices", "ds.search", base), **chains}


def _source(name: str, kind: str, options: Json) -> Json:
    return {"type": kind, "name": name.replace("_", " "), "options": options}


# --- panels


def _panel(panel: Panel, view: View, common: Common) -> Json:
    options: Json = {**_STYLES[panel.show]}
    context: Json = {}
    for more_options, more_context in (_coloured(panel, common), _alarming(panel, common)):
        options.update(more_options)
        context.update(more_context)
    if panel.text is not None:
        options["markdown"] = panel.text.strip()
    visualization: Json = {"type": _TYPES[panel.show]}
    visualization.update({"title": panel.title} if panel.title else {})
    visualization.update({"description": panel.about} if panel.about else {})
    if panel.search is not None:
        source = f"{panel.id}_shown" if panel.empty is not None else panel.search
        visualization["dataSources"] = {"primary": f"ds_{source}"}
    visualization["options"] = {**options, **panel.options}
    if context := {**context, **panel.context}:
        visualization["context"] = context
    if panel.opens is not None:
        visualization["eventHandlers"] = [_handler(panel.opens, view, common)]
    return visualization


def _coloured(panel: Panel, common: Common) -> tuple[Json, Json]:
    """Options and context. Series that a palette does not know have the other common colours."""
    if panel.show in _CHARTS:
        options: Json = {"seriesColors": list(common.palettes.category.values())}
        if isinstance(panel.colours, str):
            options["seriesColorsByField"] = common.palettes.by_name[panel.colours]
        return options, {}
    formats: dict[str, Json] = {name: {"width": width} for name, width in panel.widths.items()}
    context: Json = {}
    for column, name in _palettes(panel).items():
        palette = common.palettes.by_name[name]
        readable = {value: _readable_on(colour) for value, colour in palette.items()}
        series = f'> table | seriesByName("{column}") | matchValue({name}'
        formats[column] = {
            **formats.get(column, {}),
            "rowBackgroundColors": f"{series}_colours)",
            "rowColors": f"{series}_texts)",
        }
        context[f"{name}_colours"] = _matches(palette)
        context[f"{name}_texts"] = _matches(readable)
    return ({"columnFormat": formats} if formats else {}), context


def _palettes(panel: Panel) -> Mapping[str, str]:
    return {} if isinstance(panel.colours, str) else panel.colours


def _matches(colours: Mapping[str, str]) -> list[Json]:
    return [{"match": value, "value": colour} for value, colour in colours.items()]


def _readable_on(colour: str) -> str:
    """Black or white, whichever has the greater contrast (WCAG 2.2, relative luminance)."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    luminance = 0.2126 * red + 0.7152 * green + 0.0722 * blue
    return "#000000" if (luminance + 0.05) ** 2 > 1.05 * 0.05 else "#FFFFFF"


def _alarming(panel: Panel, common: Common) -> tuple[Json, Json]:
    if panel.alarm is None:
        return {}, {}
    health = common.palettes.health
    levels = [{"from": 1, "value": health[_ALARMS[panel.alarm]]}]
    return {"majorColor": "> majorValue | rangeValue(levels)"}, {"levels": levels}


# --- drilldowns


def _handler(opens: ClickTarget, view: View, common: Common) -> Json:
    if opens.sets:
        tokens = [{"token": token, "key": key} for token, key in opens.sets.items()]
        return {"type": "drilldown.setToken", "options": {"tokens": tokens}}
    url = _records(opens.records, view, common) if opens.records else _address(opens, common)
    return {"type": "drilldown.customUrl", "options": {"url": url, "newTab": bool(opens.records)}}


def _records(query: str, view: View, common: Common) -> str:
    time = common.inputs.time.token
    searched = spl.in_address(spl.filled(query, _conditions(view, common)))
    times = f"earliest=${time}.earliest|u$&latest=${time}.latest|u$"
    return f"/app/{APP}/search?q={searched}&{times}"


def _address(opens: ClickTarget, common: Common) -> str:
    time = common.inputs.time.token
    handed = {f"{time}.{name}": f"{time}.{name}" for name in ("earliest", "latest")}
    handed.update(opens.handed)
    tokens = "&".join(f"form.{quote(name)}=${value}|u$" for name, value in handed.items())
    return f"/app/{APP}/{PREFIX}{opens.view}?{tokens}"


# --- layout


def _layout(view: View) -> Json:
    structure: list[Json] = []
    top = 0
    for row in view.rows:
        left = 0
        for panel in row.panels:
            width = panel.width * GRID // COLUMNS
            position = {"x": left, "y": top, "w": width, "h": row.height}
            structure.append({"item": f"viz_{panel.id}", "type": "block", "position": position})
            left += width
        top += row.height
    return {
        "type": "grid",
        "options": {},
        "globalInputs": [f"input_{name}" for name in view.chosen],
        "structure": structure,
    }

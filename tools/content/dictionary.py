"""Renders the data dictionary, `docs/fields.md`, from the definitions of `mappings/fields.yaml`.

`python -m tools.generate` writes it and, with `--check`, compares it; so too the names of the
fields that `aws_cloudhsm_normalize.py` prints.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence

from tools.content.fields import (
    CERTIFICATE,
    FILE,
    MODELS,
    Dictionary,
    ExampleRecord,
    Field,
    Group,
    Unknowable,
)
from tools.content.markdown import table_text

PAGE = "docs/fields.md"
NAMES = "bin/cloudhsm/siem/field_names.json"
_CIM_GROUP = "Common Information Model"
# What a record's origin decides, and whether it can be believed: part of every form.
_ALWAYS = ("_time", "_raw", "host", "source", "sourcetype", "tag", "record_status", "record_key")
_FIRST_LINE = (
    f"<!-- Generated from mappings/{FILE} by tools/content/dictionary.py: edit that, then run"
    " `make generate`. -->"
)
_INTRODUCTION = """\
What a search sees in the source types `aws:cloudhsm:audit` and `aws:cloudhsm:certificate`, and what
the add-on adds to `aws:cloudhsm:collector` (whose own fields `README/collector-events.md`
describes). A field that a record has nothing for is absent; nothing is filled in.

- *from*: the key of the record's line, as printed, or where else the value comes from.
- *in*: for what stands in an audit record, the layouts that have the line: the **older** and the
  **newer** one (one cluster may write both), **time_info**, the HSM's comparison of clocks, and
  **flattened**, an older record on one line; for the rest, the source types.
- A line that a record has twice gives its field several values, and `ambiguous=true`.
- *CIM*: the fields of Splunk's Common Information Model that are filled from this one, see
  [below](#cim). *OCSF*: the attribute of the Open Cybersecurity Schema Framework that holds it,
  see [ocsf.md](ocsf.md); [ecs.md](ecs.md) tells the same of the Elastic Common Schema."""
_CIM = """\
<a id="cim"></a>

What each data model asks for, what of the record fills it, and what no record can tell. A field
that cannot be known stays absent; the data models then show `unknown`."""
_COLUMNS = ("field", "meaning", "example", "type", "from", "in", "CIM", "OCSF")
_CIM_COLUMNS = ("CIM field", "filled from", "holds", "not known")
_CODE = re.compile(r"(`[^`]*`)")


def pages(dictionary: Dictionary) -> dict[str, str]:
    """The generated pages by their path from the root of the source."""
    parts = [_FIRST_LINE, "# Fields", _INTRODUCTION]
    for group in dictionary.groups:
        parts += [f"## {group.title}", _plain(group.text), table_text(_COLUMNS, _rows(group))]
    parts += ["## What CIM is told", _CIM]
    for model in MODELS:
        parts += [f"### {model}", table_text(_CIM_COLUMNS, _cim_rows(dictionary, model))]
    parts.append("## Where the examples come from")
    parts += [_shown(record) for record in dictionary.records]
    return {PAGE: "\n\n".join(parts) + "\n", NAMES: _names(dictionary)}


def _names(dictionary: Dictionary) -> str:
    """JSON: the fields of the forms `fields` (all that people search) and `cim`."""
    shown = [field.name for field in dictionary.fields if not field.internal]
    models = {
        field.name
        for group in dictionary.groups
        for field in group.fields
        if field.models or group.title == _CIM_GROUP
    }
    kept = [name for name in shown if name in models or name in _ALWAYS]
    return json.dumps({"cim": kept, "fields": shown}, indent=1) + "\n"


# --- fields


def _rows(group: Group) -> Iterator[Sequence[str]]:
    for field in group.fields:
        yield (
            _code(field.name),
            _meaning(field),
            _example(field),
            field.type + (", several" if field.multivalue else ""),
            _origin(field),
            ", ".join(_places(field)),
            _codes(field.cim or _own_models(field)),
            _codes([field.ocsf] if field.ocsf else []),
        )


def _own_models(field: Field) -> Sequence[str]:
    return [field.name] if field.models else []


def _meaning(field: Field) -> str:
    sentences = [_plain(field.meaning)]
    if field.unit:
        sentences.append(f"In {_plain(field.unit)}.")
    if field.values:
        sentences.append(f"One of {_codes(field.values)}.")
    if field.note:
        sentences.append(f"*{_plain(field.note)}*")
    return " ".join(sentences)


def _example(field: Field) -> str:
    return _codes(field.example if isinstance(field.example, tuple) else [field.example])


def _origin(field: Field) -> str:
    origins = []
    for origin in field.origins:
        kind, _, name = origin.partition(":")
        if kind == "record":
            lines = [line for line in (field.record_line, field.json_line) if line]
            origins += [_code(line.key) for line in lines]
        elif kind == "lookup":
            origins.append(f"lookup {_code(name)}")
        elif kind == "customer":
            origins.append(f"your table {_code(name)}")
        else:
            origins.append({"splunk": "Splunk", "source": "source or host"}.get(kind, kind))
    return ", ".join(origins)


def _places(field: Field) -> Iterator[str]:
    if not field.record_line:
        yield from field.sourcetypes
        return
    yield from field.layouts
    if field.json_line:
        yield CERTIFICATE


# --- CIM


def _cim_rows(dictionary: Dictionary, model: str) -> Iterator[Sequence[str]]:
    """One row for each field that this model has of us or misses, by name."""
    defined = {field.name: field for field in dictionary.fields if model in field.models}
    missed: dict[str, list[Unknowable]] = {}
    for entry in dictionary.unknowable:
        if model in entry.models:
            missed.setdefault(entry.field, []).append(entry)
    for name in sorted({*defined, *missed}):
        field = defined.get(name)
        yield (
            _code(name),
            _sources(dictionary, field) if field else "nothing",
            _plain(field.meaning) if field else "",
            " ".join(
                f"{_sentence(entry.when)} {_plain(entry.reason)}" for entry in missed.get(name, [])
            ),
        )


def _sources(dictionary: Dictionary, field: Field) -> str:
    """What fills a CIM field: the fields that name it, its lookup, or its own line."""
    sources = [_code(record.name) for record in dictionary.fields if field.name in record.cim]
    if field.origins != ["computed"]:
        sources.append(_origin(field))
    return ", ".join(sources) or "a constant"


def _sentence(when: str) -> str:
    return f"{_plain(when[0].upper() + when[1:])}:"


# --- Markdown


def _shown(record: ExampleRecord) -> str:
    text = record.text
    if record.sourcetype == CERTIFICATE:
        text = json.dumps(json.loads(text))
    return f"**{record.name}**: {_plain(record.about)}\n\n```\n{text}\n```"


def _plain(text: str) -> str:
    """Text that is no markup, but for code between backquotes."""
    parts = _CODE.split(text)
    return "".join(part if part.startswith("`") else _escaped(part) for part in parts)


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace("*", r"\*").replace("_", r"\_")


def _codes(texts: Iterable[str]) -> str:
    return ", ".join(map(_code, texts))


def _code(text: str) -> str:
    return f"`{text}`"

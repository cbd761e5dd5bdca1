"""Reads `mappings/*.yaml`, the one truth about opcodes, responses and types, strictly by schema.

Every fault names file and line, and all faults of a file are told at once. Scalars keep their
spelling (`0xd` stays `0xd`): the reader works on YAML nodes, not on the values YAML makes of them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Optional, Union

import yaml

# A scalar as it is written, None for null, or a list of scalars.
Value = Union[str, tuple[str, ...], None]
# Says what is wrong with a value; None if nothing is.
Check = Callable[[Value], Optional[str]]

FAST = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
CATCH_ALL = "*"
NO_OPCODE = "(none)"

# AWS's eight headings without the remark behind the colon, then the one that its newest reference
# added; the last two are ours.
CATEGORIES = (
    "User Login",
    "User Management",
    "Key Management",
    "Clone HSMs",
    "Back up HSMs",
    "Certificate-Based Authentication",
    "HSM Instance Commands",
    "HSM crypto commands",
    "Session Management",
    "Certificate Storage",
    "Unknown",
)
RISKS = ("informational", "low", "medium", "high", "critical")
PROVENANCES = (
    "aws_2018",
    "aws_2023",
    "aws_newest",
    "aws_example",
    "aws_certificate",
    "aws_guide",
    "aws_tool",
    "vendor_tool",
    "tool",
    "log",
    "addon",
)


@dataclass(frozen=True)
class Fault:
    """One thing wrong in one mapping file; `line` counts from 1."""

    path: Path
    line: int
    what: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.what}"


class MappingError(Exception):
    """The faults of one mapping file in the order of their lines; its text has a line for each."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults = tuple(sorted(faults, key=lambda fault: fault.line))
        super().__init__("\n".join(str(fault) for fault in self.faults))


@dataclass(frozen=True)
class Row:
    """One entry of a mapping file and the line on which it starts."""

    line: int
    values: Mapping[str, Value]

    def text(self, column: str) -> str:
        """The value as a lookup shows it: empty for null, a list separated by blanks."""
        value = self.values[column]
        return " ".join(value) if isinstance(value, tuple) else value or ""


@dataclass(frozen=True)
class Table:
    """The schema of one mapping file.

    `key` names the column that sorts the file and is unique in it; `columns` maps each column to
    its check; `unique` lists groups of columns whose values must not repeat together where the last
    of them is not null; `required` are the keys that a file must have.
    """

    file: str
    key: str
    columns: Mapping[str, Check]
    unique: tuple[tuple[str, ...], ...] = ()
    required: tuple[str, ...] = (CATCH_ALL,)


def words(value: Value) -> str | None:
    """A non-empty text on one line."""
    if not isinstance(value, str) or not value:
        return "must be a text and not empty"
    if value != value.strip() or "\n" in value:
        return "must be one line without blanks at its ends"
    return None


def lookup_key(value: Value) -> str | None:
    """A text that matches itself only: an asterisk would be a wildcard in the lookup."""
    if isinstance(value, str) and "*" in value and value != CATCH_ALL:
        return f"must not hold an asterisk; {CATCH_ALL!r} alone is the row for all others"
    return words(value)


def pattern(expression: str, meaning: str) -> Check:
    """A text of a given form, or null where the fact is not public."""
    compiled = re.compile(expression)

    def check(value: Value) -> str | None:
        fits = value is None or (isinstance(value, str) and compiled.fullmatch(value))
        return None if fits else f"must be {meaning}, or null if it is not public; found {value!r}"

    return check


def one_of(allowed: Sequence[str]) -> Check:
    """One of a closed set of words."""

    def check(value: Value) -> str | None:
        return None if value in allowed else f"must be one of {', '.join(allowed)}; found {value!r}"

    return check


def some_of(allowed: Sequence[str]) -> Check:
    """A list of at least one word of a closed set, in the order of that set and none twice."""

    def check(value: Value) -> str | None:
        if not isinstance(value, tuple) or not value:
            return f"must be a list of at least one of {', '.join(allowed)}"
        strange = [word for word in value if word not in allowed]
        if strange:
            return f"knows no {', '.join(strange)}; allowed: {', '.join(allowed)}"
        ordered = tuple(word for word in allowed if word in value)
        return None if value == ordered else f"must be written [{', '.join(ordered)}]"

    return check


HEX_CODE = pattern("0x(0|[1-9a-f][0-9a-f]*)", "lower-case hex such as 0x1d")
DECIMAL_CODE = pattern("0|[1-9][0-9]*", "a decimal number")
NAME = pattern("[A-Z][A-Z0-9_]*", "the name of a command type")
REASON = pattern("[a-z]+(_[a-z]+)*|Unknown", "lower_snake_case or Unknown")
PROVENANCE = some_of(PROVENANCES)
MODELS = ("Authentication", "Change", "none")
OUTCOMES = ("failure", "success", "unknown")


def optional(check: Check) -> Check:
    """The same check, for a value that may be null too."""

    def checked(value: Value) -> str | None:
        return None if value is None else check(value)

    return checked


def several_words(value: Value) -> str | None:
    """A list of at least one text."""
    if not isinstance(value, tuple) or not value:
        return "must be a list of at least one text"
    return next((complaint for complaint in map(words, value) if complaint), None)


def _names_table(file: str, code: Check) -> Table:
    columns: dict[str, Check] = {"name": lookup_key, "code": code}
    columns.update(label=words, description=words, provenance=PROVENANCE)
    return Table(file, "name", columns, unique=(("code",),))


OPCODES = Table(
    "opcodes.yaml",
    "name",
    {
        "name": lookup_key,
        "code": HEX_CODE,
        "command_type": NAME,
        "category": one_of(CATEGORIES),
        "description": words,
        "risk": one_of(RISKS),
        "risk_reason": words,
        "provenance": PROVENANCE,
    },
    unique=(("command_type", "code"),),
    required=(NO_OPCODE, CATCH_ALL),
)
RESPONSES = Table(
    "responses.yaml",
    "text",
    {
        "text": lookup_key,
        "code": DECIMAL_CODE,
        "class": REASON,
        "meaning": words,
        "provenance": PROVENANCE,
    },
    unique=(("code",),),
)
USER_TYPES = _names_table("user_types.yaml", DECIMAL_CODE)
LOG_TYPES = _names_table("log_types.yaml", DECIMAL_CODE)
COMMAND_TYPES = _names_table("command_types.yaml", HEX_CODE)
CIM = Table(
    "cim.yaml",
    "opcode",
    {
        "opcode": lookup_key,
        "model": one_of(MODELS),
        "action": optional(
            one_of(
                (
                    "acl_modified",
                    "cleared",
                    "created",
                    "deleted",
                    "modified",
                    "read",
                    "stopped",
                    "updated",
                )
            )
        ),
        "change_type": optional(words),
        "object_category": optional(words),
        "object": optional(words),
        "object_attrs": optional(words),
        "signature": words,
        "reason": words,
    },
    required=(NO_OPCODE, CATCH_ALL),
)
CIM_OUTCOMES = Table(
    "cim_outcomes.yaml",
    "place",
    {
        "place": one_of([f"{model}.{outcome}" for model in MODELS for outcome in OUTCOMES]),
        "action": optional(one_of(("success", "failure", "pending", "error"))),
        "status": optional(one_of(("success", "failure"))),
        "reason": words,
    },
    required=tuple(f"{model}.{outcome}" for model in MODELS for outcome in OUTCOMES),
)
ACTIVITIES = Table(
    "activities.yaml",
    "name",
    {
        "name": words,
        "activity": one_of(("cluster_sync", "lifecycle", "service")),
        "field": one_of(("opcode", "user_type", "log_type")),
        "values": several_words,
        "reason": words,
    },
    required=(),
)


def read_table(folder: Path, table: Table) -> list[Row]:
    """The rows of one mapping file in its order.

    Raises MappingError for every departure from the schema, OSError if the file cannot be read.
    """
    path = folder / table.file
    faults: list[Fault] = []
    rows = [_row(path, node, table, faults) for node in _entries(path)]
    if not faults:
        faults += _row_order(path, rows, table)
        faults += _repeats(path, rows, table)
    if faults:
        raise MappingError(faults)
    return rows


def check_command_types(folder: Path, opcodes: Sequence[Row], command_types: Sequence[Row]) -> None:
    """Every command type that an opcode names has a row of its own; else MappingError."""
    known = {row.values["name"] for row in command_types}
    faults = [
        Fault(
            folder / OPCODES.file,
            row.line,
            f"{row.text('name')}: add {row.text('command_type')} to {COMMAND_TYPES.file} first",
        )
        for row in opcodes
        if row.values["command_type"] not in {*known, None}
    ]
    if faults:
        raise MappingError(faults)


def check_cim(folder: Path, opcodes: Sequence[Row], places: Sequence[Row]) -> None:
    """Every opcode has its place and no other; only a Change says what changes; else MappingError.

    CIM: object_category is user for accounts, and for nothing else.
    """
    path = folder / CIM.file
    known = {row.text(OPCODES.key) for row in opcodes}
    placed = {row.text(CIM.key) for row in places}
    faults = [Fault(path, 1, f"has no entry {opcode!r}") for opcode in sorted(known - placed)]
    for row in places:
        if row.text("opcode") not in known:
            what = f"{row.text('opcode')}: add it to {OPCODES.file} first"
            faults.append(Fault(path, row.line, what))
        told = ["action", "change_type", "object_category", "object"]
        given = [name for name in told if row.values[name] is not None]
        if given != (told if row.text("model") == "Change" else []):
            what = f"a Change, and nothing else, gives all of {', '.join(told)}"
            faults.append(Fault(path, row.line, f"{row.text('opcode')}: {what}"))
        if (row.text("object_category") == "user") != (row.text("object") == "target_user"):
            what = "object_category is user exactly where the object is target_user"
            faults.append(Fault(path, row.line, f"{row.text('opcode')}: {what}"))
    if faults:
        raise MappingError(faults)


def compose(path: Path) -> yaml.Node | None:
    """The file's YAML nodes, None where it is empty; MappingError where it is no YAML."""
    try:
        text = path.read_text(encoding="utf-8")
        return _composed(text)
    except UnicodeDecodeError as error:
        raise MappingError([Fault(path, 1, f"is not UTF-8 ({error.reason})")]) from error
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise MappingError([Fault(path, line, f"is not YAML: {error.problem}")]) from error
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise MappingError([Fault(path, line, f"is not YAML: {error.reason}")]) from error


@lru_cache(maxsize=512)
def _composed(text: str) -> yaml.Node | None:
    """A tenth of the time by libyaml, where PyYAML has it; its own parser words faults better."""
    with suppress(yaml.YAMLError):
        return yaml.compose(text, Loader=FAST)
    return yaml.compose(text, Loader=yaml.SafeLoader)


def _entries(path: Path) -> list[yaml.Node]:
    """The entries of the file's one list."""
    root = compose(path)
    if not isinstance(root, yaml.SequenceNode):
        raise MappingError(
            [Fault(path, 1, "must hold one list of entries, each starting with '- '")]
        )
    return list(root.value)


def _row(path: Path, node: yaml.Node, table: Table, faults: list[Fault]) -> Row:
    """The entry as a row; what is wrong with it goes to `faults`."""
    line = _line(node)
    if not isinstance(node, yaml.MappingNode):
        faults.append(
            Fault(path, line, f"must be an entry with the keys {', '.join(table.columns)}")
        )
        return Row(line, {})
    values: dict[str, Value] = {}
    for key_node, value_node in node.value:
        complaint = _take(key_node, value_node, table, values)
        if complaint:
            faults.append(Fault(path, _line(key_node), complaint))
    missing = [column for column in table.columns if column not in values]
    if missing:
        faults.append(Fault(path, line, f"lacks {', '.join(missing)}"))
    return Row(line, values)


def _take(
    key_node: yaml.Node, value_node: yaml.Node, table: Table, values: dict[str, Value]
) -> str | None:
    """Puts one `key: value` into `values`; returns what is wrong with it."""
    key = str(key_node.value)
    if key not in table.columns:
        return f"unknown key {key!r}; allowed: {', '.join(table.columns)}"
    if key in values:
        return f"{key} is given twice in one entry; keep one"
    values[key] = None
    try:
        values[key] = _value(value_node)
    except ValueError as error:
        return f"{key} {error}"
    complaint = table.columns[key](values[key])
    return f"{key} {complaint}" if complaint else None


def _value(node: yaml.Node) -> Value:
    if isinstance(node, yaml.ScalarNode):
        return None if node.tag == "tag:yaml.org,2002:null" else str(node.value)
    if isinstance(node, yaml.SequenceNode) and all(
        isinstance(item, yaml.ScalarNode) for item in node.value
    ):
        return tuple(str(item.value) for item in node.value)
    raise ValueError("must be a plain value or a list of plain values")


def _row_order(path: Path, rows: Sequence[Row], table: Table) -> Iterator[Fault]:
    """Keys ascend in ASCII order, the catch-all comes last, and no required key is missing."""
    keys = [row.text(table.key) for row in rows]
    for before, row in zip(rows, rows[1:]):
        key, previous = row.text(table.key), before.text(table.key)
        if _rank(key) < _rank(previous):
            yield Fault(
                path, row.line, f"{key!r} must come before {previous!r} (ASCII order, '*' last)"
            )
    for key in table.required:
        if key not in keys:
            last = rows[-1].line if rows else 1
            yield Fault(path, last, f"has no entry {key!r}; every record needs a row to fall on")


def _rank(key: str) -> tuple[bool, str]:
    return key == CATCH_ALL, key


def _repeats(path: Path, rows: Sequence[Row], table: Table) -> Iterator[Fault]:
    """No key and no unique group of columns occurs twice."""
    for columns in ((table.key,), *table.unique):
        first: dict[tuple[Value, ...], Row] = {}
        for row in rows:
            values = tuple(row.values[column] for column in columns)
            if values[-1] is None:
                continue
            if values in first:
                what = ", ".join(f"{column} {row.text(column) or 'null'}" for column in columns)
                yield Fault(path, row.line, f"{what} is on line {first[values].line} already")
            first.setdefault(values, row)


def _line(node: yaml.Node) -> int:
    return int(node.start_mark.line) + 1

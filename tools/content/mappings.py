"""Reads the lists of `mappings/`: operations, responses, types, outcomes and activities.

Every fault has file and line, and all faults of a file are reported at once. The keys of each file
are explained at its top.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated, Literal, TypeVar

from pydantic import AfterValidator, Field

from tools.content.strict_yaml import (
    Fault,
    Listing,
    MappingError,
    Strict,
    Text,
    form,
    some_of,
    word_of,
)

CATCH_ALL = "*"
NO_OPCODE = "(none)"

# AWS's eight headings without the remark after the colon, then the one that its newest reference
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
MODELS = ("Authentication", "Change", "none")
OUTCOMES = ("success", "failure", "unknown")
ACTIONS = [
    "acl_modified",
    "cleared",
    "created",
    "deleted",
    "modified",
    "read",
    "stopped",
    "updated",
]


def _no_wildcard(value: str) -> str:
    """A text that matches itself only: an asterisk would be a wildcard in the lookup."""
    if "*" in value and value != CATCH_ALL:
        raise ValueError(f"must have no asterisk; {CATCH_ALL!r} alone is the entry for all others")
    return value


LookupKey = Annotated[Text, AfterValidator(_no_wildcard)]
HexCode = Annotated[str, form("0x(0|[1-9a-f][0-9a-f]*)", "lower-case hex such as 0x1d")]
DecimalCode = Annotated[str, form("0|[1-9][0-9]*", "a decimal number")]
TypeName = Annotated[str, form("[A-Z][A-Z0-9_]*", "the name of a command type")]
Provenance = Annotated[list[str], some_of(PROVENANCES)]

_CODE = 'the code as AWS prints it, in quotes ("0x1d"), or null if it is not public'
_PROVENANCE = f"a list of {', '.join(PROVENANCES)}"
_WHY = "why it belongs there"


class Cim(Strict):
    """Where an operation belongs in Splunk's Common Information Model."""

    model: Annotated[str, word_of(MODELS)] = Field(description="Authentication, Change or none")
    action: Annotated[str, word_of(ACTIONS)] | None = None
    change_type: Text | None = None
    object_category: Text | None = None
    object: Text | None = None
    object_attrs: Text | None = None
    signature: Text = Field(description="the operation in words")
    reason: Text = Field(description=_WHY)


class Ocsf(Strict):
    """Where an operation belongs in OCSF, whose facts decide what is allowed."""

    event_class: Text = Field(alias="class", description="a class of OCSF's pinned facts")
    activity: Text = Field(description="an activity of the class, or Other with `named`")
    named: Text | None = None
    people: Literal["subject", "account", "actor"] = Field(description="subject, account or actor")
    entity: Text | None = None
    log_name: Text | None = None
    severity_step: dict[str, int] = Field(default_factory=dict)
    reason: Text = Field(description=_WHY)


class Ecs(Strict):
    """Where an operation belongs in ECS, whose facts decide what is allowed."""

    category: list[Text] = Field(description="a list of ECS categories, [] for none")
    type: list[Text] = Field(description="a list of ECS types, [] for none")
    people: Literal["account", "actor"] = Field(description="account or actor")
    reason: Text = Field(description=_WHY)


class Operation(Strict):
    """What an operation is, and where it belongs in each model."""

    name: LookupKey = Field(description="the name as the record prints it")
    variant_of: LookupKey | None = None
    code: HexCode | None = Field(description=_CODE)
    command_type: TypeName | None = None
    category: Annotated[str, word_of(CATEGORIES)] = Field(description="AWS's heading, or Unknown")
    description: Text = Field(description="what the operation does, in one sentence")
    risk: Annotated[str, word_of(RISKS)] = Field(description=f"one of {', '.join(RISKS)}")
    risk_reason: Text = Field(description="why an unplanned one matters that much")
    provenance: Provenance = Field(description=_PROVENANCE)
    cim: Cim = Field(description="model, signature and reason; a Change has more, see the top")
    ocsf: Ocsf = Field(description="class, activity, people and reason, see the top of the file")
    ecs: Ecs = Field(description="category, type, people and reason, see the top of the file")


class Response(Strict):
    """What the response of a record means."""

    text: LookupKey
    code: DecimalCode | None = Field(description=_CODE.replace("0x1d", "163"))
    kind: Annotated[str, form("[a-z]+(_[a-z]+)*|Unknown", "lower_snake_case or Unknown")] = Field(
        alias="class"
    )
    meaning: Text
    provenance: Provenance = Field(description=_PROVENANCE)


class CodedName(Strict):
    """A name that records print, with its code: of a user type or a log type."""

    name: LookupKey
    code: DecimalCode | None = Field(description=_CODE.replace("0x1d", "5"))
    label: Text
    description: Text
    provenance: Provenance = Field(description=_PROVENANCE)


class CommandType(CodedName):
    """As CodedName, with a code in hex."""

    code: HexCode | None = Field(description=_CODE)


class CimOutcome(Strict):
    """What an outcome means in a CIM model."""

    place: Annotated[str, word_of([f"{model}.{out}" for model in MODELS for out in OUTCOMES])]
    action: Literal["success", "failure", "pending", "error"] | None
    status: Literal["success", "failure"] | None
    reason: Text


class Activity(Strict):
    """A rule that recognizes what no person did."""

    name: Text
    activity: Literal["cluster_sync", "lifecycle", "service"]
    field: Literal["opcode", "user_type", "log_type"]
    values: list[Text] = Field(min_length=1)
    reason: Text


Entry = TypeVar("Entry", bound=Strict)


class OperationList:
    """operations.yaml: the operations in its order, and what is wrong with them.

    valid: those that keep to the schema, by position.
    command_types: the names that an operation may have as such; none for any.
    Raises MappingError where the file is no list, OSError where it cannot be read.
    """

    FILE = "operations.yaml"

    def __init__(self, folder: Path, command_types: Iterable[str] = ()) -> None:
        self._list = Listing(folder / self.FILE, "operation", "the top of the file")
        self._inherit()
        self.valid = self._list.entries(Operation)
        _check_keys(self._list, "name", (NO_OPCODE, CATCH_ALL), _ALL_FALL)
        _check_unique(self._list, ("command_type", "code"))
        for position, operation in self.valid.items():
            for key, what in _operation_faults(operation, {*command_types}):
                self.fault(position, what, *key)

    @property
    def faults(self) -> list[Fault]:
        """What is wrong, each with its line."""
        return self._list.faults

    def fault(self, position: int, what: str, *keys: str | int) -> None:
        """Report what is wrong with an operation, at one of its keys."""
        self._list.fault(f"{self.valid[position].name}: {what}", position, *keys)

    def _inherit(self) -> None:
        """A variant has what it does not have itself from the operation that it is one of."""
        entries = {str(row["name"]): row for row in self._list.raw if _has(row, "name")}
        for position, row in enumerate(self._list.raw):
            if not _has(row, "variant_of"):
                continue
            name, of = str(row.get("name")), str(row["variant_of"])
            other = entries.get(of)
            if other is None or "variant_of" in other or not name.startswith(of):
                what = "must be an operation that is no variant, and begin the name of this one"
                self._list.fault(f"{name}: variant_of: {what}", position, "variant_of")
                continue
            inherited = {key: other[key] for key in other if key in _SHARED_BY_VARIANTS}
            self._list.raw[position] = {**inherited, **row}

    def checked(self) -> list[Operation]:
        """All operations. Raises MappingError for whatever is wrong."""
        if self._list.faults:
            raise MappingError(self._list.faults)
        return [*self.valid.values()]


def read_responses(folder: Path) -> list[Response]:
    """responses.yaml. These functions raise MappingError for every departure from the schema,
    OSError for a file that cannot be read."""
    return _read(folder / "responses.yaml", Response, "text", ("code",))


def read_user_types(folder: Path) -> list[CodedName]:
    """user_types.yaml."""
    return _read(folder / "user_types.yaml", CodedName, "name", ("code",))


def read_log_types(folder: Path) -> list[CodedName]:
    """log_types.yaml."""
    return _read(folder / "log_types.yaml", CodedName, "name", ("code",))


def read_command_types(folder: Path) -> list[CommandType]:
    """command_types.yaml."""
    return _read(folder / "command_types.yaml", CommandType, "name", ("code",))


def read_cim_outcomes(folder: Path) -> dict[str, CimOutcome]:
    """cim_outcomes.yaml, by model and outcome."""
    places = tuple(f"{model}.{outcome}" for model in MODELS for outcome in OUTCOMES)
    path = folder / "cim_outcomes.yaml"
    return {row.place: row for row in _read(path, CimOutcome, "place", (), places)}


def read_activities(folder: Path) -> list[Activity]:
    """activities.yaml."""
    return _read(folder / "activities.yaml", Activity, "name", (), ())


_SHARED_BY_VARIANTS = ("category", "risk", "risk_reason", "cim", "ocsf", "ecs")
_ALL_FALL = "every record needs an entry to fall on"


def _read(
    path: Path,
    model: type[Entry],
    key: str,
    unique: tuple[str, ...],
    required: tuple[str, ...] = (CATCH_ALL,),
) -> list[Entry]:
    listing = Listing(path, "entry", "the top of the file")
    entries = listing.entries(model)
    _check_keys(listing, key, required, _ALL_FALL)
    _check_unique(listing, unique)
    if listing.faults:
        raise MappingError(listing.faults)
    return [*entries.values()]


def _check_keys(listing: Listing, key: str, required: Iterable[str], why: str) -> None:
    """Keys ascend in ASCII order and are unique, the catch-all is last, none is missing."""
    keys = [(position, str(row[key])) for position, row in enumerate(listing.raw) if _has(row, key)]
    for (_, previous), (position, name) in zip(keys, keys[1:]):
        if _rank(name) < _rank(previous):
            listing.fault(
                f"{name!r} must come before {previous!r} (ASCII order, '*' last)", position
            )
    names = [name for _, name in keys]
    for name in required:
        if name not in names:
            listing.fault(f"has no entry {name!r}; {why}", max(len(listing.raw) - 1, 0))
    _check_unique(listing, (key,))


def _rank(key: str) -> tuple[bool, str]:
    return key == CATCH_ALL, key


def _has(row: object, key: str) -> bool:
    return isinstance(row, dict) and row.get(key) is not None


def _check_unique(listing: Listing, columns: tuple[str, ...]) -> None:
    """These values do not repeat together where the last of them is known."""
    first: dict[tuple[str, ...], int] = {}
    for position, row in enumerate(listing.raw):
        if not columns or not _has(row, columns[-1]):
            continue
        values = tuple(str(row.get(column) or "null") for column in columns)
        if values in first:
            what = ", ".join(f"{column} {value}" for column, value in zip(columns, values))
            line = listing.line(first[values])
            listing.fault(f"{what} is on line {line} already", position, columns[-1])
        first.setdefault(values, position)


def _operation_faults(
    operation: Operation, command_types: set[str]
) -> Iterator[tuple[tuple[str, ...], str]]:
    """What is wrong with the entry as one, by the key to correct."""
    if command_types and operation.command_type not in {*command_types, None}:
        what = f"add {operation.command_type} to command_types.yaml first"
        yield ("command_type",), what
    cim = operation.cim
    needed = ["action", "change_type", "object_category", "object"]
    names = [name for name in needed if getattr(cim, name) is not None]
    if names != (needed if cim.model == "Change" else []):
        yield ("cim",), f"a Change, and nothing else, has all of {', '.join(needed)}"
    if (cim.object_category == "user") != (cim.object == "target_user"):
        yield ("cim",), "object_category is user exactly where the object is target_user"

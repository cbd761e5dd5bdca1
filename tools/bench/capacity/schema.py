"""`facts.yaml`: sizes of what AWS counts, each with its source and day, and assumptions."""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field, FiniteFloat, StringConstraints

from tools.content import strict_yaml
from tools.content.strict_yaml import Fault, MappingError, Strict, Text

FILE = "tools/bench/capacity/facts.yaml"
MANUAL = "the head of the file"

Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$")]
REGION = re.compile(r"[a-z]{2}(-[a-z]+)+-[0-9]")
Amount = Annotated[FiniteFloat, Field(ge=0)]
Rate = Annotated[FiniteFloat, Field(gt=0)]


def _past(day: datetime.date) -> datetime.date:
    """No fact was checked tomorrow; a day of grace for time zones."""
    if day > datetime.datetime.now(datetime.timezone.utc).date() + datetime.timedelta(days=1):
        raise ValueError(f"{day} is yet to come: write the day on which it was last checked")
    return day


Checked = Annotated[datetime.date, AfterValidator(_past)]


class UnknownName(ValueError):
    """No assumption has this name; the message lists them."""


class Size(Strict):
    """Bytes or records, as in `unit`."""

    name: Name
    value: Rate
    unit: Text
    source: Text
    checked: Checked


class Assumption(Strict):
    """A number that is not published."""

    name: Name
    value: Amount
    unit: Text
    why: Text


class CapacityFacts(Strict):
    """The complete file."""

    sizes: list[Size]
    assumed: list[Assumption]

    def size(self, name: str) -> float:
        """Raises KeyError."""
        return {size.name: size.value for size in self.sizes}[name]

    def assumption(self, name: str) -> float:
        """Raises KeyError."""
        return {assumption.name: assumption.value for assumption in self.assumed}[name]

    def changed(self, values: Mapping[str, float]) -> CapacityFacts:
        """With other assumptions, by name; raises UnknownName."""
        names = [assumption.name for assumption in self.assumed]
        for name in values:
            if name not in names:
                raise UnknownName(f"no assumption is called {name!r}; there are {', '.join(names)}")
        assumed = [
            assumption.model_copy(update={"value": values.get(assumption.name, assumption.value)})
            for assumption in self.assumed
        ]
        return self.model_copy(update={"assumed": assumed})


# What the model asks for.
SIZES = (
    "page_bytes",
    "page_records",
    "read_overhead_bytes",
    "written_overhead_bytes",
    "firehose_step_bytes",
)
ASSUMED = (
    "stored_share",
    "pushed_batch_records",
    "lambda_batch_bytes",
    "lambda_batch_seconds",
)


def read(root: Path) -> CapacityFacts:
    """The file in the folder of the mappings.

    Raises MappingError for its faults, OSError if it cannot be read.
    """
    path = root / FILE
    facts = strict_yaml.read(path, CapacityFacts, "table of capacity", MANUAL)
    if faults := list(_incomplete(path, facts)):
        raise MappingError(faults)
    return facts


def _incomplete(path: Path, facts: CapacityFacts) -> Iterator[Fault]:
    for key, needed, names in (
        ("sizes", SIZES, [size.name for size in facts.sizes]),
        ("assumed", ASSUMED, [assumption.name for assumption in facts.assumed]),
    ):
        line = strict_yaml.line_in(path, key)
        for name in {*needed} - {*names}:
            yield Fault(path, line, f"{key}: {name} is missing, and the model needs it")
        for index, name in enumerate(names):
            line = strict_yaml.line_in(path, key, index)
            if name in names[:index]:
                yield Fault(path, line, f"{key}.{index}: {name} is there twice")
            if name not in needed:
                yield Fault(path, line, f"{key}.{index}: nothing computes with {name}")

"""`quotas_and_prices.yaml`: quotas, sizes and prices of AWS, each with its source and day."""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, FiniteFloat, StringConstraints

from tools.content import strict_yaml
from tools.content.strict_yaml import Fault, MappingError, Strict, Text

FILE = "tools/bench/capacity/quotas_and_prices.yaml"
MANUAL = "the head of the file"

Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$")]
REGION = re.compile(r"[a-z]{2}(-[a-z]+)+-[0-9]")
Region = Annotated[str, StringConstraints(pattern=f"^{REGION.pattern}$")]
Amount = Annotated[FiniteFloat, Field(ge=0)]
Rate = Annotated[FiniteFloat, Field(gt=0)]


def _past(day: datetime.date) -> datetime.date:
    """Nobody has checked a fact tomorrow; a day of grace for time zones."""
    if day > datetime.datetime.now(datetime.timezone.utc).date() + datetime.timedelta(days=1):
        raise ValueError(f"{day} is yet to come: write the day on which it was last checked")
    return day


Checked = Annotated[datetime.date, AfterValidator(_past)]


class UnknownName(ValueError):
    """No price or assumption has this name; the message lists them."""


class Quota(Strict):
    """others: of every Region that is not in `regions`."""

    operation: Literal["FilterLogEvents", "DescribeLogGroups"]
    others: Rate
    regions: dict[Region, Rate]
    adjustable: bool
    source: Text
    checked: Checked

    def of(self, region: str) -> float:
        """Requests per second of an account in this Region."""
        return self.regions.get(region, self.others)


class Size(Strict):
    """Bytes or records, as `unit` says."""

    name: Name
    value: Rate
    unit: Text
    source: Text
    checked: Checked


class Price(Strict):
    """usd: of one unit; None where it is not known."""

    name: Name
    usd: Amount | None
    unit: Text
    basis: Literal["page", "secondary", "unverified"]
    source: Text
    checked: Checked


class Assumption(Strict):
    """A number that nobody publishes."""

    name: Name
    value: Amount
    unit: Text
    why: Text


class Facts(Strict):
    """The whole file."""

    quotas: list[Quota]
    sizes: list[Size]
    prices_region: Region
    prices: list[Price]
    assumed: list[Assumption]

    def quota(self, operation: str, region: str) -> float:
        """Requests per second. Raises KeyError for an operation without one."""
        return {str(one.operation): one for one in self.quotas}[operation].of(region)

    def size(self, name: str) -> float:
        """Raises KeyError."""
        return {one.name: one.value for one in self.sizes}[name]

    def price(self, name: str) -> float | None:
        """US dollars. Raises KeyError for a name that is no price's."""
        return {one.name: one.usd for one in self.prices}[name]

    def assumption(self, name: str) -> float:
        """Raises KeyError."""
        return {one.name: one.value for one in self.assumed}[name]

    def changed(self, prices: Mapping[str, float], assumed: Mapping[str, float]) -> Facts:
        """With other prices and assumptions, by name; raises UnknownName."""
        _known(prices, [one.name for one in self.prices], "price")
        _known(assumed, [one.name for one in self.assumed], "assumption")
        return self.model_copy(
            update={
                "prices": [
                    one.model_copy(update={"usd": prices.get(one.name, one.usd)})
                    for one in self.prices
                ],
                "assumed": [
                    one.model_copy(update={"value": assumed.get(one.name, one.value)})
                    for one in self.assumed
                ],
            }
        )


def _known(given: Mapping[str, float], names: list[str], what: str) -> None:
    for name in given:
        if name not in names:
            raise UnknownName(f"no {what} is called {name!r}; there are {', '.join(names)}")


# What the model asks for.
OPERATIONS = ("FilterLogEvents", "DescribeLogGroups")
SIZES = (
    "page_bytes",
    "page_records",
    "read_overhead_bytes",
    "written_overhead_bytes",
    "firehose_step_bytes",
)
PRICES = (
    "logs_ingestion",
    "logs_storage",
    "read_request",
    "transfer_out",
    "firehose_ingestion",
    "lambda_request",
    "lambda_gb_second",
    "s3_storage",
    "alarm",
    "secret",
)
ASSUMED = (
    "stored_share",
    "pushed_batch_records",
    "failed_share",
    "lambda_seconds",
    "lambda_gb",
    "lambda_batch_bytes",
    "lambda_batch_seconds",
)


def read(root: Path) -> Facts:
    """The file in the folder of the mappings.

    Raises MappingError for its faults, OSError if it cannot be read.
    """
    path = root / FILE
    facts = strict_yaml.read(path, Facts, "table of capacity", MANUAL)
    if faults := list(_incomplete(path, facts)):
        raise MappingError(faults)
    return facts


def _incomplete(path: Path, facts: Facts) -> Iterator[Fault]:
    for key, wanted, found in (
        ("quotas", OPERATIONS, [one.operation for one in facts.quotas]),
        ("sizes", SIZES, [one.name for one in facts.sizes]),
        ("prices", PRICES, [one.name for one in facts.prices]),
        ("assumed", ASSUMED, [one.name for one in facts.assumed]),
    ):
        line = strict_yaml.line_in(path, key)
        for name in {*wanted} - {*found}:
            yield Fault(path, line, f"{key}: {name} is missing, and the model needs it")
        for place, name in enumerate(found):
            if name in found[:place]:
                where = strict_yaml.line_in(path, key, place)
                yield Fault(path, where, f"{key}.{place}: {name} is there twice")
            if name not in wanted:
                where = strict_yaml.line_in(path, key, place)
                yield Fault(path, where, f"{key}.{place}: nothing computes with {name}")

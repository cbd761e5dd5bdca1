"""One request as the service sees it, with its parameters checked as AWS checks them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from tests.fake_aws.faults import Chance, Faults, Occasion
from tests.fake_aws.wire import Refusal, access_key


def invalid(message: str) -> Refusal:
    """AWS's error for a parameter that is out of its range."""
    return Refusal("InvalidParameterException", message)


@dataclass(frozen=True)
class Call:
    """A request: its number from 1 on, its moment in virtual time, and its faults."""

    number: int
    operation: str
    body: Mapping[str, Any]
    headers: Mapping[str, str]
    now_ms: int
    faults: Faults
    chance: Chance

    def hit_by(self, knob: str) -> bool:
        """Whether the fault of this name strikes the request."""
        occasion: Occasion = getattr(self.faults, knob)
        return occasion.hits(knob, self.number, self.chance)

    def coin(self, purpose: str) -> bool:
        """Heads or tails, for this request and purpose."""
        return self.chance.below(purpose, self.number, 2) == 0

    @cached_property
    def fingerprint(self) -> str:
        """Equal for a request and its repetition."""
        return repr((self.operation, sorted(self.body.items())))

    @property
    def access_key(self) -> str | None:
        return access_key(self.headers)

    @property
    def group(self) -> str | None:
        """The log group's name, however it is given."""
        name = self.text("logGroupName")
        identifier = self.text("logGroupIdentifier")
        if name is not None and identifier is not None:
            raise invalid("logGroupName and logGroupIdentifier are mutually exclusive")
        if identifier is not None and identifier.startswith("arn:"):
            return identifier.split(":")[6] if identifier.count(":") >= 6 else identifier
        return name if identifier is None else identifier

    def text(self, name: str) -> str | None:
        """A parameter that is text of one character at least."""
        value = self.body.get(name)
        if value is not None and (not isinstance(value, str) or not value):
            raise invalid(f"1 validation error detected: Value at '{name}' failed to satisfy it")
        return value

    def whole(self, name: str, least: int, most: int | None = None) -> int | None:
        """A parameter that is a whole number within limits."""
        value = self.body.get(name)
        if value is None:
            return None
        inside = isinstance(value, int) and least <= value and (most is None or value <= most)
        if not inside:
            raise invalid(
                f"1 validation error detected: Value '{value}' at '{name}' failed to satisfy "
                f"constraint: Member must have value greater than or equal to {least}"
                + ("" if most is None else f" and less than or equal to {most}")
            )
        return int(value)

    def flag(self, name: str, default: bool) -> bool:
        """A parameter that is true or false."""
        return bool(self.body.get(name, default))

    def names(self, name: str, most: int) -> frozenset[str] | None:
        """A parameter that lists names."""
        value = self.body.get(name)
        if value is None:
            return None
        if not isinstance(value, list) or not 1 <= len(value) <= most:
            raise invalid(
                f"1 validation error detected: Value at '{name}' failed to satisfy constraint: "
                f"Member must have length less than or equal to {most}"
            )
        return frozenset(map(str, value))

    def refuse_unmodelled(self, *names: str) -> None:
        """Parameters that would change the answer, but are not modelled, are refused aloud."""
        for name in names:
            if self.body.get(name):
                raise invalid(f"this fake of CloudWatch Logs does not model {name}")

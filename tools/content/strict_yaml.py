"""Reads a YAML file into a pydantic model, strictly: every fault with file, line and key."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, TypeVar

import yaml
from pydantic import AfterValidator, BaseModel, ConfigDict, ValidationError

from tools.content.mappings import FAST, Fault, MappingError, compose

Model = TypeVar("Model", bound=BaseModel)


class Strict(BaseModel):
    """Base of models that are read from YAML: no unknown keys, no conversions, immutable."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


def _one_line(text: str) -> str:
    """A folded block of YAML ends with a line break; inside there must be none."""
    text = text.strip()
    if not text or "\n" in text:
        raise ValueError("must be a text of one paragraph: use >- for long ones")
    if re.search(r"\s{2,}", text):
        raise ValueError("holds several blanks in a row")
    return text


Text = Annotated[str, AfterValidator(_one_line)]


def read(path: Path, model: type[Model], what: str, manual: str) -> Model:
    """The file as a model. what: of what it is one (`detection`); manual: the page on its keys.

    Raises MappingError for its faults, OSError if it cannot be read.
    """
    root = compose(path)
    if not isinstance(root, yaml.MappingNode):
        raise MappingError([Fault(path, 1, f"must hold one {what}: keys and values")])
    if faults := list(doubled(path, root)):
        raise MappingError(faults)
    try:
        text = path.read_text(encoding="utf-8")
        return model.model_validate(yaml.load(text, Loader=FAST))  # noqa: S506  (a safe one)
    except ValidationError as error:
        unknown = f"is no key of a {what} here; see {manual}"
        raise MappingError(_faults(path, root, error, unknown)) from error


def line_in(path: Path, *keys: str | int) -> int:
    """The line of a key, for messages about what it holds; of the deepest one that is there."""
    return _line_of(compose(path), keys)


def doubled(path: Path, node: yaml.Node) -> Iterator[Fault]:
    """YAML takes the last of two equal keys; we refuse them."""
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            if key.value in seen:
                yield Fault(path, key.start_mark.line + 1, f"{key.value} is given twice")
            seen.add(key.value)
            yield from doubled(path, value)
    elif isinstance(node, yaml.SequenceNode):
        for item in node.value:
            yield from doubled(path, item)


def _faults(path: Path, root: yaml.Node, error: ValidationError, unknown: str) -> Iterator[Fault]:
    for one in error.errors():
        keys = tuple(one["loc"])
        where = ".".join(str(key) for key in keys)
        message = one["msg"].removeprefix("Value error, ")
        if one["type"] == "extra_forbidden":
            message = unknown
        if one["type"] == "missing":
            message = "is missing"
        if not where:  # a check over several keys begins with the one to mend
            keys = tuple(re.findall(r"\A(\w+):", message))
        yield Fault(path, _line_of(root, keys), f"{where}: {message}" if where else message)


def _line_of(node: yaml.Node | None, keys: Sequence[str | int]) -> int:
    line = 1 if node is None else node.start_mark.line + 1
    for key in keys:
        if isinstance(node, yaml.MappingNode):
            pair = next((pair for pair in node.value if pair[0].value == str(key)), None)
            if pair is None:
                break
            line, node = pair[0].start_mark.line + 1, pair[1]
        elif isinstance(node, yaml.SequenceNode) and isinstance(key, int):
            if key >= len(node.value):
                break
            node = node.value[key]
            line = node.start_mark.line + 1
    return int(line)

"""Reads YAML files into pydantic models, strictly: every fault with file, line and key.

Scalars keep their kind: a text that YAML takes for a number, a date or a truth value is refused
where a text is wanted, with the advice to put it in quotes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, Self, TypeVar, get_args

import yaml
from pydantic import AfterValidator, BaseModel, ConfigDict, ValidationError, model_validator

Model = TypeVar("Model", bound=BaseModel)
Keys = tuple["str | int", ...]

FAST = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True)
class Fault:
    """One thing wrong in one file; `line` counts from 1."""

    path: Path
    line: int
    what: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.what}"


class MappingError(Exception):
    """The faults of mapping files, by file and line; its text has a line for each."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults = tuple(sorted(faults, key=lambda fault: (str(fault.path), fault.line)))
        super().__init__("\n".join(str(fault) for fault in self.faults))


class Strict(BaseModel):
    """Base of models that are read from YAML: no unknown keys, no conversions, immutable."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    @model_validator(mode="after")
    def _is_consistent(self) -> Self:
        if (contradiction := next(self._contradictions(), None)) is not None:
            raise ValueError(contradiction)
        return self

    def _contradictions(self) -> Iterator[str]:
        """What values of several keys contradict in each other; the first one is reported."""
        yield from ()


def _one_line(text: str) -> str:
    """A folded block of YAML ends with a line break; inside there must be none."""
    text = text.strip()
    if not text or "\n" in text:
        raise ValueError("must be a text of one paragraph: use >- for long ones")
    if re.search(r"\s{2,}", text):
        raise ValueError("has several blanks in a row")
    return text


Text = Annotated[str, AfterValidator(_one_line)]


def word_of(words: Sequence[str]) -> AfterValidator:
    """One of a closed set of words."""

    def check(value: str) -> str:
        if value not in words:
            raise ValueError(f"must be one of {', '.join(words)}; found {value!r}")
        return value

    return AfterValidator(check)


def some_of(words: Sequence[str]) -> AfterValidator:
    """A list of at least one word of a closed set, in the order of that set and none twice."""

    def check(values: list[str]) -> list[str]:
        unknown = [value for value in values if value not in words]
        if unknown or not values:
            wrong = f"; {', '.join(unknown)} is none of them" if unknown else ""
            raise ValueError(f"must be a list of at least one of {', '.join(words)}{wrong}")
        if values != [word for word in words if word in values]:
            ordered = ", ".join(word for word in words if word in values)
            raise ValueError(f"must be written [{ordered}]")
        return values

    return AfterValidator(check)


def form(expression: str, meaning: str) -> AfterValidator:
    """A text that a regular expression describes."""
    compiled = re.compile(expression)

    def check(value: str) -> str:
        if not compiled.fullmatch(value):
            raise ValueError(f"must be {meaning}; found {value!r}")
        return value

    return AfterValidator(check)


def read(path: Path, model: type[Model], what: str, manual: str) -> Model:
    """The file as a model. what: of what it is one (`detection`); manual: the page on its keys.

    Raises MappingError for its faults, OSError if it cannot be read.
    """
    root = compose(path)
    if not isinstance(root, yaml.MappingNode):
        raise MappingError([Fault(path, 1, f"must be one {what}: keys and values")])
    if faults := list(doubled(path, root)):
        raise MappingError(faults)
    loaded, faults = _validated(path, _data(path), model, _Wording(what, manual))
    if loaded is None:
        raise MappingError(faults)
    return loaded


class Listing:
    """The entries of a file that is a list, each validated on its own.

    entries: those that keep to the model, by their position. faults: of all others.
    """

    def __init__(self, path: Path, what: str, manual: str) -> None:
        self.path = path
        self.faults: list[Fault] = []
        self._wording = _Wording(what, manual)
        root = compose(path)
        if not isinstance(root, yaml.SequenceNode):
            fault = Fault(path, 1, "must be one list of entries, each starting with '- '")
            raise MappingError([fault])
        self.faults += doubled(path, root)
        self.raw: list[Any] = _data(path)

    def entries(self, model: type[Model]) -> dict[int, Model]:
        """The entries as models; `faults` gets what keeps the others from being one."""
        entries: dict[int, Model] = {}
        for position, data in enumerate(self.raw):
            entry, faults = _validated(self.path, data, model, self._wording, (position,))
            self.faults += faults
            if entry is not None:
                entries[position] = entry
        return entries

    def line(self, *keys: str | int) -> int:
        """The line of an entry (its position) or of one of its keys."""
        return line_in(self.path, *keys)

    def fault(self, what: str, *keys: str | int) -> None:
        """Report what is wrong with an entry or one of its keys."""
        self.faults.append(Fault(self.path, self.line(*keys), what))


def line_in(path: Path, *keys: str | int) -> int:
    """The line of a key, for messages about its value; of the deepest one that is there."""
    return _line_of(compose(path), keys)


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


@lru_cache(maxsize=512)
def _composed(text: str) -> yaml.Node | None:
    """A tenth of the time by libyaml, where PyYAML has it; its own parser words faults better."""
    with suppress(yaml.YAMLError):
        return yaml.compose(text, Loader=FAST)
    return yaml.compose(text, Loader=yaml.SafeLoader)


def _data(path: Path) -> Any:  # noqa: ANN401  (whatever YAML has)
    """Raises MappingError for a scalar that looks like a date or a number and is none."""
    try:
        return yaml.load(path.read_text(encoding="utf-8"), Loader=FAST)  # noqa: S506  (a safe one)
    except (ValueError, yaml.YAMLError) as error:
        raise MappingError([Fault(path, 1, f"cannot be read as YAML: {error}")]) from error


@dataclass(frozen=True)
class _Wording:
    """What an entry is called, and where its keys are explained."""

    what: str
    manual: str


def _validated(
    path: Path, data: object, model: type[Model], wording: _Wording, at: Keys = ()
) -> tuple[Model | None, list[Fault]]:
    try:
        return model.model_validate(data), []
    except ValidationError as error:
        name = str(data["name"]) if isinstance(data, Mapping) and at and "name" in data else ""
        return None, [*_faults(path, error, model, wording, (at, name))]


def _faults(
    path: Path,
    error: ValidationError,
    model: type[BaseModel],
    wording: _Wording,
    entry: tuple[Keys, str],
) -> Iterator[Fault]:
    at, name = entry
    for item in error.errors():
        keys = tuple(item["loc"])
        location = ".".join(str(key) for key in keys)
        message = _message(item, wording, _description(model, keys))
        if not location:  # a check over several keys begins with the one to correct
            keys = tuple(re.findall(r"\A(\w+):", message))
        what = f"{location}: {message}" if location else message
        line = _line_of(compose(path), (*at, *keys))
        yield Fault(path, line, f"{name}: {what}" if name else what)


def _message(error: Any, wording: _Wording, description: str) -> str:  # noqa: ANN401  (pydantic's)
    """What is wrong, and what to write instead where the model describes it."""
    if error["type"] == "extra_forbidden":
        return f"is no key of a {wording.what} here; see {wording.manual}"
    advice = f"; write {description}" if description else ""
    if error["type"] == "missing":
        return f"is missing{advice}"
    if error["type"] == "string_type" and error["input"] is not None:
        quotes = "; put it in quotes" if not isinstance(error["input"], (list, dict)) else ""
        return f"must be a text{quotes}{advice}"
    message = str(error["msg"]).removeprefix("Value error, ")
    names_all = message.startswith("must be") or error["type"] == "literal_error"
    return message if names_all else f"{message}{advice}"


def _description(model: type[BaseModel], keys: Sequence[str | int]) -> str:
    """How the model describes a key, however deep it is."""
    described: object = model
    text = ""
    for key in keys:
        fields = getattr(described, "model_fields", None)
        if fields is None:
            return text
        named = (f for name, f in fields.items() if (f.alias or name) == key)
        field = next(named, None)
        if field is None:
            return ""
        text = field.description or ""
        kinds = (field.annotation, *get_args(field.annotation))
        described = next((kind for kind in kinds if hasattr(kind, "model_fields")), None)
    return text


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

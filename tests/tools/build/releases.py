"""The names that a release published, and what of them is gone."""

from __future__ import annotations

import re
from pathlib import Path

import yaml

from tools.build.published_names import FOLDER, KEYS_OF, Names
from tools.content.strict_yaml import Fault, MappingError

_FILE_NAME = re.compile(r"(\d+)\.(\d+)\.(\d+)\.yaml")


def newest_release(root: Path) -> Path:
    """The file of the last release; raises OSError if there is none."""
    paths = [path for path in (root / FOLDER).glob("*.yaml") if _FILE_NAME.fullmatch(path.name)]
    if not paths:
        raise FileNotFoundError(f"{root / FOLDER} has no <version>.yaml; git has the last one")
    return max(paths, key=_numbers)


def read_names(path: Path) -> dict[str, list[str]]:
    """The names in a release's file; raises MappingError if it is no such file."""
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise MappingError([Fault(path, line, f"is not YAML: {error.problem}")]) from error
    if not isinstance(content, dict) or not all(
        isinstance(names, list) for names in content.values()
    ):
        raise MappingError([Fault(path, 1, "must hold lists of names by their kind")])
    return {str(kind): [str(name) for name in names] for kind, names in content.items()}


def broken_promises(published: Names, present: Names, release: str) -> list[str]:
    """What was published and is gone, each with what to do; new names break nothing.

    A lookup that wants another key breaks every search that asks it, so keys must be the same.
    """
    return [
        f"{release} published {name!r} among the {kind}, and it is gone:"
        " keep the name (an alias will do), or raise the major version"
        for kind, names in published.items()
        for name in names
        if name not in present.get(kind, ())
    ] + [
        f"{release} published the {kind} without {name!r}:"
        " give the new key a lookup of its own, or raise the major version"
        for kind, names in present.items()
        if kind.startswith(KEYS_OF) and published.get(kind)
        for name in names
        if name not in published[kind]
    ]


def promises_hold(release: str, now: str) -> bool:
    """Whether version `now` must keep what `release` published: the same major version."""
    return release.split(".")[0] == now.split(".")[0]


def _numbers(path: Path) -> tuple[int, ...]:
    return tuple(map(int, path.stem.split(".")))

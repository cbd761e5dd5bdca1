"""What searches of customers depend on by name, kept for each release in `mappings/published/`.

`python -m tools.build.published_names`, run at a release, writes `<version>.yaml` there.
tests/default/test_compatibility.py holds the source against the newest of these files.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import yaml

from emulator.conf.conf_file import Conf, read_conf
from tools.build.package import version
from tools.content.fields import SOURCETYPES, Dictionary, read_dictionary
from tools.content.strict_yaml import Fault, MappingError

ROOT = Path(__file__).resolve().parents[2]
FOLDER = Path("mappings", "published")
_FILE_NAME = re.compile(r"(\d+)\.(\d+)\.(\d+)\.yaml")
_KEYS_OF = "keys of "

# The names by their kind, such as "event types" or "columns of cloudhsm_opcodes".
Names = Mapping[str, Sequence[str]]


def main(arguments: Sequence[str] | None = None) -> int:
    """Returns the exit status: 0 written, 1 the release is published already, 2 a bad mapping."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.build.published_names", description=__doc__
    )
    parser.add_argument("--root", type=Path, default=ROOT, help="the add-on's source folder")
    root = parser.parse_args(arguments).root
    path = root / FOLDER / f"{version(root)}.yaml"
    try:
        text = rendered(present_names(root), path.stem)
    except (MappingError, OSError) as error:
        print(error, file=sys.stderr)
        return 2
    if path.exists() and path.read_text(encoding="utf-8") != text:
        print(
            f"{path}: this version is published and has other names; raise the version first",
            file=sys.stderr,
        )
        return 1
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return 0


def present_names(root: Path) -> dict[str, list[str]]:
    """The names that the add-on's source at `root` has now, sorted.

    Raises MappingError, ConfError and OSError for what cannot be read.
    """
    confs = {
        name: read_conf(root / "default" / f"{name}.conf")
        for name in ("props", "transforms", "eventtypes", "macros", "savedsearches")
    }
    names: dict[str, Iterable[str]] = {
        "source types": [one for one in confs["props"].stanzas if "::" not in one],
        "event types": confs["eventtypes"].stanzas,
        "macros and how many arguments they take": confs["macros"].stanzas,
        "saved searches": confs["savedsearches"].stanzas,
        **dict(_fields(read_dictionary(root / "mappings"))),
        **dict(_lookups(root, confs["props"], confs["transforms"])),
    }
    return {kind: sorted(set(held)) for kind, held in names.items()}


def rendered(names: Names, release: str) -> str:
    """The text of a release's file."""
    head = (
        f"# What release {release} published by name; "
        "tools/build/published_names.py wrote it, nobody edits it."
    )
    body = yaml.safe_dump({kind: list(held) for kind, held in names.items()}, sort_keys=False)
    return f"{head}\n{body}"


def newest_release(root: Path) -> Path:
    """The file of the last release; raises OSError if there is none."""
    found = [path for path in (root / FOLDER).glob("*.yaml") if _FILE_NAME.fullmatch(path.name)]
    if not found:
        raise FileNotFoundError(f"{root / FOLDER} has no <version>.yaml; git has the last one")
    return max(found, key=_numbers)


def read_names(path: Path) -> dict[str, list[str]]:
    """The names in a release's file; raises MappingError if it is no such file."""
    try:
        held = yaml.safe_load(path.read_text(encoding="utf-8"))
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise MappingError([Fault(path, line, f"is not YAML: {error.problem}")]) from error
    if not isinstance(held, dict) or not all(isinstance(one, list) for one in held.values()):
        raise MappingError([Fault(path, 1, "must hold lists of names by their kind")])
    return {str(kind): [str(name) for name in names] for kind, names in held.items()}


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
        if kind.startswith(_KEYS_OF) and published.get(kind)
        for name in names
        if name not in published[kind]
    ]


def promises_hold(release: str, now: str) -> bool:
    """Whether version `now` must keep what `release` published: the same major version."""
    return release.split(".")[0] == now.split(".")[0]


def _numbers(path: Path) -> tuple[int, ...]:
    return tuple(map(int, path.stem.split(".")))


def _fields(dictionary: Dictionary) -> Iterator[tuple[str, list[str]]]:
    """What people may build searches on: neither inner workings nor what is Splunk's own."""
    for sourcetype in SOURCETYPES:
        yield (
            f"fields of aws:cloudhsm:{sourcetype}",
            [
                field.name
                for field in dictionary.fields
                if sourcetype in field.sourcetypes
                and not field.internal
                and "splunk" not in field.origins
            ],
        )


def _lookups(root: Path, props: Conf, transforms: Conf) -> Iterator[tuple[str, list[str]]]:
    """Each lookup's columns, and those by which the automatic lookups ask it."""
    lookups = {
        stanza.name: stanza.settings
        for stanza in transforms.stanzas.values()
        if {"filename", "fields_list"} & set(stanza.settings)
    }
    yield "lookups", list(lookups)
    asked = [
        _words(setting.value)
        for stanza in props.stanzas.values()
        for setting in stanza.settings.values()
        if setting.key.startswith("LOOKUP-")
    ]
    for name, settings in lookups.items():
        if keys := {key for words in asked if words[0] == name for key in _keys(words)}:
            yield f"{_KEYS_OF}{name}", list(keys)
        if "fields_list" in settings:
            yield f"columns of {name}", _words(settings["fields_list"].value)
        else:
            path = root / "lookups" / settings["filename"].value
            header = path.read_text(encoding="utf-8").partition("\n")[0]
            yield f"columns of {name}", header.strip().split(",")


def _keys(words: Sequence[str]) -> Iterator[str]:
    """The columns that `lookup column [AS field]... OUTPUT ...` matches."""
    pairs = re.sub(r" AS \S+", "", " ".join(words)).partition(" OUTPUT")[0]
    yield from pairs.split()[1:]


def _words(text: str) -> list[str]:
    return text.replace(",", " ").split()

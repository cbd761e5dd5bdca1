"""What searches of customers depend on by name, kept for each release in `mappings/published/`.

`python -m tools.build.published_names`, run at a release, writes `<version>.yaml` there.
tests/default/test_compatibility.py compares the source with the newest of these files.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import yaml

from emulator.conf.conf_file import Conf, read_conf
from samples.command_parser import CommandParser
from tools.build.package import version
from tools.content.fields import SOURCETYPES, Dictionary, read_dictionary
from tools.content.strict_yaml import MappingError

ROOT = Path(__file__).resolve().parents[2]
FOLDER = Path("mappings", "published")
KEYS_OF = "keys of "

# The names by their kind, such as "event types" or "columns of cloudhsm_opcodes".
Names = Mapping[str, Sequence[str]]


def main(arguments: Sequence[str] | None = None) -> int:
    """Returns the exit status: 0 written, 1 the release is published already, 2 a bad mapping."""
    parser = CommandParser(prog="python -m tools.build.published_names", description=__doc__)
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
        "source types": [stanza for stanza in confs["props"].stanzas if "::" not in stanza],
        "event types": confs["eventtypes"].stanzas,
        "macros and how many arguments they take": confs["macros"].stanzas,
        "saved searches": confs["savedsearches"].stanzas,
        **dict(_fields(read_dictionary(root / "mappings"))),
        **dict(_lookups(root, confs["props"], confs["transforms"])),
    }
    return {kind: sorted(set(values)) for kind, values in names.items()}


def rendered(names: Names, release: str) -> str:
    """The text of a release's file."""
    head = (
        f"# What release {release} published by name; "
        "tools/build/published_names.py wrote it, never edit it."
    )
    body = yaml.safe_dump({kind: list(values) for kind, values in names.items()}, sort_keys=False)
    return f"{head}\n{body}"


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
    automatic = [
        _words(setting.value)
        for stanza in props.stanzas.values()
        for setting in stanza.settings.values()
        if setting.key.startswith("LOOKUP-")
    ]
    for name, settings in lookups.items():
        if keys := {key for words in automatic if words[0] == name for key in _keys(words)}:
            yield f"{KEYS_OF}{name}", list(keys)
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

"""Compares what `slim partition` makes of the package with deployment.yaml.

slim divides an app into packages for search heads, indexers and forwarders, by the keys of each
file. Its spec files end with Splunk 8.0; where it errs, `slim_differs` has the reason.
"""

from __future__ import annotations

import io
import os
import tarfile
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import partial
from pathlib import Path
from typing import NamedTuple

from emulator.conf.conf_file import Conf, parse_conf
from emulator.errors import EmulatorError
from tools.build.environments import ROOT
from tools.build.package import APP_ID
from tools.content.deployment import schema
from tools.content.deployment.schema import Deployment, Difference, Kind, Role
from tools.content.strict_yaml import MappingError
from tools.processes import finished

TRUTH = schema.FILE
Files = Mapping[str, bytes]  # content by path below the app's folder


class PartitionProblem(Exception):
    """slim made no parts, or none that can be read; the message states why and what to do."""


@dataclass(frozen=True, order=True)
class Item:
    """A file, or a setting of one that is placed by its settings."""

    file: str
    stanza: str = ""
    key: str = ""

    def __str__(self) -> str:
        return f"{self.file}: [{self.stanza}] {self.key}" if self.key else self.file


def faults(archive: Path, root: Path = ROOT) -> Iterator[str]:
    """What of a package the YAML does not place, and where slim's parts hold something else."""
    try:
        deployment = schema.read(root)
        package = files_of(archive.read_bytes())
        yield from unplaced(deployment, package)
        with tempfile.TemporaryDirectory() as folder:
            parts = partition(archive, Path(folder), root)
        yield from misplaced(deployment, package, parts)
    except (MappingError, EmulatorError, PartitionProblem, OSError) as problem:
        yield str(problem)


def unplaced(deployment: Deployment, package: Files) -> Iterator[str]:
    """Files and settings of the package in no kind or in several; patterns that name nothing."""
    named = {kind.name: _says(kind) for kind in deployment.kinds}
    shipped = sorted(items(deployment, package))
    for item in shipped:
        kinds = [kind for kind, says in named.items() if says(item)]
        if not kinds:
            yield f"{item}: no kind of {TRUTH} names it: add it to the one for where it works"
        elif len(kinds) > 1:
            yield f"{item}: is in several kinds of {TRUTH}, {' and '.join(kinds)}: leave it in one"
    for kind in deployment.kinds:
        for pattern, says in _patterns(kind):
            if not any(map(says, shipped)):
                yield f"{TRUTH}: {kind.name}: the package has nothing like {pattern}: delete it"


def misplaced(deployment: Deployment, package: Files, parts: Mapping[str, Files]) -> Iterator[str]:
    """What slim's parts hold too much or lack, or altered; `parts` by slim's names for them."""
    whole = set(items(deployment, package))
    kind_of = {item: kind for kind in deployment.kinds for item in filter(_says(kind), whole)}
    expected = list(_expected(deployment))
    unmet = set(expected)
    for role in (role for role in deployment.roles if role.part):
        if (part := parts.get(str(role.part))) is None:
            yield f"slim made no part {role.part}: see targetWorkloads in app.manifest"
            continue
        in_part = set(items(deployment, part))
        wanted = {item for item, kind in kind_of.items() if kind.works[role.name] == "works"}
        placed = in_part & set(kind_of)  # what is in no kind is a fault of its own
        for slim, odd in (("keeps", placed - wanted), ("leaves_out", wanted - in_part)):
            reasons = [known for known in expected if (known.role, known.slim) == (role, slim)]
            for item in sorted(odd):
                explained = [reason for reason in reasons if reason.says(item)]
                unmet -= set(explained)
                if not explained:
                    yield _unexplained(role, slim, item)
        yield from (
            f"{role.part}: {item}: is not in the package" for item in sorted(in_part - whole)
        )
        yield from (f"{role.part}: {item}: slim altered it" for item in _altered(package, part))
    for difference in expected:
        if difference in unmet:
            expectation = _SLIM_SAYS[difference.slim].format(difference.pattern)
            yield (
                f"{TRUTH}: slim_differs: slim no longer {expectation} for "
                f"{difference.role.title.lower()}s: delete it there"
            )


def items(deployment: Deployment, files: Files) -> Iterator[Item]:
    """Everything that has a place of its own. Raises EmulatorError for a conf file off its form."""
    split = deployment.split_files()
    for file, content in files.items():
        if file not in split:
            yield Item(file)
            continue
        for stanza in _conf(file, content).stanzas.values():
            yield from (Item(file, stanza.name, key) for key in stanza.settings)


def partition(archive: Path, folder: Path, root: Path = ROOT) -> dict[str, Files]:
    """Run `slim partition` over a package; the files of each part by slim's name for it.

    It writes to the user's configuration folder, so it gets a home of its own below `folder`.
    Raises PartitionProblem.
    """
    program = root / ".venv" / "slim" / "bin" / "slim"
    if not program.exists():
        raise PartitionProblem(
            "slim is not installed: "
            "`python3 -m tools.build.environments slim`, which `make gates` runs"
        )
    made = folder / "parts"
    home = folder / "home"
    home.mkdir()
    environment = {name: text for name, text in os.environ.items() if name[:5] not in _OF_A_USER}
    command = [str(program), "partition", "-o", str(made), str(archive.resolve())]
    outcome = finished(command, folder, {**environment, "HOME": str(home)})
    parts = {_part_name(path): path.read_bytes() for path in sorted(made.glob("*.tar.gz"))}
    if outcome.returncode or not parts:
        raise PartitionProblem(f"slim partition failed: {outcome.stdout[-2000:]}")
    return {name: files_of(_inner(name, content)) for name, content in parts.items()}


def files_of(archive: bytes) -> Files:
    """The files of an app's .tar.gz by their path below its folder. Raises PartitionProblem."""
    try:
        with tarfile.open(fileobj=io.BytesIO(archive)) as opened:
            members = [
                (member.name, opened.extractfile(member)) for member in opened if member.isfile()
            ]
            files = {name: content.read() for name, content in members if content}
    except (tarfile.TarError, EOFError, OSError) as error:
        raise PartitionProblem(f"a package cannot be read ({error}): build it again") from error
    folder = f"{APP_ID}/"
    if stray := [name for name in files if not name.startswith(folder)]:
        raise PartitionProblem(f"{stray[0]}: lies outside of {folder} in its package")
    return {name.removeprefix(folder): content for name, content in files.items()}


_OF_A_USER = ("XDG_C", "SLIM_")  # XDG_CONFIG_HOME, XDG_CACHE_HOME, SLIM_REPOSITORY


def _part_name(path: Path) -> str:
    return "_" + path.name.removesuffix(".tar.gz").partition("-_")[2]


def _inner(name: str, content: bytes) -> bytes:
    """slim packs the package of a part into another one."""
    with tarfile.open(fileobj=io.BytesIO(content)) as opened:
        for member in opened:
            inner = opened.extractfile(member) if member.name.endswith(".tar.gz") else None
            if inner is not None:
                return inner.read()
    raise PartitionProblem(f"slim's part {name} has no package: has slim changed its form?")


_Says = Callable[[Item], bool]


def _patterns(named: Kind | Difference) -> Iterator[tuple[str, _Says]]:
    """Each pattern as it is written, and whether an item is one that it means."""
    for pattern in named.files:
        yield pattern, partial(_is_file, pattern)
    for file, keys in named.settings.items():
        for key in keys:
            yield f"{file}: {key}", partial(_is_setting, file, key)


def _is_file(pattern: str, item: Item) -> bool:
    return not item.key and _fits(item.file, pattern)


def _fits(path: str, pattern: str) -> bool:
    if pattern.endswith("/**"):
        return path.startswith(pattern[:-2])
    return path.count("/") == pattern.count("/") and fnmatchcase(path, pattern)


def _is_setting(file: str, pattern: str, item: Item) -> bool:
    if item.file != file or not item.key:
        return False
    stanza, bracket, key = pattern.partition("] ")
    if not bracket:
        return fnmatchcase(item.key, pattern)
    return stanza == f"[{item.stanza}" and fnmatchcase(item.key, key)


def _says(named: Kind | Difference) -> _Says:
    patterns = [says for _, says in _patterns(named)]
    return lambda item: any(says(item) for says in patterns)


class _Expected(NamedTuple):
    """One pattern of a difference, for one role."""

    role: Role
    slim: str
    pattern: str
    says: _Says


def _expected(deployment: Deployment) -> Iterator[_Expected]:
    roles = {role.name: role for role in deployment.roles}
    for difference in deployment.slim_differs:
        for role in difference.roles:
            for pattern, says in _patterns(difference):
                yield _Expected(roles[role], difference.slim, pattern, says)


_SLIM_SAYS = {"keeps": "keeps {}", "leaves_out": "leaves {} out"}


def _unexplained(role: Role, slim: str, item: Item) -> str:
    divides = _SLIM_SAYS[slim].format("it")
    does = "does nothing" if slim == "keeps" else "works"
    return (
        f"{role.part}: {item}: slim {divides}, but by {TRUTH} it {does} on "
        f"{role.title.lower()}s: correct its kind, or give the reason in slim_differs"
    )


def _altered(package: Files, part: Files) -> Iterator[str]:
    """Files of the package whose content, or for a conf file any of whose values, differs."""
    for file in sorted(set(package) & set(part)):
        if not file.endswith(".conf"):
            if package[file] != part[file]:
                yield file
            continue
        whole = _conf(file, package[file])
        for stanza in _conf(file, part[file]).stanzas.values():
            known = whole.stanzas.get(stanza.name)
            for key, setting in stanza.settings.items():
                before = known.settings.get(key) if known else None
                if before and before.value != setting.value:
                    yield f"{file}: [{stanza.name}] {key}"


def _conf(file: str, content: bytes) -> Conf:
    try:
        return parse_conf(content.decode("utf-8"), file)
    except UnicodeDecodeError as error:
        raise PartitionProblem(f"{file}: is not UTF-8: save it as UTF-8") from error

"""`deployment.yaml`: where each file and setting of the package works, and the topologies.

A *kind* is a row of the table in docs/deploy.md: files, and settings of files that serve several
masters, with what they do in each role. A *difference* is where `slim` divides otherwise, and why
it errs. A *topology* is a diagram: hosts, and arrows between them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from tools.content import strict_yaml
from tools.content.strict_yaml import Fault, MappingError, Strict, Text

FILE = "tools/content/deployment/deployment.yaml"
MANUAL = "the head of the file"

Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$")]
# works: it does its work there. bundle: the search head sends it to its indexers with each search.
# idle: it may lie there and does nothing.
Effect = Literal["works", "bundle", "idle"]
StanzaSettings = dict[str, Annotated[list[str], Field(min_length=1)]]


class Role(Strict):
    """part: slim's name for the package of such hosts; none where slim makes no such package."""

    name: Name
    title: Text
    part: Literal["_search_heads", "_indexers", "_forwarders"] | None = None
    does: Text


class Kind(Strict):
    """files: patterns of paths (`**` at the end: all below). settings: patterns by file, of a key
    or of `[stanza] key`."""

    name: Name
    title: Text
    why: Text
    works: dict[Name, Effect]
    files: list[str] = []
    settings: StanzaSettings = {}


class Difference(Strict):
    """What slim keeps in a part that needs it not, or leaves out where it works."""

    roles: Annotated[list[Name], Field(min_length=1)]
    slim: Literal["keeps", "leaves_out"]
    files: list[str] = []
    settings: StanzaSettings = {}
    why: Text


class Host(Strict):
    """A host, a group of hosts or a service. collects: runs the input."""

    name: Name
    title: Text
    notes: list[Text] = []
    installed: bool = False
    collects: bool = False


class Arrow(Strict):
    """Points to where the connection is opened; carries: records, or what else goes along it."""

    opens: Name
    to: Name
    label: Text
    carries: Literal["records", "other"]


class Frame(Strict):
    title: Text
    hosts: Annotated[list[Name], Field(min_length=1)]


class Topology(Strict):
    name: Name
    title: Text
    description: Text
    hosts: Annotated[list[Host], Field(min_length=2)]
    arrows: Annotated[list[Arrow], Field(min_length=1)]
    frames: list[Frame] = []


class SplunkSetting(Strict):
    """A setting of Splunk's own that the page uses, and where Splunk documents it."""

    conf: str
    stanza: str
    settings: Annotated[list[str], Field(min_length=1)]
    source: Text


class Deployment(Strict):
    roles: list[Role]
    kinds: list[Kind]
    slim_differs: list[Difference]
    splunk_settings: list[SplunkSetting]
    topologies: list[Topology]

    def split_files(self) -> set[str]:
        """The files whose settings are placed one by one."""
        return {file for kind in self.kinds for file in kind.settings}


def read(root: Path) -> Deployment:
    """The file below `root`; raises MappingError for its faults, OSError if it is not there."""
    path = root / FILE
    deployment = strict_yaml.read(path, Deployment, "table of deployment", MANUAL)
    faults = [
        Fault(path, strict_yaml.line_in(path, *keys), fault) for keys, fault in _faults(deployment)
    ]
    if faults:
        raise MappingError(faults)
    return deployment


_Fault = tuple[tuple[str | int, ...], str]


def _faults(deployment: Deployment) -> Iterator[_Fault]:
    roles = {role.name for role in deployment.roles}
    for list_name in ("roles", "kinds", "topologies"):
        yield from _twice(list_name, (item.name for item in getattr(deployment, list_name)))
    for number, kind in enumerate(deployment.kinds):
        where = ("kinds", number)
        if set(kind.works) != roles:
            names = ", ".join(sorted(set(kind.works) ^ roles))
            yield (*where, "works"), f"{kind.name}: give each role once; check {names}"
        if not kind.files and not kind.settings:
            yield where, f"{kind.name}: names neither files nor settings"
    parted = {role.name for role in deployment.roles if role.part}
    for number, difference in enumerate(deployment.slim_differs):
        if unknown := set(difference.roles) - parted:
            names = ", ".join(sorted(unknown))
            yield ("slim_differs", number), f"{names}: is no role that slim makes a part for"
    for number, topology in enumerate(deployment.topologies):
        for fault in _unknown_hosts(topology):
            yield ("topologies", number), f"{topology.name}: {fault}"


def _twice(list_name: str, names: Iterable[str]) -> Iterator[_Fault]:
    for name, times in Counter(names).items():
        if times > 1:
            yield (list_name,), f"{name} is given {times} times"


def _unknown_hosts(topology: Topology) -> Iterator[str]:
    hosts = [host.name for host in topology.hosts]
    if len({*hosts}) < len(hosts):
        yield "two hosts have one name"
    for arrow in topology.arrows:
        if {arrow.opens, arrow.to} - {*hosts}:
            yield f"an arrow from {arrow.opens} to {arrow.to}, and no such host"
    for frame in topology.frames:
        if unknown := {*frame.hosts} - {*hosts}:
            yield f"the frame {frame.title} names {', '.join(sorted(unknown))}, and no such host"

"""A topology as a Mermaid flowchart, which GitHub draws and which reads as text too."""

from __future__ import annotations

from collections.abc import Iterator

from tools.content.deployment.schema import Arrow, Host, Topology

_ARROWS = {"records": "==>", "other": "-->"}
_INDENT = "    "


def lines(topology: Topology) -> Iterator[str]:
    """What the topology shows, in a sentence, and the fenced diagram."""
    yield from (f"{topology.description}.", "", "```mermaid", "flowchart LR")
    yield f"{_INDENT}accTitle: {topology.title}"
    yield f"{_INDENT}accDescr: {topology.description}"
    framed = {name for frame in topology.frames for name in frame.hosts}
    hosts = {host.name: host for host in topology.hosts}
    yield from (f"{_INDENT}{_host(host)}" for host in topology.hosts if host.name not in framed)
    for number, frame in enumerate(topology.frames, 1):
        yield f"{_INDENT}subgraph frame{number} [{_quoted(frame.title)}]"
        yield from (f"{_INDENT * 2}{_host(hosts[name])}" for name in frame.hosts)
        yield f"{_INDENT}end"
    yield from (f"{_INDENT}{_arrow(arrow)}" for arrow in topology.arrows)
    yield "```"


def _host(host: Host) -> str:
    roles = ["add-on"] * host.installed + ["input"] * host.collects
    lines = [host.title, *host.notes, *([f"({', '.join(roles)})"] if roles else [])]
    return f'{host.name}["{"<br>".join(map(_escaped, lines))}"]'


def _arrow(arrow: Arrow) -> str:
    return f"{arrow.opens} {_ARROWS[arrow.carries]}|{_quoted(arrow.label)}| {arrow.to}"


def _quoted(text: str) -> str:
    return f'"{_escaped(text)}"'


def _escaped(text: str) -> str:
    """Mermaid reads labels as HTML, and `#name;` as a character."""
    for character, name in {"#": "#35;", '"': "#quot;", "<": "#lt;", ">": "#gt;"}.items():
        text = text.replace(character, name)
    return text

"""Every diagram is complete, and text in it is text."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools.content.deployment import schema, topology_diagrams
from tools.content.deployment.schema import Topology

ROOT = Path(__file__).resolve().parents[4]
TOPOLOGIES = schema.read(ROOT).topologies
each_topology = pytest.mark.parametrize("topology", TOPOLOGIES, ids=lambda one: one.name)


@each_topology
def test_a_diagram_shows_all_that_the_topology_has(topology: Topology) -> None:
    text = "\n".join(topology_diagrams.lines(topology))
    assert text.startswith(f"{topology.description}.\n\n```mermaid\nflowchart LR\n")
    for host in topology.hosts:
        (line,) = [line.strip() for line in text.splitlines() if f' {host.name}["' in line]
        assert "<br>".join([host.title, *host.notes]) in line
        assert ("(add-on" in line, "input)" in line) == (host.installed, host.collects)
    for arrow in topology.arrows:
        kind = "==>" if arrow.carries == "records" else "-->"
        assert f'\n    {arrow.opens} {kind}|"{arrow.label}"| {arrow.to}\n' in text
    for frame in topology.frames:
        inside = text.partition(f'["{frame.title}"]\n')[2].partition("\n    end\n")[0]
        assert [line.strip().partition("[")[0] for line in inside.splitlines()] == frame.hosts


@each_topology
def test_records_are_collected_only_where_the_add_on_is(topology: Topology) -> None:
    collecting = {host.name for host in topology.hosts if host.collects}
    assert collecting <= {host.name for host in topology.hosts if host.installed}
    assert len(collecting) <= 1


def test_no_text_ends_its_label() -> None:
    topology = Topology.model_validate(
        {
            "name": "t",
            "title": "t",
            "description": "t",
            "hosts": [{"name": "a", "title": '<b>"#'}, {"name": "b", "title": "b"}],
            "arrows": [{"opens": "a", "to": "b", "label": '"]', "carries": "other"}],
        }
    )
    text = "\n".join(topology_diagrams.lines(topology))
    assert 'a["#lt;b#gt;#quot;#35;"]' in text
    assert 'a -->|"#quot;]"| b' in text

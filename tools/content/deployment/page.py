"""Fills the generated blocks of docs/deploy.md: two tables, and a diagram for each topology."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from tools.content import markdown
from tools.content.deployment import schema, topology_diagrams
from tools.content.deployment.schema import Deployment, Difference, Kind
from tools.content.page_blocks import filled

PAGE = "docs/deploy.md"
COMMAND = "make generate"
_CELLS = {"works": "**yes**", "bundle": "*bundle*", "idle": ""}
_SLIM = {"keeps": "keeps", "leaves_out": "leaves out"}


def pages(root: Path) -> dict[str, str]:
    """Text by path: docs/deploy.md with its blocks.

    Raises MappingError for a mapping off its schema, BlockProblem for a page without its blocks,
    OSError for a page or mapping that cannot be read.
    """
    return {PAGE: page((root / PAGE).read_text(encoding="utf-8"), schema.read(root))}


def page(text: str, deployment: Deployment) -> str:
    """The page's text with its tables and diagrams as they follow from the deployment."""
    blocks = {
        **{topology.name: topology_diagrams.lines(topology) for topology in deployment.topologies},
        "which file works where": _table(deployment),
        "where slim errs": _differences(deployment),
    }
    return filled(text, PAGE, COMMAND, blocks)


def _table(deployment: Deployment) -> Iterator[str]:
    roles = deployment.roles
    rows = (
        [
            kind.title,
            _named(kind, deployment),
            *(_CELLS[kind.works[role.name]] for role in roles),
            kind.why,
        ]
        for kind in deployment.kinds
    )
    return markdown.table(["what", "files", *(role.title for role in roles), "why"], rows)


def _differences(deployment: Deployment) -> Iterator[str]:
    titles = {role.name: role.title.lower() for role in deployment.roles}
    rows = (
        (
            ", ".join(titles[name] for name in difference.roles),
            _SLIM[difference.slim],
            _named(difference, deployment),
            difference.why,
        )
        for difference in deployment.slim_differs
    )
    return markdown.table(("part for", "slim", "", "but"), rows)


def _named(named: Kind | Difference, deployment: Deployment) -> str:
    items = [f"`{file}`" for file in named.files]
    items += [
        f"`{file}`" if _all_of(file, named, deployment) else f"`{file}`: {_keys(keys)}"
        for file, keys in named.settings.items()
    ]
    return "; ".join(items)


def _all_of(file: str, named: Kind | Difference, deployment: Deployment) -> bool:
    """Whether one kind has all settings of the file, so that they need not be listed."""
    sharing = [kind.settings for kind in deployment.kinds if file in kind.settings]
    return len(sharing) == 1 and sharing[0] is named.settings


def _keys(keys: Sequence[str]) -> str:
    return ", ".join(f"`{key.removesuffix(' *')}`" for key in keys)

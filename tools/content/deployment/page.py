"""Fills the generated blocks of docs/deploy.md and draws its pictures."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from tools.content.conf_blocks import BlockProblem
from tools.content.deployment import schema, topology_pictures
from tools.content.deployment.schema import Deployment, Difference, Kind, Settings

PAGE = "docs/deploy.md"
PICTURES = "docs/deploy"
_BEGIN = "<!-- {}: generated from tools/content/deployment/deployment.yaml by make generate -->"
_END = "<!-- end -->"
_CELLS = {"works": "**yes**", "bundle": "*bundle*", "idle": ""}
_SLIM = {"keeps": "keeps", "leaves_out": "leaves out"}


def pages(root: Path) -> dict[str, str]:
    """Text by path: docs/deploy.md with its blocks, and a picture for each topology.

    Raises MappingError for a mapping off its schema, BlockProblem for a page without its blocks,
    OSError for a page or mapping that cannot be read.
    """
    deployment = schema.read(root)
    drawn = {
        f"{PICTURES}/{topology.name}.svg": topology_pictures.svg(topology)
        for topology in deployment.topologies
    }
    return {PAGE: page((root / PAGE).read_text(encoding="utf-8"), deployment), **drawn}


def page(text: str, deployment: Deployment) -> str:
    """The page's text with its two tables as they follow from the deployment."""
    text = _filled(text, "which file works where", _table(deployment))
    return _filled(text, "where slim errs", _differences(deployment))


def _filled(text: str, name: str, lines: Iterable[str]) -> str:
    begin = _BEGIN.format(name)
    before, found, rest = text.partition(f"{begin}\n")
    _, ended, after = rest.partition(f"{_END}\n")
    if not found or not ended:
        raise BlockProblem(f"{PAGE}: write the lines `{begin}` and `{_END}` around the table")
    return "".join((before, found, *(f"{line}\n" for line in lines), ended, after))


def _table(deployment: Deployment) -> Iterator[str]:
    roles = deployment.roles
    yield _row(["what", "files", *(role.title for role in roles), "why"])
    yield _row(["---"] * (len(roles) + 3))
    for kind in deployment.kinds:
        cells = [_CELLS[kind.works[role.name]] for role in roles]
        yield _row([kind.title, _named(kind, deployment), *cells, kind.why])


def _differences(deployment: Deployment) -> Iterator[str]:
    titles = {role.name: role.title.lower() for role in deployment.roles}
    yield _row(["part for", "slim", "", "but"])
    yield _row(["---"] * 4)
    for one in deployment.slim_differs:
        roles = ", ".join(titles[name] for name in one.roles)
        yield _row([roles, _SLIM[one.slim], _named(one, deployment), one.why])


def _named(named: Kind | Difference, deployment: Deployment) -> str:
    told = [f"`{file}`" for file in named.files]
    told += [
        f"`{file}`" if _all_of(file, named, deployment) else f"`{file}`: {_keys(keys)}"
        for file, keys in named.settings.items()
    ]
    return "; ".join(told)


def _all_of(file: str, named: Kind | Difference, deployment: Deployment) -> bool:
    """Whether one kind has all settings of the file, so that they need not be listed."""
    sharing: list[Settings] = [kind.settings for kind in deployment.kinds if file in kind.settings]
    return len(sharing) == 1 and sharing[0] is named.settings


def _keys(keys: Sequence[str]) -> str:
    return ", ".join(f"`{key.removesuffix(' *')}`" for key in keys)


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"

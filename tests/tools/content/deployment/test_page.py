"""docs/deploy.md: generated where it says so, complete, and true about every setting it names."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path

import pytest

from cloudhsm.base import settings
from emulator.conf.conf_file import Stanza, parse_conf, read_conf
from tools.content.conf_blocks import BlockProblem
from tools.content.deployment import page, schema
from tools.content.installed_app import installed_app

ROOT = Path(__file__).resolve().parents[4]
DOCS = ROOT / "docs"
PAGE = ROOT / page.PAGE
TEXT = PAGE.read_text(encoding="utf-8")
WITHOUT_DIAGRAMS = re.sub(r"(?ms)^```mermaid$.*?^```$", "", TEXT)
TRUTH = schema.read(ROOT)
PAGES = sorted([*ROOT.glob("*.md"), *DOCS.glob("*.md"), *(ROOT / "README").glob("*.md")])
NOW_MS = 1_790_000_000_000

SPEC = set(re.findall(r"(?m)^([\w.]+) = <", (ROOT / "README" / "inputs.conf.spec").read_text()))
# name = value in a sentence, that is neither ours nor in a block
OF_SPLUNK = {"repFactor": "indexes.conf.spec, Splunk Enterprise 10.0"}


def blocks() -> Iterator[str]:
    """The conf blocks of the page: fenced, without a language, with a stanza."""
    for block in re.findall(r"(?ms)^ *```\n(.*?)^ *```$", WITHOUT_DIAGRAMS):
        text = re.sub(r"(?m)^ {3}", "", block) if block.startswith("   ") else block
        if re.search(r"(?m)^\[", text):
            yield text


def stanzas(prefix: str = "") -> list[tuple[str, Stanza]]:
    """Each stanza in a conf block with the block, where its name begins with `prefix`."""
    return [
        (block, stanza)
        for block in blocks()
        for stanza in parse_conf(block, "docs/deploy.md").stanzas.values()
        if stanza.name.startswith(prefix)
    ]


def anchors(text: str) -> set[str]:
    """How GitHub calls the headings of a page, and names that the page gives itself."""
    headings = re.findall(r"(?m)^#{1,6} (.+)$", text)
    named = set(re.findall(r'<a id="([\w-]+)">', text))
    return named | {re.sub(r"[^\w\- ]", "", one.lower()).replace(" ", "-") for one in headings}


def test_the_page_is_what_the_mapping_makes() -> None:
    assert page.pages(ROOT) == {page.PAGE: TEXT}, "make generate"
    assert TEXT.count("```mermaid\n") == len(TRUTH.topologies)


def test_every_role_is_a_column_and_every_kind_a_row() -> None:
    header = next(line for line in TEXT.splitlines() if line.startswith("| what |"))
    assert [cell.strip() for cell in header.split("|")[3:-2]] == [
        role.title for role in TRUTH.roles
    ]
    for kind in TRUTH.kinds:
        (row,) = [line for line in TEXT.splitlines() if line.startswith(f"| {kind.title} |")]
        cells = [cell.strip() for cell in row.split(" | ")[2 : 2 + len(TRUTH.roles)]]
        told = {"works": "**yes**", "bundle": "*bundle*", "idle": ""}
        assert cells == [told[kind.works[role.name]] for role in TRUTH.roles], kind.title


@pytest.mark.parametrize("path", PAGES, ids=[path.stem for path in PAGES])
def test_links_lead_somewhere(path: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", path.read_text(encoding="utf-8")):
        file, _, anchor = target.partition("#")
        if target.startswith("https://"):
            continue
        led = (path.parent / file).resolve() if file else path
        assert led.exists(), target
        assert not anchor or anchor in anchors(led.read_text(encoding="utf-8")), target


def test_our_stanzas_are_taken_by_the_input_and_every_setting_is_in_the_spec() -> None:
    ours = stanzas("aws_cloudhsm://")
    assert len(ours) >= 5
    for _, stanza in ours:
        values = {name: setting.value for name, setting in stanza.settings.items()}
        assert set(values) <= SPEC, stanza.name
        assert settings.parse(stanza.name, values, NOW_MS).aws_region == values["aws_region"]


def test_what_we_quote_of_the_package_is_what_ships() -> None:
    quoted = [one for one in stanzas() if "as shipped" in one[0].splitlines()[0]]
    assert quoted
    for block, stanza in quoted:
        file = block.removeprefix("# ").partition(",")[0]
        shipped = read_conf(ROOT / file).stanzas[stanza.name].settings
        for name, setting in stanza.settings.items():
            assert shipped[name].value == setting.value


def test_settings_of_splunk_are_those_that_the_mapping_cites() -> None:
    used = set()
    for block, stanza in stanzas():
        if stanza.name.startswith("aws_cloudhsm") or "as shipped" in block:
            continue
        conf = Path(block.removeprefix("# ").split()[0].rstrip(":")).name
        cited = [
            (number, one.settings)
            for number, one in enumerate(TRUTH.splunk_settings)
            if one.conf == conf and fnmatchcase(stanza.name, one.stanza)
        ]
        known = {name for _, names in cited for name in names}
        assert set(stanza.settings) <= known, f"{conf} [{stanza.name}]"
        used |= {
            (number, name) for number, names in cited for name in names if name in stanza.settings
        }
    assert used == {
        (number, name) for number, one in enumerate(TRUTH.splunk_settings) for name in one.settings
    }


def test_a_setting_in_a_sentence_exists() -> None:
    prose = re.sub(r"(?ms)^ *```.*?^ *```$", "", WITHOUT_DIAGRAMS)
    named = set(re.findall(r"`([A-Za-z_]+) = [^`]*`", prose))
    assert named
    assert named <= SPEC | set(OF_SPLUNK)
    assert set(OF_SPLUNK) <= named


def test_commands_and_collections_exist() -> None:
    for name in re.findall(r"\baws_cloudhsm_\w+\.py\b", TEXT):
        assert (ROOT / "bin" / name).is_file()
    collections = read_conf(ROOT / "default" / "collections.conf").stanzas
    assert set(re.findall(r"collections/data/(\w+)", TEXT)) <= set(collections)


def test_partitions_are_those_that_the_shipped_libraries_know() -> None:
    told = set(re.findall(r"`(aws(?:-[a-z]+)*)`", TEXT))
    data = ROOT / "build" / "lib" / "py313" / "botocore" / "data" / "partitions.json"
    assert data.is_file(), "python -m tools.build.vendor"
    assert told == {one["id"] for one in json.loads(data.read_text())["partitions"]}


def test_files_carried_over_a_gap_are_events_of_their_cluster_and_hsm() -> None:
    """The recipe of the page: one record behind the other, in a file under its cluster's folder."""
    (stanza,) = [stanza for _, stanza in stanzas("monitor://")]
    (path,) = re.findall(r"> (\S+\.log)\n", TEXT)
    pattern = stanza.name.removeprefix("monitor://")
    source = f"{pattern.partition('/cluster-*')[0]}/{path}"
    assert fnmatchcase(source, pattern)
    host = re.search(stanza.settings["host_regex"].value, source)
    assert host
    record = (ROOT / "tests/default/golden/published/activate_cluster.log").read_text().strip()
    app = installed_app(ROOT)
    events = app.index_text(
        f"{record}\n{record}\n",
        source=source,
        sourcetype=stanza.settings["sourcetype"].value,
        host=host[1],
    )
    fields = [dict(app.search_time(event)) for event in events]
    assert len(fields) == 2 * record.count("usecs:")
    assert {(one["cluster_id"], one["hsm_id"]) for one in fields} == {tuple(path[:-4].split("/"))}
    assert all(one["record_status"] == "complete" for one in fields)


def test_a_page_without_its_markers_names_them() -> None:
    with pytest.raises(BlockProblem, match=r"docs/deploy\.md: needs the lines <!-- which file"):
        page.page(TEXT.replace("<!-- which file works where", "<!-- gone"), TRUTH)

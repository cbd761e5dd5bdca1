"""The stories of the proof: their own writer, and what counts as found."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from emulator.app import App
from emulator.scheduler import Fired
from samples.trail import TrailEvent
from tools.content.detections import ingest
from tools.content.detections.schema import read_detections
from tools.proof.stories.__main__ import MISSES, ROOT, all_stories
from tools.proof.stories.cluster import ALICE, CAROL, DAY, MOMENT, PACKER, Cluster
from tools.proof.stories.history import quiet_weeks, write_history
from tools.proof.stories.playing import (
    Finding,
    Variant,
    by_cluster,
    findings,
    stories_index,
    story_window,
    variants,
)
from tools.proof.stories.record_text import Layout
from tools.proof.stories.story import Story
from tools.proof.stories.verdicts import rates, verdict

LAYOUTS = pytest.mark.parametrize("layout", list(Layout))


@pytest.fixture(scope="module")
def app() -> App:
    return ingest.load(ROOT)


def _fields(app: App, events: Sequence[TrailEvent]) -> list[dict[str, object]]:
    indexed = ingest.records(app, [(event.timestamp_ms / 1000, event) for event in events])
    return [dict(app.search_time(event)) for _second, event in indexed]


@LAYOUTS
def test_every_record_that_is_written_is_complete(app: App, layout: Layout) -> None:
    cluster = Cluster("complete", layout)
    write_history(cluster, exports=True)
    fields = _fields(app, [item.event for item in cluster.records])
    assert {row["record_status"] for row in fields} == {"complete"}
    assert {row["cluster_id"] for row in fields} == {cluster.id}


@LAYOUTS
def test_keys_and_users_are_in_the_fields_that_detections_read(app: App, layout: Layout) -> None:
    cluster = Cluster("fields", layout)
    cluster.log_in(0, PACKER).wrap(1, 262_201, wrapped_with=7)
    cluster.log_in(2, ALICE).manage(3, "CN_CREATE_USER", CAROL)
    rows = {str(row["opcode"]): row for row in _fields(app, [v.event for v in cluster.records])}
    assert rows["CN_WRAP_KEY"]["key_handle"] == "262201"
    assert rows["CN_NIST_AES_WRAP"]["key_handle"] == "7"
    assert rows["CN_LOGIN"]["user"] == ALICE.name
    assert rows["CN_CREATE_USER"]["user"] == CAROL.name
    inferred = layout is Layout.INFERRED
    assert rows["CN_WRAP_KEY"].get("user") == (str(PACKER.number) if inferred else None)


def test_there_are_enough_stories_and_each_names_detections() -> None:
    stories = all_stories()
    assert len({story.name for story in stories}) == len(stories)
    assert sum(story.is_attack for story in stories) >= 30
    assert sum(not story.by for story in stories) >= 20
    stems = {detection.stem for detection in read_detections(ROOT)}
    assert all(stems & set(story.by) for story in stories if story.by)


def test_known_misses_are_variants_of_stories() -> None:
    names = {story.name for story in all_stories()}
    lines = MISSES.read_text("utf-8").splitlines()
    assert lines == sorted(set(lines))
    assert {line.partition(":")[0] for line in lines} <= names


def _erased(cluster: Cluster) -> None:
    cluster.write(0, 0, "CN_ZEROIZE")


def _story(*by: str, within: float = 600, number: int = 1) -> Story:
    return Story("erased", "An HSM is erased.", _erased, by=by, within=within, findings=number)


def _played(app: App, story: Story) -> list[tuple[Variant, list[Finding]]]:
    listed = variants([story])
    index = stories_index(app, listed)
    detections = [item for item in read_detections(ROOT) if item.stem == "hsm_zeroized"]
    reported = findings(app, index, {}, detections, *story_window(listed))
    sorted_out = by_cluster(reported, listed)
    return [(variant, sorted_out[variant.cluster.tag]) for variant in listed]


def test_an_attack_is_found_by_one_of_its_detections_and_in_time(app: App) -> None:
    for variant, reported in _played(app, _story("hsm_zeroized")):
        seen = verdict(variant, "empty", reported)
        assert seen.found
        assert seen.delay is not None
        assert 0 < seen.delay <= 600


def test_a_finding_that_is_late_of_another_detection_or_alone_does_not_count(app: App) -> None:
    variant, reported = _played(app, _story("hsm_zeroized"))[0]
    for story in (
        _story("hsm_zeroized", within=10),
        _story("hsm_deleted"),
        _story("hsm_zeroized", number=2),
    ):
        other = Variant(story, variant.layout, variant.has_history, variant.cluster)
        assert not verdict(other, "empty", reported).found


def test_any_finding_about_a_benign_story_is_a_false_one(app: App) -> None:
    variant, reported = _played(app, _story())[0]
    assert not verdict(variant, "empty", reported).found
    assert verdict(variant, "empty", []).found


def test_rates_count_a_finding_about_no_cluster_once() -> None:
    own = Finding("a", Fired(int(MOMENT), {"cluster_id": "cluster-x"}))
    shared = Finding("b", Fired(int(MOMENT), {"caller": "role"}))
    counted = rates([own, shared], 10, MOMENT - DAY, MOMENT, MOMENT + 7 * DAY)
    assert [rate.later for rate in counted] == [1.1, 2.0, 11.0]
    assert [rate.first for rate in counted] == [0.0, 0.0, 0.0]


def test_quiet_clusters_have_no_gap_in_their_numbers() -> None:
    weeks = quiet_weeks(2)
    for cluster in weeks.clusters:
        assert cluster.records
        assert all(weeks.since <= item.second < weeks.until + DAY for item in cluster.records)

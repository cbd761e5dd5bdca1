from __future__ import annotations

import json
from dataclasses import replace
from unittest.mock import ANY

from hypothesis import given
from hypothesis import strategies as st

from cloudhsm.state.state_document import GroupState
from cloudhsm.trail.gap_ledger import GapChange, Ledger, Mark, Verdict
from cloudhsm.trail.gap_review import GapReview, Horizon
from cloudhsm.trail.log_group import GroupId
from cloudhsm.trail.record_identity import Kind, Record
from cloudhsm.trail.seen_ids import Seen
from cloudhsm.trail.windows import Backfill, Progress, Replay, Sweep

GROUP = GroupId("aws", "111122223333", "us-east-1", "/aws/cloudhsm/cluster-likphkxygsn")
MS = st.integers(0, 2**45)
BACKFILLS = st.builds(Backfill, MS, MS, MS)
PROGRESS = st.builds(
    Progress,
    MS,
    MS,
    st.none() | MS,
    st.none() | st.builds(Sweep, MS, MS, MS, chunk_ms=st.none() | MS, started_ms=MS, horizon_ms=MS),
    st.lists(BACKFILLS),
    st.lists(st.builds(Replay, MS, MS, MS, id=st.text(), stream=st.none() | st.text(), records=MS)),
)


COMMANDS = st.sampled_from(["CN_MGMT_CMD", "SPECIAL"])


@st.composite
def ledgers(draw: st.DrawFn) -> Ledger:
    ledger = Ledger()
    numbers = st.integers(0, 2**64 - 1)
    for sequence in draw(st.lists(numbers, max_size=8)):
        record = Record(
            Kind.AUDIT, draw(MS), f"{sequence:#x}", draw(st.sampled_from(["0x1", "0x2"]))
        )
        ledger.enter(draw(st.sampled_from(["hsm-a", "hsm-b"])), record, draw(MS))
    ledger.cover(0, draw(MS))
    GapReview(ledger, Horizon(draw(MS), 0, draw(MS))).judge()
    return ledger


@given(PROGRESS, ledgers(), st.lists(st.tuples(st.text(), MS)))
def test_a_state_survives_its_document(
    progress: Progress, ledger: Ledger, events: list[tuple[str, int]]
) -> None:
    seen = Seen()
    for one in events:
        seen.is_new(*one)
        for backfill in progress.backfills:
            backfill.boundary.is_new(*one)
    state = GroupState(GROUP, "aws_cloudhsm://x", "-30d", progress, seen, ledger, 1, 2, ["hsm?"])
    state.untold = [
        GapChange("hsm-a", "0x1", 1, 2**64 - 1, Verdict.PENDING, Mark(0, 1, 2), Mark(9, 8, 7)),
        GapChange("hsm-a", "0x1", 0, 0, Verdict.RECOVERED),
    ]
    document = json.loads(json.dumps(state.to_json()))
    again = GroupState.from_json(document)
    assert again.to_json() == state.to_json()
    assert again.progress == progress
    assert again.untold == state.untold
    assert (again.group, again.stanza, again.start_time, again.ledger) == (
        state.group,
        "aws_cloudhsm://x",
        "-30d",
        ledger,
    )


def test_a_document_of_the_first_release_is_read_with_defaults_for_what_it_lacks() -> None:
    progress = Progress(1, 2, 3, Sweep(1, 2, 1, started_ms=9, horizon_ms=7), [Backfill(0, 1, 0)])
    ledger = Ledger()
    for number in (0, 2):
        ledger.enter("hsm-a", Record(Kind.AUDIT, number, f"{number:#x}", "0x1"), number)
    ledger.cover(0, 9)
    GapReview(ledger, Horizon(9, 0, 0)).judge()
    state = GroupState(GROUP, "aws_cloudhsm://x", "-30d", progress, Seen(), ledger)
    document = state.to_json()
    for key in ("begun_ms", "run_ms", "noted", "untold"):
        del document[key]
    del document["progress"]["replays"]
    for stretch in (document["progress"]["sweep"], *document["progress"]["backfills"]):
        del stretch["bite_ms"]
    del document["progress"]["sweep"]["boundary"]
    (gap,) = document["ledger"]["epochs"]["hsm-a"]["0x1"][0]["gaps"]
    for key in ("rereads", "last_look", "held_before", "probed_ms", "probe_ms"):
        del gap[key]
    del document["ledger"]["epochs"]["hsm-a"]["0x1"][0]["rerun"]
    for key in ("replayed", "polled_ms", "rereads"):
        del document["progress"][key]
    del document["progress"]["sweep"]["horizon_ms"]
    assert GroupState.from_json(document) == replace(state, seen=ANY)


def test_the_source_names_account_region_group_and_stream() -> None:
    assert GROUP.source("hsm-a") == (
        "111122223333:us-east-1:/aws/cloudhsm/cluster-likphkxygsn:hsm-a"
    )
    assert GROUP.cluster_id == "cluster-likphkxygsn"

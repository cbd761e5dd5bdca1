"""Health: every self-check passed and failed, compared with the records."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from cloudhsm.base.aws_clock import AwsClock
from cloudhsm.base.counters import RunResult
from cloudhsm.base.errors import AccessDenied, Place
from cloudhsm.collect.collector_events import InputReporter, Reporter
from cloudhsm.splunk.event_writer import Event
from cloudhsm.state.input_cache import Failure, InputState
from cloudhsm.trail.gap_ledger import Verdict
from emulator.app import App
from emulator.event import IndexedEvent
from emulator.session import Session
from tests.dashboards.conftest import ROOT, View
from tests.dashboards.reading import Raw
from tests.dashboards.shown_views import PanelRow, Shown
from tests.default.trails import CLUSTER, GROUP, HSM, MARCH, OTHER_HSM, handed_over, record, verdict
from tools.content.installed_app import installed_app

_NOW = MARCH + 86_400
_INPUT = InputReporter("aws_cloudhsm://main", "us-east-1", "forwarder")
Scene = Callable[..., Shown]


def _check(shown: Shown, name: str) -> PanelRow:
    (row,) = [row for row in shown.panel("checks") if row["check"] == name]
    return row


def _verdicts(shown: Shown) -> dict[str, str]:
    return {row["check"]: row["verdict"] for row in shown.panel("checks")}


def _heartbeat(
    ago: float, state: InputState | None = None, outcome: RunResult | None = None
) -> Event:
    settled = round((_NOW - ago - 26 * 3600) * 1000)
    well = RunResult(oldest_settled_ms=settled, has_caught_up=True)
    return _INPUT.heartbeat(round((_NOW - ago) * 1000), state or InputState(), outcome or well)


@pytest.fixture
def scene(shipped: App) -> Scene:
    """The view over these events, a day into March."""

    def shown(*events: Event, others: tuple[IndexedEvent, ...] = ()) -> Shown:
        session = Session(shipped, now=_NOW)
        session.index(handed_over(shipped, events))
        session.index(others)
        return Shown("health", session)

    return shown


# --- the sample trail


def test_on_the_sample_trail_two_checks_want_a_look(view: View, trail: list[Raw]) -> None:
    shown = view("health")
    unknown = sum(
        1 for record in trail if record.opcode in ("UNKNOWN_OPCODE", "CN_SAMPLE_UNLISTED_COMMAND")
    )

    looks = {name for name, verdict in _verdicts(shown).items() if verdict == "look"}

    assert looks == {"Operations that no table knows", "Layouts and damage"}
    assert _check(shown, "Operations that no table knows")["found"] == f"{unknown} records"
    assert _check(shown, "Records")["found"] == f"{len(trail)} records in index main"
    assert (shown.value("wrong"), shown.value("to_look_at")) == ("0", "2")
    assert (shown.value("trouble_at"), shown.value("heartbeat")) == ("records", "15")


def test_each_hsm_has_its_last_record_and_an_ended_hsm_shows_it(
    view: View, trail: list[Raw]
) -> None:
    ended = {record.stream for record in trail if record.opcode == "END_MARKER_OPCODE"}
    counts = Counter(record.stream if not record.is_certificate else "" for record in trail)

    rows = view("health").panel("machines")

    for row in rows:
        if row["machine"].startswith("hsm-"):
            assert int(row["records"]) == counts[row["machine"]]
            assert (row["verdict"] == "ended") == (row["machine"] in ended)
    assert {row["machine"] for row in rows} >= {name for name in counts if name}


def test_what_is_not_understood_is_listed_and_opens_its_records(
    view: View, trail: list[Raw]
) -> None:
    unknown = Counter(
        record.opcode
        for record in trail
        if record.opcode in ("UNKNOWN_OPCODE", "CN_SAMPLE_UNLISTED_COMMAND")
    )

    rows = view("health").panel("odd")

    assert {
        row["opcode"]: int(row["records"]) for row in rows if row["why"] == "operation"
    } == unknown
    for row in rows:
        clicked = {name: row[name] for name in ("_opcode", "_response", "record_status")}
        assert len(view("health").records("odd", **clicked)) == int(row["records"])


def test_incoming_events_count_records_and_heartbeats(view: View, trail: list[Raw]) -> None:
    rows = view("health").panel("flow")

    assert sum(int(row.get("records", 0)) for row in rows) == len(trail)
    assert sum(int(row.get("warnings", 0)) for row in rows) == 2
    (row,) = view("health").panel("inputs")
    assert sum(int(row.get("heartbeats", 0)) for row in rows) == len(
        view("health").records("heartbeat")
    )
    assert (row["verdict"], row["minutes_ago"], row["settled_h"]) == ("ok", "15", "26")


def test_every_check_opens_what_it_rests_on(view: View) -> None:
    shown = view("health")
    for row in shown.panel("checks"):
        shown.records("checks", _search=row["_search"])
    unknown = _check(shown, "Operations that no table knows")
    opened = shown.records("checks", _search=unknown["_search"])
    assert f"{len(opened)} records" == unknown["found"]


# --- one failed check at a time


def test_a_healthy_input_is_all_ok(scene: Scene) -> None:
    shown = scene(record(0, _NOW - 3600), _heartbeat(600))

    assert set(_verdicts(shown).values()) == {"ok"}
    assert shown.value("wrong") == shown.value("to_look_at") == "0"
    assert shown.value("trouble_at") == "nothing"


def test_over_nothing_the_first_check_shows_where_to_begin(empty_view: View) -> None:
    shown = empty_view("health")

    rows = shown.panel("checks")

    assert (rows[0]["verdict"], rows[0]["check"]) == ("wrong", "Records")
    assert "cloudhsm_index" in rows[0]["what_to_do"]
    assert _verdicts(shown)["Heartbeat of inputs"] == "wrong"
    assert (shown.value("heartbeat"), shown.value("trouble_at")) == ("none", "everywhere")
    for table in ("inputs", "failures", "machines", "odd"):
        assert shown.advice(table)


_SAYS = Reporter("aws_cloudhsm://main", GROUP)
_OTHERS = f"us-east-1:/aws/cloudhsm/{CLUSTER}:{HSM}"  # as the Splunk Add-on for AWS writes it
_CLOCK = InputState(clock=AwsClock(-200_000))


def _reworded(text: str) -> Event:
    return record(1, _NOW - 60)._replace(text=text)


def _calls(throttled: int) -> InputState:
    state = InputState()
    return replace(state, counters=replace(state.counters, calls=100, throttled=throttled))


def _failed() -> Event:
    error = AccessDenied("no", place=Place(), next_step="add a statement")
    return _INPUT.collection_failed(round((_NOW - 60) * 1000), "discovery", error)


def _resumed() -> Event:
    failure = Failure("AccessDenied", round((_NOW - 60) * 1000), 1, 0)
    return _INPUT.collection_resumed(round((_NOW - 30) * 1000), "discovery", failure)


_LATE = RunResult(oldest_settled_ms=round((_NOW - 40 * 3600) * 1000), has_caught_up=True)
_READING = RunResult(oldest_settled_ms=round((_NOW - 26 * 3600) * 1000), has_caught_up=False)
_GAPS = RunResult(
    oldest_settled_ms=round((_NOW - 26 * 3600) * 1000), has_caught_up=True, pending_gaps=2
)
_ADVISED = RunResult(
    oldest_settled_ms=round((_NOW - 26 * 3600) * 1000),
    has_caught_up=True,
    advisories=["AWS_CA_BUNDLE is set to nothing"],
)

FAULTS: dict[str, tuple[str, str, str, list[Event]]] = {
    "a silent HSM": ("Silent HSMs", "look", "1 without", [record(0, _NOW - 90_000, hsm=OTHER_HSM)]),
    "a blank CA bundle": (
        "Settings of inputs",
        "look",
        "1 need review",
        [_heartbeat(1, None, _ADVISED)],
    ),
    "a wrong clock": ("Clock of the collecting host", "look", "200 s", [_heartbeat(1, _CLOCK)]),
    "an altered record": (
        "What the collector had to alter or doubt",
        "look",
        "1 altered",
        [_SAYS.record_altered(round((_NOW - 60) * 1e6), HSM, "id", "key", "text")],
    ),
    "flawed records": (
        "What the collector had to alter or doubt",
        "look",
        "1 pages flawed",
        [_SAYS.records_flawed(round((_NOW - 60) * 1e6), HSM, ("no_time",), 3, "id")],
    ),
    "a state that was mended": (
        "What the collector had to alter or doubt",
        "look",
        "1 states recovered",
        [_SAYS.remark(round((_NOW - 60) * 1e6), "state_recovered", reason="checksum")],
    ),
    "a foreign stream": (
        "What the collector had to alter or doubt",
        "look",
        "1 unfamiliar",
        [_SAYS.remark(round((_NOW - 60) * 1e6), "unfamiliar_stream", "x")],
    ),
    "an unknown type of user": (
        "Types that no table knows",
        "look",
        "1 records",
        [_reworded(record(1, _NOW - 60).text.replace("CN_CRYPTO_USER (1)", "CN_DANCER (9)"))],
    ),
    "a foreign source type": (
        "Source types",
        "look",
        "1 records as aws:cloudwatchlogs",
        [record(1, _NOW - 60, source=_OTHERS)._replace(sourcetype="aws:cloudwatchlogs")],
    ),
    "a silent input": ("Heartbeat of inputs", "wrong", "silent for 60", [_heartbeat(3600)]),
    "no heartbeat": ("Heartbeat of inputs", "look", "no heartbeat", []),
    "a refusal": ("Collection from AWS", "wrong", "AccessDenied", [_failed()]),
    "throttling": ("Throttling by AWS", "look", "20 of 100", [_heartbeat(60, _calls(20))]),
    "a sweep behind": ("How far everything is read", "look", "40", [_heartbeat(1, None, _LATE)]),
    "history": (
        "How far everything is read",
        "look",
        "still read",
        [_heartbeat(1, None, _READING)],
    ),
    "open gaps": ("Gaps that may still close", "look", "2", [_heartbeat(1, None, _GAPS)]),
    "a cut record": (
        "Layouts and damage",
        "look",
        "1 records",
        [_reworded(record(1, _NOW - 60).text[:150])],
    ),
    "an unknown response": (
        "Responses that no table knows",
        "look",
        "1 records",
        [_reworded(record(1, _NOW - 60).text.replace("0:HSM", "4711:HS"))],
    ),
    "an unknown operation": (
        "Operations that no table knows",
        "look",
        "1 records",
        [_reworded(record(1, _NOW - 60).text.replace("LOGIN", "DANCE"))],
    ),
}


@pytest.mark.parametrize(("name", "verdict", "finding", "events"), FAULTS.values(), ids=FAULTS)
def test_a_failed_check_is_shown(
    scene: Scene, name: str, verdict: str, finding: str, events: list[Event]
) -> None:
    shown = scene(record(0, _NOW - 600), *events)
    row = _check(shown, name)

    assert row["verdict"] == verdict
    assert _verdicts(scene(record(0, _NOW - 600), _heartbeat(60)))[name] == "ok"
    assert shown.value("trouble_at") in {row["place"] for row in shown.panel("checks")}
    assert finding in row["found"]
    assert len(row["what_to_do"]) > 20


def test_a_record_without_a_cluster_wants_a_look(scene: Scene) -> None:
    lost = record(1, _NOW - 60, source="some/file.log")

    shown = scene(record(0, _NOW - 60), lost._replace(host="somewhere"))

    assert _verdicts(shown)["Records without a cluster"] == "look"


@pytest.mark.parametrize(
    ("events", "location"),
    [
        ([_failed(), _heartbeat(60)], "AWS"),
        ([_heartbeat(60)], "AWS"),
        ([record(0, _NOW - 60), _heartbeat(7200)], "collector"),
        ([record(0, _NOW - 60)], "collector"),
        ([record(0, _NOW - 60), _heartbeat(60), _failed()], "AWS"),
        ([record(0, _NOW - 60), _heartbeat(60)], "nothing"),
    ],
)
def test_the_affected_component_is_shown(scene: Scene, events: list[Event], location: str) -> None:
    assert scene(*events).value("trouble_at") == location


def test_a_record_that_took_long_to_the_index_wants_a_look(scene: Scene, shipped: App) -> None:
    (event,) = handed_over(shipped, [record(1, _NOW - 9000)])
    slow, fast = (replace(event, indexed_at=_NOW - at) for at in (600, 8990))

    shown = scene(_heartbeat(60), others=(slow,))

    check = "Way from the HSM to the index"
    assert (_check(shown, check)["verdict"], _check(shown, check)["found"][:11]) == (
        "look",
        "140 minutes",
    )
    assert shown.panel("machines")[0]["delay_minutes"] == "140"
    assert _check(scene(_heartbeat(60), others=(fast,)), check)["verdict"] == "ok"


def test_an_hsm_that_ended_is_not_silent(scene: Scene) -> None:
    end = record(1, _NOW - 90_000, hsm=OTHER_HSM)
    end = end._replace(text=end.text.replace("CN_LOGIN (0xd)", "END_MARKER_OPCODE (0xffff)"))

    shown = scene(record(0, _NOW - 600), end)

    assert _verdicts(shown)["Silent HSMs"] == "ok"
    assert [row["verdict"] for row in shown.panel("machines")] == ["ok", "ended"]


def test_two_hosts_that_run_one_input_are_two_rows_and_the_silent_one_is_wrong(
    scene: Scene,
) -> None:
    moved = replace(_INPUT, host="old-forwarder").heartbeat(
        round((_NOW - 7200) * 1000), InputState(), RunResult(has_caught_up=True)
    )

    rows = scene(record(0, _NOW - 60), _heartbeat(60), moved).panel("inputs")

    assert [(row["host"], row["verdict"]) for row in rows] == [
        ("old-forwarder", "wrong"),
        ("forwarder", "ok"),
    ]


def test_what_works_again_is_no_failed_check(scene: Scene) -> None:
    shown = scene(record(0, _NOW - 60), _heartbeat(1), _failed(), _resumed())

    assert _verdicts(shown)["Collection from AWS"] == "ok"
    (row,) = shown.panel("failures")
    assert (row["state"], row["times"]) == ("works again", "1")


def test_what_fails_has_its_next_step(scene: Scene) -> None:
    (row,) = scene(_failed()).panel("failures")

    assert (row["state"], row["error"], row["next_step"]) == (
        "fails",
        "AccessDenied",
        "add a statement",
    )


def test_words_of_the_collector_about_gaps_are_warnings(scene: Scene) -> None:
    shown = scene(verdict(5, 7, Verdict.PENDING, _NOW - 3600))

    assert sum(int(row.get("warnings", 0)) for row in shown.panel("flow")) == 1


def test_records_that_no_rule_of_ours_reads_are_wrong(scene: Scene) -> None:
    """As on a search head without this add-on's rules: the source type only."""
    foreign = IndexedEvent("text", (_NOW - 60) * 1_000_000, "h", "s", "aws:cloudhsm:audit", "main")

    shown = scene(record(0, _NOW - 60), others=(foreign,))

    assert _check(shown, "Records without a cluster")["found"] == "1 records"
    assert _verdicts(shown)["Layouts and damage"] == "look"


def test_rules_and_lookups_that_are_not_there_are_wrong(tmp_path: Path) -> None:
    """A search head with an old or damaged package: no lookups run, and the tables are empty."""
    shutil.copytree(ROOT / "default", tmp_path / "default")
    shutil.copytree(ROOT / "metadata", tmp_path / "metadata")
    shutil.copytree(ROOT / "lookups", tmp_path / "lookups")
    props = tmp_path / "default" / "props.conf"
    kept = [line for line in props.read_text().splitlines() if not line.startswith("LOOKUP-")]
    props.write_text("\n".join(kept))
    for name in ("cloudhsm_opcodes.csv", "cloudhsm_responses.csv"):
        path = tmp_path / "lookups" / name
        path.write_text(path.read_text().splitlines()[0] + "\n")
    damaged = installed_app(tmp_path)
    session = Session(damaged, now=_NOW)
    session.index(handed_over(damaged, [record(0, _NOW - 60)]))

    verdicts = _verdicts(Shown("health", session))

    assert verdicts["Search-time rules"] == "wrong"
    assert verdicts["Generated lookups"] == "wrong"

"""What the build says of a detection that is wrong: file, line, and what to do."""

from __future__ import annotations

import re
import shutil

import pytest

from tests.tools.content.detections.conftest import Build, Told

BASE = "(`cloudhsm_operation(CN_CREATE_CO)` OR `cloudhsm_operation(CN_LOGIN)`)"
# What is spoilt, and what `make generate` says: the line in the file, a part of the message.
BEFORE_IT_RUNS = {
    "a misspelt key": ("severity: high", "severty: high", r"severty: is no key of a detection"),
    "a missing key": ("severity: high\n", "", r"severity: is missing"),
    "a wrong word": ("severity: high", "severity: urgent", r"severity: .*'informational', 'low'"),
    "a key given twice": ("severity: high", "severity: high\nseverity: low", "severity is given"),
    "a broken YAML": ("severity: high", "severity: [high", "is not YAML"),
    "a wrong technique": ("T1136,", "T113,", "attack.0: String should match"),
    "an unknown technique": ("T1136,", "T1562.008,", "T1562.008 is not in mappings/attack.yaml"),
    "no sample that fires": ("fires:", "fires: []\nfurther:", "fires: List should have at least 1"),
    "an unknown command": ("| `cloudhsm_acts(user)`", "| statz count", "'statz'"),
    "an unknown macro": ("`cloudhsm_acts(user)`", "`cloudhsm_act(user)`", "cloudhsm_act"),
    "an open bracket": ("`cloudhsm_acts(user)`", "where (a=1", "search: "),
    "an open quote": ("`cloudhsm_acts(user)`", 'where a="1', "search: "),
    "a join": ("| `cloudhsm_acts", "| join user [search index=a] | `cloudhsm_acts", "join"),
    "an unbounded sort": ("| `cloudhsm_acts", "| sort _time | `cloudhsm_acts", "sort 0"),
    "a leading wildcard": ("NOT outcome=failure", "user=*min", "leading wildcard"),
    "no word to search for": (f"{BASE} ", "", "reads every record"),
    "no index macro": (
        f"`cloudhsm_audit` {BASE}",
        f"index=hsm {BASE}",
        "must begin with the index macro",
    ),
    "an unsafe drilldown": ("cluster($cluster_id$)", "cluster($user$)", r"\$user\$ may hold text"),
    "a slice that is too short": (
        "{every: 5m, events: 31d}",
        "{every: 1h, indexed: 5m}",
        "shorter than every",
    ),
    "the time at which a run happens to start": (
        "| `cloudhsm_acts(user)`",
        "| where _time<now() | `cloudhsm_acts(user)`",
        "a run may start late",
    ),
    "a period of throttling within the slice": (
        "{every: 5m, events: 31d}",
        "{every: 5m, indexed: 2h}",
        "not longer than the slice",
    ),
    "an unused threshold": (
        "severity: high",
        "thresholds:\n  number: {value: 1, meaning: So many.}\nseverity: high",
        "the search does not use `cloudhsm_crypto_officer_created_number`",
    ),
    "a number without a reason": (
        "quiet_month: {alerts: 0",
        "quiet_month: {alerts: 3, because: null} #",
        "state which of them are right",
    ),
    "a title that lists would cut": (
        "name: Crypto officer created",
        f"name: Crypto officer created {'x' * 40}",
        "name: has 63 characters: a title has at most 60",
    ),
    "two names": ("name: Crypto officer created", "name: Officer made", "called officer_made.yml"),
}
# What only running shows.
WHEN_IT_RUNS = {
    "a misspelt field in the message": (
        "$user$ was created",
        "$usr$ was created",
        "risk.message: the results have no field usr",
    ),
    "an actor that is not there": (
        "actor: actor",
        "actor: caller",
        "risk: no alert on a sample has the field caller",
    ),
    "a throttling field that is not there": (
        "by: [cluster_id, user]",
        "by: [cluster_id, usr]",
        "throttle.by: the results have no field usr",
    ),
    "a sample that does not fire": (
        "opcode: CN_CREATE_CO, hsm: all, target: mallory",
        "opcode: CN_CREATE_USER, hsm: all, target: mallory",
        r"fires.0 \(older records\): 0 alerts instead of 1",
    ),
    "a sample that fires": (
        "response: quorum_missing",
        "response: success",
        r"silent.0 \(older records\): 1 alerts instead of 0: .*user=mallory",
    ),
    "another row": ("hsms: 3", "hsms: 2", r"alert 1: hsms is \['3'\], not \['2'\]"),
    "a misspelt key of a record": ("target: mallory", "targt: mallory", "targt is no key of a rec"),
    "an unknown response": ("quorum_missing", "quorum", "'quorum' is not known; is it quorum_miss"),
    "a drilldown that finds nothing": (
        "CN_SET_M_VALUE)`) | `cloudhsm_of",
        "CN_SET_M_VALUE)`) opcode=CN_NONE | `cloudhsm_of",
        "drilldown.search: finds nothing",
    ),
}


@pytest.mark.parametrize("fault", BEFORE_IT_RUNS)
def test_a_fault_stops_the_build_at_its_place(build: Build, told: Told, fault: str) -> None:
    old, new, message = BEFORE_IT_RUNS[fault]
    build.change(old, new)
    assert build.generate() == 2
    said = told()
    assert re.match(r"detections/crypto_officer_created\.yml:\d+: ", said), said
    assert re.search(message, said), said


@pytest.mark.parametrize("fault", WHEN_IT_RUNS)
def test_a_fault_of_what_it_finds_is_told_at_its_sample(
    build: Build, told: Told, fault: str
) -> None:
    old, new, message = WHEN_IT_RUNS[fault]
    build.change(old, new)
    assert build.generate() == 0
    assert build.review() == 1
    said = told()
    line = said.partition("crypto_officer_created.yml:")[2].partition(":")[0]
    text = build.path.read_text(encoding="utf-8").split("\n")
    assert "because" in text[int(line) - 1] or text[int(line) - 1] == "risk:"
    assert re.search(message, said), said


def test_a_whole_detection_passes(build: Build, capsys: pytest.CaptureFixture[str]) -> None:
    assert build.review() == 0
    assert "1 detections, 4 samples, 0 faults" in capsys.readouterr().out


def test_an_id_that_two_detections_have_is_told_with_the_other_file(
    build: Build, told: Told
) -> None:
    other = build.path.with_name("user_deleted.yml")
    shutil.copy(build.path, other)
    other.write_text(other.read_text().replace("Crypto officer created", "User deleted", 1))
    assert build.generate() == 2
    assert "user_deleted.yml:2: id: crypto_officer_created.yml has it" in told()


def test_a_name_that_another_detection_had_is_refused(build: Build, told: Told) -> None:
    other = build.path.with_name("user_deleted.yml")
    text = build.path.read_text().replace("27aad2aa", "27aad2ab", 1)
    former = "name: User deleted\nformerly: [Crypto officer created]"
    other.write_text(text.replace("name: Crypto officer created", former, 1))
    assert build.generate() == 2
    assert "formerly: crypto_officer_created.yml has or had the name Crypto officer" in told()


def test_another_file_among_the_detections_is_refused(build: Build, told: Told) -> None:
    (build.path.parent / "notes.txt").write_text("x")
    assert build.generate() == 2
    assert "notes.txt:1: detections/ contains detections: NAME.yml, no others" in told()

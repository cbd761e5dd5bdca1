"""A small soak passes, and its oracle tells every way to break the collector's promise."""

from __future__ import annotations

import re

import pytest

from tests.bin.fakes import audit_text
from tests.fake_aws.trails import Missing
from tools.proof import kill_loop
from tools.proof.kill_loop import ProcessRun, Record, Verdict

HSM = "hsm-nwbbiqbj4jk"
PAGE = 3


def record(sequence: int, user: str = "admin") -> Record:
    text = audit_text(sequence, 1_790_000_000_000_000 + sequence, user=user)
    return Record(HSM, text)


def said(first: int, last: int, verdict: str) -> Verdict:
    return Verdict(HSM, 0xE8, first, last, verdict)


# Numbers 4 and 5 are lost at the source; the first process was killed in the second page.
PUT = [record(number) for number in (0, 1, 2, 3, 6, 7)]
LOST = [Missing(HSM, 0xE8, 4), Missing(HSM, 0xE8, 5)]
FIRST = ProcessRun("kill", PUT[:5], [said(4, 5, "pending")])
SECOND = ProcessRun("whole", PUT[3:], [said(4, 5, "absent_at_source")])


def test_a_small_soak_holds(capsys: pytest.CaptureFixture[str]) -> None:
    status = kill_loop.main(["--kills", "3", "--seed", "1", "--records", "300"])
    printed = capsys.readouterr().out
    assert status == 0, printed
    figures = dict(re.findall(r"(\w+)=(\S+)", printed))
    assert figures["kills"] == "3"
    assert int(figures["records"]) > 280
    assert int(figures["numbers_absent_at_source"]) > 0


def test_an_unknown_fault_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        kill_loop.main(["--faults", "L99"])
    assert "no fault is named 'L99'" in capsys.readouterr().err


def test_a_broken_promise_fails_and_names_the_seed(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def lossy(options: kill_loop.LoopOptions, *_: object) -> object:
        source = type("Source", (), {"fresh": 0})()
        fields = {"options": options, "source": source, "problems": [], "slowest_term_s": 0.0}
        return type("Soak", (), {**fields, "put": PUT, "lost": LOST, "runs": [FIRST]})()

    monkeypatch.setattr(kill_loop, "_run_loop", lossy)
    assert kill_loop.main(["--seed", "11"]) == 1
    assert f"soak failed (seed 11): 1 lost: {PUT[-1].key}" in capsys.readouterr().out


def test_a_page_repeated_after_a_kill_and_a_judged_gap_are_no_problem() -> None:
    assert kill_loop.judge(PUT, LOST, [FIRST, SECOND], PAGE) == []
    assert kill_loop.repeats_of([FIRST, SECOND]) == [0, 2]


def test_an_event_cut_in_its_middle_does_not_count() -> None:
    event = "<event><data>{}</data><host>h</host><sourcetype>aws:cloudhsm:audit</sourcetype>"
    printed = "<stream>" + event.format("&lt;/event&gt;") + "</event>\n" + event.format("cut")
    assert kill_loop.run_of("kill", printed.encode()).records == [Record("h", "</event>")]
    assert kill_loop.run_of("kill", b"<stream><event><da").records == []
    assert kill_loop.run_of("kill", b"").records == []


NOT_PUT = Record(HSM, audit_text(8, 1_790_000_000_000_008))


@pytest.mark.parametrize(
    ("lives", "says"),
    [
        ([FIRST, ProcessRun("whole", PUT[5:6], [])], "lost at the source, but the last verdict"),
        ([FIRST, SECOND._replace(records=PUT[3:5])], "1 lost: hsm-nwbbiqbj4jk|0xe8|0x7|"),
        ([FIRST, SECOND._replace(records=[*PUT[3:], NOT_PUT])], "0x8|1790000000000008"),
        ([FIRST, SECOND._replace(records=[*PUT[4:], record(3, "eve")])], "but not like that"),
        (
            [FIRST, SECOND._replace(records=[*PUT[3:], PUT[5]._replace(stream="hsm-2")])],
            "delivered, but not like that at the source: hsm-2|",
        ),
        ([FIRST, SECOND._replace(records=PUT[1:])], "4 repeats by the end of process 2"),
        ([FIRST._replace(ending="term"), SECOND], "2 repeats by the end of process 2"),
        ([FIRST._replace(records=[*PUT[:5], PUT[0]]), SECOND], "1 repeats by the end of process 1"),
        (
            [FIRST, SECOND, ProcessRun("whole", [], [said(3, 3, "absent_at_source")])],
            "1 reported as absent, but present at the source",
        ),
        (
            [FIRST, SECOND, ProcessRun("whole", [], [said(9, 10, "absent_at_source")])],
            "2 reported as absent, but given by no HSM",
        ),
        (
            [FIRST, SECOND, ProcessRun("whole", [], [said(5, 5, "recovered")])],
            "1 lost at the source, but the last verdict is not absent_at_source",
        ),
    ],
)
def test_the_oracle_tells_what_does_not_hold(lives: list[ProcessRun], says: str) -> None:
    problems = kill_loop.judge(PUT, LOST, lives, PAGE)
    assert len(problems) == 1, problems
    assert says in problems[0]


def test_a_verdict_that_was_taken_back_is_forgiven() -> None:
    wrong = FIRST._replace(verdicts=[said(3, 5, "absent_at_source")])
    right = SECOND._replace(verdicts=[said(3, 3, "recovered_late"), *SECOND.verdicts])
    assert kill_loop.judge(PUT, LOST, [wrong, right], PAGE) == []


def test_numbers_lost_behind_the_last_record_leave_no_trace() -> None:
    assert kill_loop.judge(PUT, [*LOST, Missing(HSM, 0xE8, 8)], [FIRST, SECOND], PAGE) == []

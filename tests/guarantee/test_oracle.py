"""The oracle notices what it is there for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from tests.bin.fakes import NOW_MS, audit_text
from tests.fake_aws.trails import Missing
from tests.guarantee.oracle import Oracle, Written

HSM = "hsm-2"
HOUR_MS = 3_600_000


def written(number: int, late_ms: int = 0) -> Written:
    return Written(HSM, NOW_MS + number, audit_text(number, NOW_MS * 1000), NOW_MS + late_ms)


def delivered(one: Written) -> dict[str, str]:
    return {
        "time": f"{NOW_MS // 1000}.000000",
        "data": one.text,
        "host": one.stream,
        "source": f"111122223333:us-east-1:/aws/cloudhsm/cluster-2:{one.stream}",
        "sourcetype": "aws:cloudhsm:audit",
    }


def verdict(first: int, last: int, said: str) -> dict[str, Any]:
    return {
        "log_stream": HSM,
        "reboot_counter": "0xe8",
        "first_sequence": first,
        "last_sequence": last,
        "verdict": said,
    }


def kept() -> Oracle:
    """Numbers 0, 1 and 3 were written and delivered, 2 was lost and called absent."""
    oracle = Oracle(start_ms=NOW_MS - HOUR_MS, limit_ms=HOUR_MS)
    oracle.written = [written(number) for number in (0, 1, 3)]
    oracle.delivered = [*map(delivered, oracle.written)]
    oracle.lost = [Missing(HSM, 0xE8, 2)]
    oracle.told = [verdict(2, 2, "pending"), verdict(2, 2, "absent_at_source")]
    return oracle


def test_a_kept_guarantee_has_no_complaints() -> None:
    assert kept().complaints() == []
    assert kept().gaps() == (1, 1)


Harm = Callable[[Oracle], object]
HARMS: dict[str, Harm] = {
    "not delivered": lambda oracle: oracle.delivered.pop(0),
    "repeated": lambda oracle: oracle.delivered.append(oracle.delivered[0]),
    "invented": lambda oracle: oracle.delivered[0].update(data=oracle.written[0].text + " "),
    "wrong time, host or sourcetype": lambda oracle: oracle.delivered[0].update(host="hsm-3"),
    "never judged": lambda oracle: oracle.told.pop(),
    "was said to be None": lambda oracle: oracle.told.clear(),
    "was said to be recovered": lambda oracle: oracle.told.append(verdict(2, 2, "recovered")),
    "called absent_at_source": lambda oracle: oracle.told.append(verdict(0, 0, "absent_at_source")),
}


@pytest.mark.parametrize("complaint", HARMS)
def test_every_breach_is_told(complaint: str) -> None:
    oracle = kept()
    HARMS[complaint](oracle)
    assert any(complaint in one for one in oracle.complaints())


def test_what_a_crash_explains_may_be_repeated_so_often_and_no_more() -> None:
    oracle = kept()
    oracle.excused = Counter({oracle.written[0].key: 1})
    oracle.delivered.append(oracle.delivered[0])
    assert oracle.complaints() == []
    oracle.delivered.append(oracle.delivered[0])
    assert len(oracle.complaints()) == 1


def test_a_copy_under_another_event_id_is_a_record_of_its_own() -> None:
    oracle = kept()
    oracle.written.append(oracle.written[0])
    assert any("not delivered" in one for one in oracle.complaints())
    oracle.delivered.append(oracle.delivered[0])
    assert oracle.complaints() == []


def test_what_is_later_than_the_horizon_or_before_the_start_is_not_promised() -> None:
    oracle = kept()
    oracle.written.append(written(9, late_ms=2 * HOUR_MS))
    oracle.written.append(written(8)._replace(stream="hsm-3", at_ms=NOW_MS - 2 * HOUR_MS))
    assert oracle.complaints() == []


def test_missing_first_numbers_may_be_older_than_the_start() -> None:
    oracle = kept()
    oracle.delivered.pop(0)
    before_ms = NOW_MS - 2 * HOUR_MS
    oracle.written[0] = oracle.written[0]._replace(at_ms=before_ms, visible_ms=before_ms)
    oracle.told.append(verdict(0, 0, "before_start"))
    assert oracle.complaints() == []
    oracle.told.append(verdict(0, 0, "absent_at_source"))
    assert len(oracle.complaints()) == 1

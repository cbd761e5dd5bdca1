from __future__ import annotations

import pytest

from emulator.event import IndexedEvent


@pytest.mark.parametrize(
    ("usecs", "text"),
    [(1_513_717_277_140_812, "1513717277.140812"), (5_000_000, "5"), (1, "0.000001")],
)
def test_time_is_seconds_as_text_with_six_decimals_or_none(usecs: int, text: str) -> None:
    """Assumption 33."""
    fields = IndexedEvent("r", usecs, "h", "s", "t", "i").fields()

    assert fields == {
        "_raw": "r", "_time": text, "host": "h", "source": "s", "sourcetype": "t", "index": "i",
    }  # fmt: skip


def test_the_index_time_is_in_seconds_where_it_is_known() -> None:
    event = IndexedEvent("r", 1, "h", "s", "t", "i", indexed_at=1_513_717_300.6)

    assert event.fields()["_indextime"] == "1513717301"

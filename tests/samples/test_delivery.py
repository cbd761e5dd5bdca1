from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from samples.delivery import Delivery
from samples.details import Provenance
from samples.hsm import Written
from samples.rng import Rng
from samples.trail import Shape, TrailEvent

SHAPE = Shape("older", "CN_LOGIN", "", Provenance.PUBLISHED)


@given(st.integers(), st.lists(st.tuples(st.integers(0, 300), st.sampled_from("abc")), max_size=60))
def test_messages_come_out_sorted_late_and_in_the_order_of_their_stream(
    seed: int, pauses: list[tuple[int, str]]
) -> None:
    delivery, now = Delivery(Rng(seed)), 1_000
    out: list[tuple[TrailEvent, Shape, int | None]] = []
    written_at: dict[str, int] = {}
    for number, (pause, stream) in enumerate(pauses):
        now += pause
        out += delivery.release(now)
        written_at[str(number)] = now
        delivery.accept(Written(str(number), SHAPE), "group", stream, now)
    out += delivery.release(now + 10_000)

    assert sorted(written_at, key=int) == sorted((event.message for event, _, _ in out), key=int)
    assert [e.timestamp_ms for e, _, _ in out] == sorted(e.timestamp_ms for e, _, _ in out)
    assert all(e.timestamp_ms > written_at[e.message] for e, _, _ in out)
    for stream in "abc":
        numbers = [int(event.message) for event, _, _ in out if event.log_stream == stream]
        assert numbers == sorted(numbers)


def test_streams_get_out_of_step() -> None:
    delivery = Delivery(Rng(7))
    for number in range(100):
        delivery.accept(Written(str(number), SHAPE), "group", "ab"[number % 2], number * 20)
    numbers = [int(event.message) for event, _, _ in delivery.release(100_000)]
    assert numbers != sorted(numbers)

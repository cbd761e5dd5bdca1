from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import closing
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloudhsm.aws.log_source import Page
from cloudhsm.collect.read_ahead import Read, Reading, concurrent, reader_for, sequential
from tests.bin.fakes import event


def pages(count: int, first: int = 0) -> list[Page]:
    return [Page.of([event(n, n)]) for n in range(first, first + count)]


def never() -> bool:
    return False


def reading(what: list[Page]) -> Reading:
    return partial(iter, what)


@pytest.mark.parametrize("read", [sequential, concurrent])
@given(counts=st.lists(st.integers(0, 5), max_size=5))
def test_every_page_of_every_window_arrives_in_its_order_and_then_its_end(
    read: Read, counts: list[int]
) -> None:
    windows = [pages(count, first=10 * n) for n, count in enumerate(counts)]
    arrived: list[list[Page | None]] = [[] for _ in windows]
    for number, page in read([reading(window) for window in windows], never):
        arrived[number].append(page)
    assert arrived == [[*window, None] for window in windows]


def test_while_a_page_is_handed_over_the_next_one_is_fetched_and_no_more() -> None:
    fetched: list[int] = []
    second = threading.Event()

    def watched() -> Iterator[Page]:
        for number, page in enumerate(pages(5)):
            fetched.append(number)
            if number == 1:
                second.set()
            yield page

    with closing(concurrent([watched], never)) as arrivals:
        next(arrivals)
        assert second.wait(5)
        threading.Event().wait(0.05)
        assert fetched == [0, 1]


@pytest.mark.parametrize(("at_once", "is_alone"), [(1, True), (2, False), (8, False)])
def test_a_single_window_is_read_without_a_thread(at_once: int, *, is_alone: bool) -> None:
    fetching: list[threading.Thread] = []

    def watched() -> Iterator[Page]:
        for page in pages(5):
            fetching.append(threading.current_thread())
            yield page

    assert [page for _, page in reader_for(at_once)([watched], never)] == [*pages(5), None]
    assert len({*fetching}) == 1
    assert (fetching[0] is threading.current_thread()) is is_alone


def test_what_a_reading_raises_is_raised_where_the_pages_are_awaited() -> None:
    def failing() -> Iterator[Page]:
        yield pages(1)[0]
        raise LookupError("gone")

    arrivals = concurrent([failing], never)
    assert next(arrivals) == (0, pages(1)[0])
    with pytest.raises(LookupError, match="gone"):
        next(arrivals)


def test_an_answer_that_never_comes_keeps_no_window_and_no_process() -> None:
    answered = threading.Event()

    def stuck() -> Iterator[Page]:
        answered.wait()
        yield from ()

    arrivals = concurrent([stuck, reading(pages(2))], never)
    assert [next(arrivals)[1] for _ in range(2)] == pages(2)
    arrivals.close()
    assert all(one.daemon for one in threading.enumerate() if one is not threading.main_thread())
    answered.set()


def test_closing_lets_the_threads_end() -> None:
    before = threading.active_count()
    arrivals = concurrent([reading(pages(9)) for _ in range(4)], never)
    next(arrivals)
    arrivals.close()
    for _ in range(200):
        if threading.active_count() <= before:
            break
        threading.Event().wait(0.01)
    assert threading.active_count() <= before


@pytest.mark.parametrize("read", [sequential, concurrent])
def test_once_it_is_over_nothing_is_fetched_that_was_not_under_way(read: Read) -> None:
    fetched: list[int] = []

    def watched() -> Iterator[Page]:
        for number, page in enumerate(pages(5)):
            fetched.append(number)
            yield page

    over = iter([False, True, True, True])
    arrived = [page for _, page in read([watched], lambda: next(over))]
    assert len(arrived) == len(fetched) == 2

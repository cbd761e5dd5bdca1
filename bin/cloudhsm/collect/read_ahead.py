"""Pages of several windows in flight: a thread each fetches, one thread hands over.

While a page is handed over and the state saved, the next one of each window is under way. A thread
holds one page at most, so memory stays bounded by the number of windows. Whoever wants a single
window gets no thread: fetching and handing over then take turns.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Generator, Iterator, Sequence

from cloudhsm.aws.log_source import Page

Reading = Callable[[], Iterator[Page]]
# Which window, and its next page; None at its end.
Arrival = tuple[int, "Page | None"]
Arrivals = Generator[Arrival, None, None]
# Readings, and whether to fetch no more.
Read = Callable[[Sequence[Reading], Callable[[], bool]], Arrivals]


def sequential(readings: Sequence[Reading], is_over: Callable[[], bool]) -> Arrivals:
    """The windows one after the other, without threads, until it is over; one page at least."""
    for number, reading in enumerate(readings):
        for page in reading():
            yield number, page
            if is_over():
                return
        yield number, None


def reader_for(windows: int) -> Read:
    """How to read where so many windows may be in flight.

    A page that one thread fetches and another hands over moves from one processor's cache to
    another's: that costs a tenth of the processor time, on a busy machine a quarter, and is worth
    it only where there is AWS's latency to be hidden.
    """
    return sequential if windows == 1 else concurrent


def concurrent(readings: Sequence[Reading], is_over: Callable[[], bool]) -> Arrivals:
    """The pages of all windows as they arrive; in order within each window.

    Once it is over nothing more is fetched, but what is in flight still arrives: it was asked for
    at the cost of calls. What a reading raises is raised here. Closing abandons what is in flight.
    """
    arrivals: queue.SimpleQueue[Arrival | BaseException] = queue.SimpleQueue()
    turns = [threading.Semaphore(1) for _ in readings]
    abandoned = threading.Event()
    for number, reading in enumerate(readings):
        threading.Thread(
            target=_fetch,
            args=(number, reading, turns[number], abandoned, arrivals),
            daemon=True,  # an answer that never comes must not keep the process
        ).start()
    in_flight = len(readings)
    try:
        while in_flight:
            arrival = arrivals.get()
            if isinstance(arrival, BaseException):
                raise arrival
            number, page = arrival
            if page is None or is_over():
                in_flight -= 1
            else:
                turns[number].release()
            yield arrival
            del arrival, page  # else this frame keeps a page alive while it waits for the next
    finally:
        abandoned.set()
        for turn in turns:
            turn.release()


def _fetch(
    number: int,
    reading: Reading,
    turn: threading.Semaphore,
    abandoned: threading.Event,
    arrivals: queue.SimpleQueue[Arrival | BaseException],
) -> None:
    try:
        pages = reading()
        while turn.acquire() and not abandoned.is_set():
            page = next(pages, None)
            arrivals.put((number, page))
            if page is None:
                return
            del page
    except BaseException as error:  # noqa: BLE001  (raised again where the pages are awaited)
        arrivals.put(error)

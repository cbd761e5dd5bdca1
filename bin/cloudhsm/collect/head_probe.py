"""Whether the first numbers of a log stream are older than `start_time`, or nowhere."""

from __future__ import annotations

from contextlib import closing
from functools import partial

from cloudhsm.collect.open_group import OpenGroup
from cloudhsm.collect.window_reader import WindowReader
from cloudhsm.trail.gap_ledger import Gap


class HeadProbe:
    """Looks for records before `start_time`, further back each time."""

    def __init__(self, group: OpenGroup, reader: WindowReader) -> None:
        self._group = group
        self._reader = reader

    def probe(self, now_ms: int) -> None:
        """Look before the head of every stream that needs it, then judge its gaps."""
        unprobed, is_over = self._reader.review(now_ms).unprobed(), self._group.run.is_over
        try:
            for number, (stream, gap) in enumerate(unprobed):
                if not self._look_back(stream, gap) and number == 0:
                    # Too far for all of this group's time: half as far next time.
                    gap.probe_ms = max(1, gap.probe_ms // 2)
                while gap.held_before is None and not is_over():
                    self._look_back(stream, gap)
                if is_over():
                    break
        finally:  # nothing is in flight, and what was looked at needs no second look
            self._group.save_position()
        if unprobed:
            self._reader.judge(now_ms)

    def _look_back(self, stream: str, gap: Gap) -> bool:
        """Look one step back: first a day, since most streams are busy, then twice as far.

        False where there was not time enough for it.
        """
        run, state = self._group.run, self._group.state
        before_ms = state.progress.start_ms if gap.probed_ms is None else gap.probed_ms
        start_ms = max(0, before_ms - gap.probe_ms)
        reading = partial(run.logs.read, state.group, start_ms, before_ms - 1, stream)
        has_records, is_done = False, False
        with closing(run.read([reading], run.is_over)) as arrivals:
            while not (has_records or is_done) and (arrival := self._reader.next_page(arrivals)):
                page = arrival[1]
                has_records, is_done = bool(page), page is None or page.is_last
        self._group.has_moved = True
        if has_records or (is_done and start_ms == 0):
            gap.held_before = has_records
        elif is_done:
            gap.probed_ms, gap.probe_ms = start_ms, gap.probe_ms * 2
        return has_records or is_done

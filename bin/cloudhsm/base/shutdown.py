"""Ending a run early and in order: Splunk sends SIGTERM when it stops or disables an input."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class StopRequested(BaseException):
    """Raised where waiting for the network would keep a stop waiting; not an Exception, so that
    no library takes it for a failure of its own."""


class Stop:
    """Whether this run was asked to end.

    While events or state are being written, a request is only noted; while an answer of AWS is
    awaited, it interrupts, since nothing is in flight then.
    """

    def __init__(self) -> None:
        self.requested = False
        self._interruptible = False

    def listen(self) -> None:
        """Take SIGTERM (and Ctrl-C in a terminal) as the request."""
        signal.signal(signal.SIGTERM, self._on_signal)
        signal.signal(signal.SIGINT, self._on_signal)
        if hasattr(signal, "SIGBREAK"):  # Windows
            signal.signal(signal.SIGBREAK, self._on_signal)

    @contextmanager
    def interruptible(self) -> Iterator[None]:
        """Raise StopRequested inside this block as soon as a stop is requested."""
        try:
            self._interruptible = True
            if self.requested:
                raise StopRequested
            yield
        finally:
            self._interruptible = False

    def _on_signal(self, _number: int, _frame: FrameType | None) -> None:
        self.requested = True
        if self._interruptible:
            raise StopRequested

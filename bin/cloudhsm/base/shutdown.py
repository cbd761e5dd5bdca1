"""Ending a run early and in order: Splunk sends SIGTERM when it stops or disables an input.

A run also ends its calls to AWS at a deadline, whatever an endpoint does.
"""

from __future__ import annotations

import os
import signal
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

# How long splunkd may take to read what is in its pipe, once it asked for the end. It waits longer
# than this in all before it kills.
GRACE_S = 3.0
# A process that has not ended so long after it was asked to is stuck, as in a name server that does
# not respond, or in a fault of its own. It ends as if it were killed, which loses nothing.
FORCED_S = 4.5
# What asks for the end; SIGBREAK on Windows only.
_REQUESTS = {signal.SIGTERM, signal.SIGINT, getattr(signal, "SIGBREAK", signal.SIGTERM)}


class StopRequested(BaseException):
    """Raised where waiting would delay a stop; not an Exception, so that no library takes it for a
    failure of its own."""


class NetworkTimeOver(StopRequested):
    """The deadline for calls to AWS has passed; the run goes on without any."""


class Stop:
    """Whether this run was asked to end, and until when it may call AWS.

    While state is written to disk, a request is only noted. It interrupts calls to AWS at once,
    since nothing is in flight then, and waiting for splunkd after GRACE_S.
    """

    def __init__(self) -> None:
        self.requested = False
        self._interruptible = False
        self._patient = False
        self._network_end = float("inf")
        self._grace_end = float("inf")
        self._sockets: tuple[socket.socket, ...] = ()

    def listen(self) -> None:
        """Take SIGTERM (and Ctrl-C in a terminal) as the request."""
        for request in _REQUESTS:
            signal.signal(request, self._on_signal)
        if hasattr(signal, "SIGALRM"):
            signal.signal(signal.SIGALRM, self._on_alarm)

    def enforce(self) -> None:
        """Let this process end FORCED_S after a request, whatever it does by then.

        A thread waits for the signal itself: its handler runs in the main thread only, and there
        only once a call into the system returns.
        """
        wakes, signals = socket.socketpair()
        signals.setblocking(False)
        signal.set_wakeup_fd(signals.fileno(), warn_on_full_buffer=False)
        self._sockets = (wakes, signals)  # which would be closed otherwise
        threading.Thread(target=_end_when_asked, args=(wakes,), daemon=True).start()

    def end_network_in(self, seconds: float) -> None:
        """Let no call to AWS take longer than this from now on, in all."""
        self._network_end = time.monotonic() + seconds
        self._set_alarm()

    @property
    def is_network_over(self) -> bool:
        """Whether no call to AWS may be made any more."""
        return time.monotonic() >= self._network_end

    @contextmanager
    def interruptible(self) -> Iterator[None]:
        """Raise StopRequested inside this block as soon as a stop is requested, NetworkTimeOver as
        soon as the time for calls to AWS is over."""
        try:
            self._interruptible = True
            self._raise_if_over()
            yield
        finally:
            self._interruptible = False

    @contextmanager
    def patient(self) -> Iterator[None]:
        """Raise StopRequested inside this block GRACE_S after a stop was requested."""
        try:
            self._patient = True
            if self.requested:
                self._begin_grace()
            yield
        finally:
            self._patient = False

    @contextmanager
    def reader_wait(self) -> Iterator[None]:
        """As `patient`, while splunkd reads the pipe: not counted as time for calls to AWS."""
        begun = time.monotonic()
        try:
            with self.patient():
                yield
        finally:
            self._network_end += time.monotonic() - begun

    def _on_signal(self, _number: int, _frame: FrameType | None) -> None:
        self.requested = True
        if self._interruptible:
            raise StopRequested
        if self._patient:
            self._begin_grace()

    def _on_alarm(self, _number: int, _frame: FrameType | None) -> None:
        self._set_alarm()
        if self._interruptible:
            self._raise_if_over()
        if self._patient and time.monotonic() >= self._grace_end:
            raise StopRequested

    def _raise_if_over(self) -> None:
        if self.requested:
            raise StopRequested
        if self.is_network_over:
            raise NetworkTimeOver

    def _begin_grace(self) -> None:
        if self._grace_end == float("inf"):
            self._grace_end = time.monotonic() + GRACE_S
        self._set_alarm()

    def _set_alarm(self) -> None:
        """Wake this thread when the next limit has passed; Windows has no such timer."""
        now = time.monotonic()
        ends = [end for end in (self._network_end, self._grace_end) if end != float("inf")]
        # What has passed is asked for again soon: an alarm can come just before its block begins.
        waits = [max(end - now, 0.1) for end in ends]
        if waits and hasattr(signal, "setitimer"):
            signal.setitimer(signal.ITIMER_REAL, min(waits))


def _end_when_asked(wakes: socket.socket) -> None:
    while _REQUESTS.isdisjoint(wakes.recv(1)):
        pass
    time.sleep(FORCED_S)
    os.write(2, b"WARNING what=stop_forced: the process did not end in time; nothing is lost\n")
    os._exit(0)

"""splunkd's pipe: what was written to it counts as delivered once splunkd has read it.

The kernel takes up to 64 KiB before a reader takes anything. If splunkd ends before it reads them,
they are gone, so nothing may be remembered of them. Sources: pipe(7), tty_ioctl(4) for FIONREAD,
poll(2) for POLLERR; FlushFileBuffers of Windows, which is not tested.
"""

from __future__ import annotations

import errno
import os
import stat
import sys
import time
from typing import Any

from cloudhsm.base.shutdown import Stop

# The first looks follow each other at once: splunkd mostly reads within a millisecond.
_FIRST_LOOKS, _SHORTEST_S, _LONGEST_S = 20, 0.0005, 0.05


class Pipe:
    """The standard output of a modular input.

    Every method may raise OSError, and StopRequested where a stop was requested and splunkd does
    not read.
    """

    def __init__(self, descriptor: int, stop: Stop) -> None:
        self._descriptor, self._stop = descriptor, stop
        self._is_pipe = stat.S_ISFIFO(os.fstat(descriptor).st_mode)

    def write(self, data: bytes) -> int:
        """Write all of it, as fast as splunkd reads."""
        view = memoryview(data)
        with self._stop.reader_wait():
            while view:
                view = view[os.write(self._descriptor, view) :]
        return len(data)

    def flush(self) -> None:
        """Return when splunkd has read everything, however long that takes."""
        if not self._is_pipe:
            return
        if sys.platform == "win32":
            os.fsync(self._descriptor)  # FlushFileBuffers, which waits for the reader of a pipe
            return
        with self._stop.reader_wait():
            looks, pause_s = 0, _SHORTEST_S
            while self._unread():
                self._raise_if_closed()
                looks += 1
                time.sleep(0 if looks < _FIRST_LOOKS else pause_s)
                pause_s = min(_LONGEST_S, pause_s * (1 if looks < _FIRST_LOOKS else 1.5))
            self._raise_if_closed()

    def _unread(self) -> int:
        """How many bytes are in the pipe; 0 where the system does not report it."""
        import fcntl
        import termios

        try:
            answer = fcntl.ioctl(self._descriptor, termios.FIONREAD, bytes(4))
        except OSError:
            return 0
        return int.from_bytes(answer, sys.byteorder)

    def _raise_if_closed(self) -> None:
        import select

        poll: Any = select.poll()
        poll.register(self._descriptor, 0)  # errors are reported all the same
        if poll.poll(0):
            raise BrokenPipeError(errno.EPIPE, "splunkd closed the pipe")

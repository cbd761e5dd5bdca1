"""One run of the collector as a row of effects, each of which may be its last."""

from __future__ import annotations

import errno
import io
import os
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from enum import Enum
from pathlib import Path
from typing import Any, NamedTuple
from unittest import mock

from cloudhsm.state import file_store
from tests.fake_aws.service import Service
from tests.fake_aws.wire import Reply


class How(Enum):
    """What may become of a process before one of its effects."""

    KILLED = "killed"  # at once: no handler and no `finally` comes between
    STOPPED = "stopped"  # by SIGTERM, as splunkd does when it stops or an input is disabled
    DISK_FULL = "disk full"  # from here on, to the end of the run
    PIPE_CLOSED = "pipe closed"  # splunkd takes nothing more


class End(NamedTuple):
    """Before which effect of a run something happens, counted from 0."""

    at: int
    how: How = How.KILLED


class Killed(BaseException):
    """The process ends here."""


class Life:
    """The effects of one run, in order, and what becomes of it on the way."""

    def __init__(self, end: End | None = None) -> None:
        self.effects: list[str] = []
        self.sigterm: Callable[[], object] = lambda: None
        self._end = end

    @property
    def has_met_its_end(self) -> bool:
        """Whether the run came as far as that."""
        return self._end is not None and len(self.effects) > self._end.at

    def met(self, how: How) -> bool:
        """Whether this has happened."""
        return self.has_met_its_end and self._end is not None and self._end.how is how

    def step(self, effect: str) -> None:
        """What comes now; a dead process does nothing any more, `finally` or not."""
        before = self.has_met_its_end
        self.effects.append(effect)
        if self.met(How.KILLED):
            raise Killed(effect)
        if self.met(How.STOPPED) and not before:
            self.sigterm()


class MortalService(Service):
    """CloudWatch Logs, asked by a process that may end."""

    life = Life()

    def reply(self, operation: str, body: Mapping[str, Any], headers: Mapping[str, str]) -> Reply:
        self.life.step(f"ask {operation}")
        return super().reply(operation, body, headers)


class MortalPipe(io.BytesIO):
    """A buffered pipe to splunkd: what was not flushed ends with the process."""

    def __init__(self, life: Life) -> None:
        super().__init__()
        self._life = life
        self._waiting = b""

    def write(self, data: Any) -> int:  # noqa: ANN401  (as BytesIO has it)
        self._step("write")
        self._waiting += bytes(data)
        self._step("written")
        return len(data)

    def flush(self) -> None:
        waiting, self._waiting = self._waiting, b""
        if waiting:
            self._step("flush")
            super().write(waiting[: len(waiting) // 2])
            self._step("flush the rest")
            super().write(waiting[len(waiting) // 2 :])
            self._step("flushed")

    def events(self) -> list[dict[str, str]]:
        """The events that came out whole, as an XML parser reads them."""
        return whole_events(self.getvalue())

    def count(self) -> int:
        """How many events came out whole."""
        return self.getvalue().count(b"</event>\n")

    def _step(self, effect: str) -> None:
        self._life.step(effect)
        if self._life.met(How.PIPE_CLOSED):
            raise BrokenPipeError(errno.EPIPE, "splunkd is gone")


def whole_events(output: bytes) -> list[dict[str, str]]:
    """What an XML parser reads from what a process handed over before it ended."""
    whole, end, _ = output.decode(errors="ignore").rpartition("</event>\n")
    return [
        {child.tag: child.text or "" for child in element}
        for element in ET.fromstring(whole + end + "</stream>" if end else "<stream/>")
    ]


@contextmanager
def mortal_files(life: Life, saved: Callable[[], None]) -> Iterator[None]:
    """Every step of saving a file is an effect; what is being written may end in its middle.

    saved: called as soon as a new generation of a state is in place.
    """
    write_through, sync_folder = file_store._write_through, file_store._sync_folder
    replace, write_text = Path.replace, Path.write_text

    def tear(path: Path, write: Callable[[int], object], length: int) -> None:
        life.step(f"write {path.suffix}")
        write(length // 2)
        if life.met(How.DISK_FULL):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        life.step(f"write the rest of {path.suffix}")
        write(length)

    def torn_write_through(path: Path, content: bytes) -> None:
        tear(path, lambda length: write_through(path, content[:length]), len(content))

    def torn_write_text(path: Path, text: str, encoding: str) -> None:
        tear(path, lambda length: write_text(path, text[:length], encoding), len(text))

    def renamed(path: Path, target: Path) -> Path:
        life.step(f"rename {path.suffix} to {target.suffix}")
        result = replace(path, target)
        if target.suffix == ".state":
            saved()
        return result

    def synced(folder: Path) -> None:
        life.step("sync the folder")
        sync_folder(folder)
        life.step("synced the folder")

    with ExitStack() as patched:
        patched.enter_context(
            mock.patch.multiple(file_store, _write_through=torn_write_through, _sync_folder=synced)
        )
        patched.enter_context(
            mock.patch.multiple(Path, replace=renamed, write_text=torn_write_text)
        )
        patched.enter_context(mock.patch.object(os, "fsync"))
        yield

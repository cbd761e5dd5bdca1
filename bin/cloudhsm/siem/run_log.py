"""What standard error gets: damage, problems, counts and, on a terminal, a progress bar."""

from __future__ import annotations

import io
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from cloudhsm.base.terminal import printable
from cloudhsm.siem.containers.byte_streams import Bytes

SOME_DAMAGED, MOST_DAMAGED = 1, 3
_REDRAW_S = 0.2
_DAMAGE = {
    "incomplete": "a line is missing that such a record has, or the end of one",
    "ambiguous": "a line is there twice, or a name may hold forged lines: read the raw text",
    "unrecognized": "does not start as a record does",
}


@dataclass
class Counts:
    """What a file gave. pieces: damage that is no record, such as compressed data cut off."""

    records: int = 0
    damaged: int = 0
    pieces: int = 0
    without_key: int = 0
    control: int = 0

    def add(self, other: Counts) -> None:
        """Add the counts of another file."""
        for name, value in vars(other).items():
            setattr(self, name, getattr(self, name) + value)

    def status(self, is_strict: bool) -> int:
        """The exit status by these counts."""
        damage = self.damaged + self.pieces
        if damage * 2 > self.records + self.pieces:
            return MOST_DAMAGED
        return SOME_DAMAGED if damage or (is_strict and self.without_key) else 0

    def __str__(self) -> str:
        return (
            f"{self.records:,} records, {self.damaged:,} of them damaged, "
            f"{self.without_key:,} without HSM or key, {self.control:,} control messages"
            + (f", {self.pieces:,} unreadable parts" if self.pieces else "")
        )


class RunLog:
    """Lines for standard error. total, current: counts of all files, and of the current one."""

    def __init__(self, output: TextIO, is_quiet: bool) -> None:
        self.total = Counts()
        self.current = Counts()
        self._output = output
        self._has_bar = not is_quiet and output.isatty()
        self._is_quiet = is_quiet
        self._name = ""
        self._files: list[tuple[str, Counts]] = []
        self._bytes_read = 0
        self._bytes_expected = 0
        self._began = time.monotonic()
        self._drawn = 0.0

    def expect(self, inputs: Iterable[Path | None]) -> None:
        """How much there is to read; unknown with standard input."""
        sizes = [0 if path is None else path.stat().st_size for path in inputs]
        self._bytes_expected = 0 if 0 in sizes else sum(sizes)

    def begin(self, name: str) -> None:
        """Another file is read from now on."""
        self._end_file()
        self._name = name

    def counted(self, file: Bytes) -> io.RawIOBase:
        """The file, whose bytes are counted for the progress bar."""
        return _Counted(file, self)

    def read(self, count: int) -> None:
        """So many bytes were read."""
        self._bytes_read += count
        self._draw()

    def printed(self, count: int) -> None:
        """So many records were printed."""
        self.current.records += count
        self._draw()

    def damage(self, place: int, status: str) -> None:
        """One line for each record that is not what a record should be."""
        self.current.damaged += 1
        self._line(
            f"{self._name}:{place}: {status} record, printed all the same: {_DAMAGE[status]}"
        )

    def piece(self, place: str, what: str) -> None:
        """One line for what could not be read, and is not printed."""
        self.current.pieces += 1
        self._line(f"{place or self._name}: {what}. The rest is printed. Fetch it again")

    def problem(self, text: str) -> None:
        """Why a file, or nothing at all, can be read."""
        self._line(text)

    def end(self, begin: str = "") -> None:
        """The counts: of each file, if there are several, and of all."""
        self._end_file()
        if self._is_quiet:
            return
        if len(self._files) > 1:
            for name, counts in self._files:
                self._line(f"{name}: {counts}")
        seconds = time.monotonic() - self._began
        self._line(f"{begin}{self.total}, in {seconds:.1f} s")

    def _end_file(self) -> None:
        if self._name:
            self._files.append((self._name, self.current))
            self.total.add(self.current)
            self.current = Counts()
        self._name = ""

    def _draw(self) -> None:
        now = time.monotonic()
        if self._has_bar and now - self._drawn >= _REDRAW_S:
            self._drawn = now
            self._output.write(f"\r\x1b[K{self._progress(now)}")
            self._output.flush()

    def _progress(self, now: float) -> str:
        count = self.total.records + self.current.records
        rate = count / max(now - self._began, 0.001)
        done = f"{count:,} records, {rate:,.0f} a second"
        if not self._bytes_expected:
            return done
        share = min(self._bytes_read / self._bytes_expected, 1.0)
        bar = "#" * round(share * 30)
        return f"[{bar:<30}] {share:4.0%}  {done}"

    def _line(self, text: str) -> None:
        """Names of files may hold anything; a terminal gets what it can show."""
        shown = printable(text).replace("\n", "\\n")
        print(f"{chr(13) + chr(27) + '[K' if self._has_bar else ''}{shown}", file=self._output)


class _Counted(io.RawIOBase):
    """A file that reports how much of it was read."""

    def __init__(self, file: Bytes, log: RunLog) -> None:
        self._file = file
        self._log = log

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        data = self._file.read(len(buffer)) or b""
        buffer[: len(data)] = data
        self._log.read(len(data))
        return len(data)

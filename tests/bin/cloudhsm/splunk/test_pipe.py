"""A pipe is flushed once its reader has read everything."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from cloudhsm.base.shutdown import Stop
from cloudhsm.splunk.pipe import Pipe

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="POSIX pipes")


@pytest.fixture
def ends() -> Iterator[tuple[int, int]]:
    """A pipe: where it is read, and where it is written."""
    reading, writing = os.pipe()
    yield reading, writing
    for end in (reading, writing):
        with suppress(OSError):
            os.close(end)


def test_flush_returns_when_everything_was_read(ends: tuple[int, int]) -> None:
    pipe = Pipe(ends[1], Stop())
    assert pipe.write(b"abc") == 3
    flushed = threading.Event()

    def flush() -> None:
        pipe.flush()
        flushed.set()

    threading.Thread(target=flush, daemon=True).start()
    assert os.read(ends[0], 2) == b"ab"
    assert not flushed.wait(0.2)
    assert os.read(ends[0], 2) == b"c"
    assert flushed.wait(2)


def test_a_reader_that_leaves_before_it_read_is_an_error(ends: tuple[int, int]) -> None:
    pipe = Pipe(ends[1], Stop())
    pipe.write(b"abc")
    threading.Timer(0.2, os.close, [ends[0]]).start()
    with pytest.raises(BrokenPipeError):
        pipe.flush()


def test_a_reader_that_left_is_an_error_though_it_had_read_everything(
    ends: tuple[int, int],
) -> None:
    pipe = Pipe(ends[1], Stop())
    pipe.write(b"abc")
    assert os.read(ends[0], 3) == b"abc"
    os.close(ends[0])
    with pytest.raises(BrokenPipeError):
        pipe.flush()


def test_more_than_the_kernel_takes_is_written_as_it_is_read(ends: tuple[int, int]) -> None:
    data, read = os.urandom(300_000), bytearray()

    def reader() -> None:
        while len(read) < len(data):
            read.extend(os.read(ends[0], 10_000))
            time.sleep(0.001)

    threading.Thread(target=reader, daemon=True).start()
    pipe = Pipe(ends[1], Stop())
    assert pipe.write(data) == len(data)
    pipe.flush()
    assert bytes(read) == data


def test_a_file_is_never_waited_for(tmp_path: Path) -> None:
    with (tmp_path / "out").open("wb") as file:
        pipe = Pipe(file.fileno(), Stop())
        pipe.write(b"abc")
        pipe.flush()
    assert (tmp_path / "out").read_bytes() == b"abc"

"""Bytes to text: compression in any order and depth, UTF-8 and UTF-16, joined in one file.

gzip, bzip2, xz and, where the interpreter has it, zstd are unpacked wherever they begin, also after
other content and inside one another. What cannot be unpacked is reported and skipped up to the next
compressed part. Memory stays constant, however large the content of a compressed part is.
"""

from __future__ import annotations

import codecs
import importlib
import io
import platform
import re
import zlib
from collections.abc import Iterator
from contextlib import suppress
from typing import Any, BinaryIO, NamedTuple, Protocol, Union

from cloudhsm.base.errors import CloudHsmError, Place
from cloudhsm.siem.containers.found import Report

CHUNK = 1 << 18  # bytes that are read at once
MOST_NESTED = 8  # compressed parts inside one another
_XZ_MEMORY = 32 << 20  # bytes; xz refuses to need more

# What can be opened for reading bytes, however it is wrapped.
Bytes = Union[BinaryIO, io.RawIOBase]


class UnreadFormat(CloudHsmError):
    """A format that is recognized, but not read."""


class Unpacker(Protocol):
    """An incremental decompressor, as of bz2, lzma and zstd."""

    @property
    def eof(self) -> bool: ...
    @property
    def needs_input(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, max_length: int) -> bytes: ...


class _Decompress(Protocol):
    """zlib's decompressor."""

    def decompress(self, data: bytes) -> bytes: ...


class _Gzip:
    """zlib's decompressor with the interface of the others; it gives what is before damage."""

    def __init__(self) -> None:
        self._zlib = zlib.decompressobj(16 + zlib.MAX_WBITS)
        self._damage: zlib.error | None = None
        self.needs_input = True

    @property
    def eof(self) -> bool:
        return self._zlib.eof

    @property
    def unused_data(self) -> bytes:
        return self._zlib.unused_data

    def decompress(self, data: bytes, max_length: int) -> bytes:
        if self._damage is not None:
            raise self._damage
        before, data = self._zlib.copy(), self._zlib.unconsumed_tail + data
        try:
            output = self._zlib.decompress(data, max_length)
        except zlib.error as error:
            self._damage, self.needs_input = error, False
            return _before_damage(before, data)
        self.needs_input = len(output) < max_length
        return output


def _before_damage(unpacker: _Decompress, data: bytes) -> bytes:
    """zlib drops the output of a call that fails, so that each byte has a call of its own."""
    output = bytearray()
    with suppress(zlib.error):
        for at in range(len(data)):
            output += unpacker.decompress(data[at : at + 1])
            if len(output) > _MOST_BEFORE_DAMAGE:
                break
    return bytes(output)


class _Compression(NamedTuple):
    """magic: how it begins. modules: what reads it, the first that can be imported."""

    name: str
    magic: bytes
    modules: tuple[tuple[str, str, dict[str, Any]], ...]


_COMPRESSIONS = (
    _Compression("gzip", b"\x1f\x8b\x08", ()),
    _Compression("xz", b"\xfd7zXZ\x00", (("lzma", "LZMADecompressor", {"memlimit": _XZ_MEMORY}),)),
    _Compression("bzip2", b"BZh", (("bz2", "BZ2Decompressor", {}),)),
    _Compression(
        "zstd",
        b"\x28\xb5\x2f\xfd",
        (
            ("compression.zstd", "ZstdDecompressor", {}),
            ("backports.zstd", "ZstdDecompressor", {}),
            ("pyzstd", "ZstdDecompressor", {}),
        ),
    ),
)
_MAGIC = {compression.magic: compression for compression in _COMPRESSIONS}
_LONGEST_MAGIC = 10
_MOST_BEFORE_DAMAGE = 4 << 20
_BZIP2 = re.compile(rb"BZh[1-9](?:1AY&SY|\x17rE8P\x90)")

# So much text in a row is none in compressed data.
_TEXT = re.compile(rb"[\t\n\r -~]{64}")

# What is recognized at the beginning only: (offset, bytes) to name and way out.
_UNREAD: tuple[tuple[int, bytes, str, str], ...] = (
    (0, b"PAR1", "Parquet", "Convert it, e.g. duckdb -c \"COPY (FROM 'FILE') TO 'x.json'\""),
    (0, b"Obj\x01", "Avro", "Convert it with avro-tools tojson FILE"),
    (0, b"ORC", "ORC", "Convert it with orc-tools data FILE"),
    (0, b"PK\x03\x04", "ZIP (or a spreadsheet)", "Unpack it: unzip -p FILE | this command"),
    (0, b"PK\x05\x06", "an empty ZIP", "Check how it was made"),
    (0, b"7z\xbc\xaf\x27\x1c", "7z", "Unpack it: 7z x -so FILE | this command"),
    (0, b"Rar!", "RAR", "Unpack it first"),
    (0, b"\x04\x22\x4d\x18", "LZ4", "Unpack it: lz4 -dc FILE | this command"),
    (0, b"\xff\x06\x00\x00sNaPpY", "Snappy", "Unpack it: snzip -dc FILE | this command"),
    (0, b"\x1f\x9d", "compress (.Z)", "Unpack it: zcat FILE | this command"),
    (0, b"LZIP", "lzip", "Unpack it: lzip -dc FILE | this command"),
    (0, b"%PDF", "PDF", "Export the log events as JSON instead"),
    (0, b"\xd0\xcf\x11\xe0", "an Office document", "Export the log events as CSV instead"),
    (0, b"SQLite format 3", "SQLite", "Export the table: sqlite3 -json FILE 'SELECT ...'"),
    (0, b"ElfFile\x00", "a Windows event log", "Export the log events as JSON instead"),
    (0, b"\xd4\xc3\xb2\xa1", "a packet capture", "It has no records of an HSM"),
    (257, b"ustar", "tar", "Unpack it: tar -xOf FILE | this command"),
)
_XML = re.compile(rb"\s*<(?:\?xml|!DOCTYPE|html|results|response|Events?)[\s>]", re.IGNORECASE)


class _Source:
    """Bytes that are read on when needed; what is put back comes first."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = chunks
        self._back: list[bytes] = []

    def take(self) -> bytes:
        """Some bytes; none at the end."""
        return self._back.pop() if self._back else next(self._chunks, b"")

    def put_back(self, data: bytes) -> None:
        if data:
            self._back.append(data)

    def peek(self, count: int) -> bytes:
        data = self.take()
        while len(data) < count and (more := self.take()):
            data += more
        self.put_back(data)
        return data[:count]


def unpacked(file: Bytes, name: str, report: Report) -> Iterator[bytes]:
    """The bytes of a file without any compression. Raises UnreadFormat and OSError."""
    return _parts(_Source(iter(lambda: file.read(CHUNK) or b"", b"")), name, report, 0)


def _parts(source: _Source, name: str, report: Report, depth: int) -> Iterator[bytes]:
    _refuse_unread(source.peek(300), name)
    while data := source.peek(_LONGEST_MAGIC):
        compression = _compression_of(data) if depth < MOST_NESTED else None
        if compression is None:
            yield from _raw(source, depth)
        else:
            inner = _Source(_content(source, compression, name, report))
            yield from _parts(inner, name, report, depth + 1)


def _compression_of(data: bytes) -> _Compression | None:
    for magic, compression in _MAGIC.items():
        if data.startswith(magic) and (compression.name != "bzip2" or _BZIP2.match(data)):
            return compression
    return None


def _refuse_unread(begin: bytes, name: str) -> None:
    for offset, magic, format_name, next_step in _UNREAD:
        if begin[offset : offset + len(magic)] == magic:
            raise _unread(format_name, name, next_step)
    if _XML.match(begin):
        raise _unread("XML", name, "Export the records as JSON, CSV or raw text instead")


def _unread(format_name: str, name: str, next_step: str) -> UnreadFormat:
    return UnreadFormat(
        f"the format is recognized but not read: {format_name}",
        place=Place(file=name),
        next_step=next_step,
    )


def _raw(source: _Source, depth: int) -> Iterator[bytes]:
    """Bytes up to where something compressed begins."""
    begin = 1  # what begins at 0 was tried already
    while data := source.take():
        after = source.take()
        while len(after) < _LONGEST_MAGIC and (more := source.take()):
            after += more
        at = _next_magic(data + after[:_LONGEST_MAGIC], begin) if depth < MOST_NESTED else -1
        if 0 <= at < len(data):
            source.put_back(data[at:] + after)
            yield data[:at]
            return
        source.put_back(after)
        yield data
        begin = 0


def _next_magic(data: bytes, begin: int) -> int:
    """Where compressed data may begin; -1 where nowhere. No text in UTF-8 has these bytes."""
    places = [
        place
        for magic in (b"\x1f\x8b\x08", b"\xfd7zXZ\x00", b"\x28\xb5\x2f\xfd")
        if (place := data.find(magic, begin)) >= 0
    ]
    if data.find(b"BZh", begin) >= 0 and (bzip2 := _BZIP2.search(data, begin)):
        places.append(bzip2.start())
    return min(places, default=-1)


def _content(
    source: _Source, compression: _Compression, name: str, report: Report
) -> Iterator[bytes]:
    """What is compressed at this place. Damage is reported, and skipped."""
    unpacker = _unpacker(compression, name)
    size, data, last = 0, b"", b""
    while not unpacker.eof:
        if unpacker.needs_input and not (data := source.take()):
            report.piece(name, f"{compression.name} data is cut off after {size:,} bytes")
            source.put_back(last)
            _skip_damage(source)
            return
        last = data or last
        try:
            output = unpacker.decompress(data if unpacker.needs_input else b"", CHUNK)
        except Exception as error:  # noqa: BLE001  (each library has errors of its own)
            source.put_back(data)
            lost = _skip_damage(source)
            report.piece(name, f"{compression.name} data is damaged ({error}): {lost:,} bytes lost")
            return
        size += len(output)
        if output:
            yield output
    source.put_back(unpacker.unused_data.lstrip(b"\0"))


def _skip_damage(source: _Source) -> int:
    """Skip to the next compressed part, or to text; the number of bytes."""
    skipped, begin = 0, 1
    while data := source.take():
        text = _TEXT.search(data, begin)
        places = [at for at in (_next_magic(data, begin), text.start() if text else -1) if at >= 0]
        if places:
            source.put_back(data[min(places) :])
            return skipped + min(places)
        skipped += len(data)
        begin = 0
    return skipped


def _unpacker(compression: _Compression, name: str) -> Unpacker:
    if compression.name == "gzip":
        return _Gzip()
    for module, function, arguments in compression.modules:
        try:
            made: Unpacker = getattr(importlib.import_module(module), function)(**arguments)
        except ImportError:
            continue
        return made
    raise _unread(
        f"{compression.name}, which this Python ({platform.python_version()}) cannot unpack",
        name,
        f"Unpack it: {compression.name} -dc FILE | this command",
    )


# --- text

_UTF16_BEGINS = ((b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be"))
_UTF16_PLAIN = (
    (re.compile(rb"(?:[\t\n\r -~]\0){4}"), "utf-16-le"),
    (re.compile(rb"(?:\0[\t\n\r -~]){4}"), "utf-16-be"),
)
_UTF16_JOINED = re.compile(rb"\xff\xfe[\t\n\r -~]\0|\xfe\xff\0[\t\n\r -~]")
_RUN = 128  # bytes without a zero: no longer UTF-16
_NO_ZERO = re.compile(rb"[^\0]{%d}" % _RUN)


def decoded(chunks: Iterator[bytes]) -> Iterator[str]:
    """The text of bytes in UTF-8 or UTF-16, also one after the other; bytes that are none of
    either become `\\xNN`."""
    source = _Source(chunks)
    while begin := source.peek(8):
        encoding = _encoding_of(begin)
        run = _utf8(source) if encoding == "utf-8" else _utf16(source, encoding)
        yield from (text for text in run if text)


def _encoding_of(begin: bytes) -> str:
    for mark, encoding in _UTF16_BEGINS:
        if begin.startswith(mark):
            return encoding
    for pattern, encoding in _UTF16_PLAIN:
        if pattern.match(begin):
            return encoding
    return "utf-8"


def _utf8(source: _Source) -> Iterator[str]:
    """Text up to where UTF-16 begins."""
    decoder = codecs.getincrementaldecoder("utf-8")("backslashreplace")
    begin = 1
    while data := source.take():
        while len(data) < 4 and (more := source.take()):
            data += more
        if b"\xff\xfe" in data or b"\xfe\xff" in data:
            mark = _UTF16_JOINED.search(data, begin)
            if mark:
                source.put_back(data[mark.start() :])
                yield decoder.decode(data[: mark.start()], True)
                return
        yield decoder.decode(data)
        begin = 0
    yield decoder.decode(b"", True)


def _utf16(source: _Source, encoding: str) -> Iterator[str]:
    """Text up to where it is no longer UTF-16; code units are at even places."""
    decoder = codecs.getincrementaldecoder(encoding)("backslashreplace")
    while data := source.take():
        more = source.take()
        run = _NO_ZERO.search(data + more[:_RUN], 2)
        odd = len(data) % 2 if more else 0
        if run and run.start() < len(data):
            end = run.start() + run.start() % 2
            source.put_back(data[end:] + more)
            yield decoder.decode(data[:end], True)
            return
        source.put_back(data[len(data) - odd :] + more)
        yield decoder.decode(data[: len(data) - odd])
    yield decoder.decode(b"", True)

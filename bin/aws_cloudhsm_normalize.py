"""Prints CloudHSM's audit records as JSON lines in the words of a SIEM.

    splunk cmd python aws_cloudhsm_normalize.py [--format fields|cim|ocsf|ecs] [FILE ...]

FILE is a file of records, plain or gzip, a folder of them, or - for standard input (also without
any): text as an HSM writes it, an export of CloudWatch Logs to S3, what `aws logs
filter-log-events` prints, or what a subscription delivers. fields are those of docs/fields.md, cim
those of Splunk's Common Information Model, ocsf and ecs events of these schemas (docs/ocsf.md,
docs/ecs.md). Every record becomes one line; a damaged one is told on standard error too, with its
place. Needs no Splunk: any Python from 3.9 on runs it.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import os
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import BinaryIO, TextIO

sys.path.insert(0, str(Path(__file__).resolve().parent))

from cloudhsm.base.errors import CloudHsmError, Place, SettingError
from cloudhsm.base.terminal import printable
from cloudhsm.siem import output_formats
from cloudhsm.siem.record_files import Found, Origin, records
from cloudhsm.siem.search_time import Meaning
from cloudhsm.siem.templates import Printer

APP = Path(__file__).resolve().parent.parent
STANDARD_INPUT = "-"
_WROTE_BY_AWS = "aws-logs-write-test"  # CreateExportTask leaves it beside what it exports
_BATCH = 512  # lines that are written at once
_DAMAGE = {
    "incomplete": "a line is missing that such a record has, or the end of one",
    "ambiguous": "a line is there twice, or a name may hold forged lines: read the raw text",
    "unrecognized": "does not start as a record does",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Returns 0, 1 where something could not be read or was asked wrongly (told)."""
    asked = _parser().parse_args(arguments)
    told = Told(sys.stderr, asked.quiet)
    try:
        inputs = [*_inputs(asked.files or [STANDARD_INPUT])]
        printer = Printer(Meaning(APP), output_formats.form_called(asked.format))
        told.expect(inputs)
        failed = _print(inputs, printer, _origin(asked), told)
    except BrokenPipeError:  # whoever read has enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except (CloudHsmError, OSError) as error:
        told.problem(error)
        return 1
    except KeyboardInterrupt:
        return 130
    told.end()
    return 1 if failed else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="aws_cloudhsm_normalize.py",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("files", nargs="*", metavar="FILE", help="- or none: standard input")
    parser.add_argument(
        "--format", choices=output_formats.NAMES, default="fields", help="default: fields"
    )
    place = parser.add_argument_group(
        "where the records come from, as far as the files do not tell it"
    )
    place.add_argument("--account", default="", metavar="ID", help="the AWS account's 12 digits")
    place.add_argument("--region", default="", help="e.g. us-east-1")
    place.add_argument("--group", default="", help="e.g. /aws/cloudhsm/cluster-likphkxygsn")
    place.add_argument("--stream", default="", help="e.g. hsm-nwbbiqbj4jk")
    parser.add_argument("--quiet", action="store_true", help="no progress, no summary")
    return parser


def _origin(asked: argparse.Namespace) -> Origin:
    """Raises SettingError for what cannot be right."""
    if asked.account and not (len(asked.account) == 12 and asked.account.isdecimal()):
        raise SettingError(
            f"--account {asked.account!r} is no AWS account",
            next_step="Give its 12 digits without dashes",
        )
    return Origin("", asked.account, asked.region, asked.group, asked.stream)


def _inputs(names: Iterable[str]) -> Iterator[Path | None]:
    """The files, None for standard input; folders give all that is in them, by name."""
    for name in names:
        path = Path(name)
        if name == STANDARD_INPUT:
            yield None
        elif path.is_dir():
            inside = [one for one in sorted(path.rglob("*")) if one.is_file()]
            yield from (one for one in inside if _holds_records(one.relative_to(path)))
        elif path.exists():
            yield path
        else:
            raise SettingError(
                "there is no such file or folder",
                place=Place(file=name),
                next_step="Give files of records, folders of them, or - for standard input",
            )


def _holds_records(path: Path) -> bool:
    return path.name != _WROTE_BY_AWS and not any(part.startswith(".") for part in path.parts)


def _print(inputs: Sequence[Path | None], printer: Printer, origin: Origin, told: Told) -> bool:
    """Whether a file could not be read to its end; the others are printed all the same."""
    failed = False
    for path in inputs:
        name = STANDARD_INPUT if path is None else str(path)
        try:
            with contextlib.ExitStack() as stack:
                file = sys.stdin.buffer if path is None else stack.enter_context(path.open("rb"))
                counted = told.counted(file)
                found = records(counted, replace(origin, file="" if path is None else name))
                _write(found, printer, told, name)
        except BrokenPipeError:
            raise
        except (CloudHsmError, OSError) as error:
            told.problem(error)
            failed = True
    return failed


def _write(found: Iterable[Found], printer: Printer, told: Told, name: str) -> None:
    lines: list[str] = []
    try:
        for one in found:
            line, status = printer.line(one.text, one.origin, one.arrived)
            lines.append(line)
            if status != "complete":
                told.damage(name, one.place, status)
            if len(lines) >= _BATCH:
                _flush(lines, told)
    finally:
        _flush(lines, told)


def _flush(lines: list[str], told: Told) -> None:
    if lines:
        sys.stdout.write("\n".join([*lines, ""]))
        told.printed(len(lines))
        lines.clear()


@dataclass
class Told:
    """What standard error is told: damage, problems and, on a terminal, how far the work is."""

    output: TextIO
    is_quiet: bool
    records: int = 0
    damaged: int = 0
    bytes_read: int = 0
    bytes_in_all: int = 0
    began: float = field(default_factory=time.monotonic)
    _drawn: float = 0.0

    def expect(self, inputs: Iterable[Path | None]) -> None:
        """How much there is to read; unknown with standard input."""
        sizes = [0 if path is None else path.stat().st_size for path in inputs]
        self.bytes_in_all = 0 if None in [*inputs] else sum(sizes)

    def counted(self, file: BinaryIO) -> io.RawIOBase:
        return _Counted(file, self)

    def printed(self, count: int) -> None:
        self.records += count
        now = time.monotonic()
        if not self.is_quiet and self.output.isatty() and now - self._drawn >= 0.2:
            self._drawn = now
            self.output.write(f"\r\x1b[K{self._progress(now)}")
            self.output.flush()

    def damage(self, name: str, place: int, status: str) -> None:
        """One line for each record that is not what a record should be."""
        self.damaged += 1
        self._line(f"{name}:{place}: {status} record, printed all the same: {_DAMAGE[status]}")

    def problem(self, error: Exception) -> None:
        self._line(str(error))

    def end(self) -> None:
        if not self.is_quiet:
            seconds = time.monotonic() - self.began
            self._line(
                f"{self.records:,} records, {self.damaged:,} of them damaged, in {seconds:.1f} s"
            )

    def _progress(self, now: float) -> str:
        rate = self.records / max(now - self.began, 0.001)
        done = f"{self.records:,} records, {rate:,.0f} a second"
        if not self.bytes_in_all:
            return done
        share = min(self.bytes_read / self.bytes_in_all, 1.0)
        bar = "#" * round(share * 30)
        return f"[{bar:<30}] {share:4.0%}  {done}"

    def _line(self, text: str) -> None:
        """Names of files may hold anything; a terminal gets what it can show."""
        shown = printable(text).replace("\n", "\\n")
        start = "\r\x1b[K" if not self.is_quiet and self.output.isatty() else ""
        print(f"{start}{shown}", file=self.output)


class _Counted(io.RawIOBase):
    """A file that tells how much of it was read."""

    def __init__(self, file: BinaryIO, told: Told) -> None:
        self._file = file
        self._told = told

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        data = self._file.read(len(buffer))
        buffer[: len(data)] = data
        self._told.bytes_read += len(data)
        return len(data)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

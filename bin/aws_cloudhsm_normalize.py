"""Prints CloudHSM's audit records as JSON lines in the words of a SIEM.

    splunk cmd python aws_cloudhsm_normalize.py [--format fields|cim|ocsf|ecs] [FILE ...]

FILE is a file that has records, a folder of such files, or - for standard input (also without
any). What it may be is in docs/other-siems.md: text of an HSM, JSON of any kind, CSV, YAML, exports
and what other shippers write, also compressed and joined. fields are those of docs/fields.md, cim
those of Splunk's Common Information Model, ocsf and ecs events of these schemas (docs/ocsf.md,
docs/ecs.md). Every record becomes one line; a damaged one is reported on standard error too, with
its place.

Exit status: 0; 1 if some records are damaged (--strict: or have no HSM or no key); 2 if an input
cannot be used, or has a format that is recognized but not read; 3 if more than half of the records
are damaged. Needs no Splunk: any Python from 3.9 on runs it.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import stat
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

sys.path.insert(0, str(Path(__file__).resolve().parent))

from cloudhsm.base.command_parser import CommandParser
from cloudhsm.base.errors import CloudHsmError, Place, SettingError
from cloudhsm.siem import output_formats
from cloudhsm.siem.containers import event_names
from cloudhsm.siem.record_files import Found, Origin, Report, records
from cloudhsm.siem.run_log import RunLog
from cloudhsm.siem.search_time import Meaning
from cloudhsm.siem.templates import Printer

APP = Path(__file__).resolve().parent.parent
STANDARD_INPUT = "-"
UNUSABLE, INTERRUPTED = 2, 130
_AWS_MARKER = "aws-logs-write-test"  # CreateExportTask leaves it next to what it exports
_BATCH = 512  # lines that are written at once
_LONG = 10_000  # characters of a line that is written without waiting for others


def main(arguments: Sequence[str] | None = None) -> int:
    """Returns the exit status."""
    settings = _parser().parse_args(arguments)
    log = RunLog(sys.stderr or open(os.devnull, "w"), settings.quiet)  # noqa: SIM115, PTH123
    if sys.stdout is None:
        log.problem("standard output is closed. Give the command somewhere to write to")
        return UNUSABLE
    try:
        if sys.stdin is None and STANDARD_INPUT in (settings.files or [STANDARD_INPUT]):
            log.problem(
                "standard input is closed. Name files, or give the command something to read"
            )
            return UNUSABLE
        refusals: list[str] = []
        inputs = [*_inputs(settings.files or [STANDARD_INPUT], refusals)]
        origin = _origin(settings)
        printer = Printer(Meaning(APP, is_strict=True), output_formats.form_called(settings.format))
        log.expect(inputs)
        for refusal in refusals:
            log.problem(refusal)
        is_unusable = _print(inputs, printer, origin, log) or bool(refusals)
        sys.stdout.flush()
    except BrokenPipeError:  # the reader has enough
        _discard_output()
        return 0
    except (CloudHsmError, OSError) as error:
        log.problem(str(error))
        _discard_output()
        return UNUSABLE
    except KeyboardInterrupt:
        log.end("interrupted: ")
        _discard_output()
        return INTERRUPTED
    log.end()
    return UNUSABLE if is_unusable else log.total.status(settings.strict)


def _discard_output() -> None:
    """What is still buffered goes nowhere, so that Python does not fail on it at its end."""
    with contextlib.suppress(OSError, ValueError, AttributeError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _parser() -> CommandParser:
    parser = CommandParser("aws_cloudhsm_normalize.py", __doc__)
    parser.add_argument("files", nargs="*", metavar="FILE", help="- or none: standard input")
    parser.add_argument(
        "--format", choices=output_formats.NAMES, default="fields", help="default: fields"
    )
    origin = parser.add_argument_group(
        "where the records come from; each comes before what the files have"
    )
    origin.add_argument("--account", default="", metavar="ID", help="the AWS account's 12 digits")
    origin.add_argument("--region", default="", help="e.g. us-east-1")
    origin.add_argument("--group", default="", help="e.g. /aws/cloudhsm/cluster-likphkxygsn")
    origin.add_argument("--stream", default="", help="e.g. hsm-nwbbiqbj4jk")
    parser.add_argument(
        "--strict", action="store_true", help="status 1 also for records without HSM or key"
    )
    parser.add_argument("--quiet", action="store_true", help="no progress, no summary")
    return parser


_CHECKS = {
    "account": (event_names.ACCOUNT, "an AWS account", "Give its 12 digits without dashes"),
    "region": (event_names.REGION, "an AWS Region", "Give one such as us-east-1"),
    "group": (event_names.GROUP, "a log group", "Give one such as /aws/cloudhsm/cluster-..."),
    "stream": (event_names.STREAM, "a log stream", "Give the HSM's ID, such as hsm-nwbbiqbj4jk"),
}


def _origin(settings: argparse.Namespace) -> Origin:
    """Raises SettingError for what AWS would not accept."""
    values = {name: str(getattr(settings, name)) for name in _CHECKS}
    for name, (pattern, meaning, next_step) in _CHECKS.items():
        if values[name] and not pattern.fullmatch(values[name]):
            raise SettingError(f"--{name} {values[name]!r} is not {meaning}", next_step=next_step)
    return Origin(**values)


def _inputs(names: Iterable[str], refusals: list[str]) -> Iterator[Path | None]:
    """The files, None for standard input; a folder gives all files in it, by name.

    refusals: gets what cannot be read in a folder. Hidden files are left out.
    """
    for name in names:
        path = Path(name)
        if name == STANDARD_INPUT:
            yield None
        elif path.is_dir():
            yield from sorted(_files_below(path, refusals))
        elif path.exists():
            yield path
        else:
            raise SettingError(
                "there is no such file or folder",
                place=Place(file=name),
                next_step="Give files of records, folders of them, or - for standard input",
            )


def _files_below(folder: Path, refusals: list[str]) -> Iterator[Path]:
    def refuse(error: OSError) -> None:
        refusals.append(f"{error.filename}: {error.strerror}. Let this user read the folder")

    for place, folders, names in os.walk(folder, onerror=refuse):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in [*folders, *names]:
            path = Path(place, name)
            if name in folders:
                if path.is_symlink():
                    refusals.append(f"{path}: a link to a folder. Name that folder too")
            elif path.is_file():
                if name != _AWS_MARKER and not name.startswith("."):
                    yield path
            elif not name.startswith("."):
                refusals.append(f"{path}: not a file. Remove it, or name the other files")


def _print(inputs: Sequence[Path | None], printer: Printer, origin: Origin, log: RunLog) -> bool:
    """Whether a file cannot be used; the others are printed nevertheless."""
    is_unusable = False
    for path in inputs:
        name = STANDARD_INPUT if path is None else str(path)
        report = Report()
        log.begin(name)
        try:
            _write(
                _records(path, replace(origin, file="" if path is None else name), report, log),
                printer,
                report,
                log,
            )
        except BrokenPipeError:
            raise
        except (CloudHsmError, OSError) as error:
            if isinstance(error, OSError) and error.filename is None and path is None:
                raise
            log.problem(str(error))
            is_unusable = True
    return is_unusable


def _records(path: Path | None, origin: Origin, report: Report, log: RunLog) -> Iterator[Found]:
    if path is None:
        yield from records(log.counted(sys.stdin.buffer), origin, report)
        return
    with path.open("rb") as file, contextlib.ExitStack() as stack:
        is_regular = stat.S_ISREG(os.fstat(file.fileno()).st_mode)

        def reopen() -> BinaryIO:
            return stack.enter_context(path.open("rb"))

        yield from records(log.counted(file), origin, report, reopen if is_regular else None)


def _write(found: Iterable[Found], printer: Printer, report: Report, log: RunLog) -> None:
    """Print the records, and report what is damaged."""
    lines: list[str] = []
    try:
        for text, origin, place, arrived in found:
            line, status, has_key = printer.line(text, origin, arrived)
            lines.append(line)
            if status != "complete":
                log.damage(place, status)
            if not has_key:
                log.current.without_key += 1
            if len(lines) >= _BATCH or len(line) > _LONG:
                _flush(lines, report, log)
    finally:
        _flush(lines, report, log)


def _flush(lines: list[str], report: Report, log: RunLog) -> None:
    for place, what in report.taken():
        log.piece(place, what)
    log.current.control, report.control = log.current.control + report.control, 0
    if lines:
        sys.stdout.write("\n".join([*lines, ""]))
        log.printed(len(lines))
        lines.clear()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""Runs the shipped configuration without Splunk.

python -m emulator events FILE          the fields of each event in a file
python -m emulator search SPL [FILE]    a search over a file, or over the sample trail
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Iterator, Sequence
from datetime import datetime, timezone
from io import BytesIO
from pathlib import Path
from typing import IO

from rich.console import Console
from rich.table import Table

from emulator.app import App
from emulator.errors import EmulatorError, StreamError
from emulator.eval.relative_time import relative_time
from emulator.event import METADATA_FIELDS, IndexedEvent
from emulator.index_time.log_events import from_json_lines, log_event
from emulator.search_time.extraction import EventFields
from emulator.session import Session
from emulator.spl import printing
from emulator.spl.pipeline import check
from emulator.spl.printing import shown
from samples.__main__ import last_monday
from samples.command_parser import CommandParser
from samples.simulator import simulate

_USAGE_ERROR = 2
_SEED, _DAYS = 7, 7
# What an administrator sets before anything can be searched; here, everything is in one index.
_INDEX_MACROS = dict.fromkeys(("cloudhsm_index", "cloudhsm_cloudtrail_index"), "index=*")
_TIMES = frozenset({"--earliest", "--latest", "--now"})


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit status: 0, or 2 with one line on stderr."""
    options = _parser().parse_args(_joined(sys.argv[1:] if arguments is None else arguments))
    try:
        return int(options.run(options))
    except BrokenPipeError:  # the reader closed our output
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except (EmulatorError, OSError) as error:
        print(f"emulator: {printing.escaped(' '.join(str(error).split()))}", file=sys.stderr)
        return _USAGE_ERROR


def _joined(arguments: Sequence[str]) -> list[str]:
    """`--earliest -7d` as `--earliest=-7d`, since argparse takes `-7d` for an option."""
    joined: list[str] = []
    for argument in arguments:
        if joined and joined[-1] in _TIMES:
            joined[-1] += f"={argument}"
        else:
            joined.append(argument)
    return joined


def _parser() -> CommandParser:
    parser = CommandParser(
        prog="python -m emulator",
        description=__doc__,
    )
    commands = parser.add_subparsers(dest="command", required=True)
    events = commands.add_parser("events", help="index FILE and print each event's fields")
    events.set_defaults(run=_events)
    events.add_argument("file", help="a modular input's XML stream, or a text file; - is stdin")
    events.add_argument("--format", choices=("table", "json"), default="table")
    search = commands.add_parser("search", help="run a search and print its results")
    search.set_defaults(run=_search)
    search.add_argument("spl", help="the search, in quotes")
    search.add_argument(
        "file",
        nargs="?",
        help="what to search: a modular input's XML stream, JSON lines of python -m samples, or a"
        " text file with --sourcetype; - is stdin (the sample trail)",
    )
    search.add_argument("--earliest", default="0", help="-7d@d, epoch seconds or ISO 8601 (all)")
    search.add_argument("--latest", help="the same, exclusive (all)")
    search.add_argument("--now", help="when the search runs (now; for the sample trail, its end)")
    search.add_argument("--format", choices=("table", "json", "csv"), default="table")
    search.add_argument("--limit", type=int, default=50, help="rows of the table (50)")
    for command in (events, search):
        command.add_argument("--app", type=Path, default=Path(), help="the app's folder (here)")
        command.add_argument("--sourcetype", help="FILE is text of this source type")
        command.add_argument("--source", help="source of the text (its path)")
        command.add_argument("--host", default="localhost", help="host of the text (localhost)")
    return parser


# --- events


def _events(options: argparse.Namespace) -> int:
    app = App.load(options.app)
    with _opened(options.file) as file:
        events = _indexed(app, file, options)
        if options.format == "json":
            for event in events:
                print(json.dumps(app.search_time(event)))
        else:
            console = Console()
            for event in events:
                console.print(_table(event, app.search_time(event)))
    return 0


def _opened(name: str) -> IO[bytes]:
    return sys.stdin.buffer if name == "-" else Path(name).open("rb")


def _indexed(app: App, file: IO[bytes], options: argparse.Namespace) -> Iterator[IndexedEvent]:
    if not options.sourcetype:
        return app.index_modular_input(file)
    # Bytes that are not UTF-8 become \xF3: CHARSET in props.conf.spec.
    text = file.read().decode("utf-8", errors="backslashreplace")
    return app.index_text(
        text,
        sourcetype=options.sourcetype,
        source=options.source or options.file,
        host=options.host,
    )


def _table(event: IndexedEvent, fields: EventFields) -> Table:
    table = Table(title=shown(str(fields["_time"])), title_justify="left", show_header=False)
    table.add_row(shown("_raw"), shown(event.raw))
    for name in (*METADATA_FIELDS[2:], *sorted(set(fields) - set(METADATA_FIELDS))):
        value = fields[name]
        table.add_row(shown(name), shown("\n".join(value) if isinstance(value, list) else value))
    return table


# --- search


def _search(options: argparse.Namespace) -> int:
    app = App.load(options.app, local_macros=_INDEX_MACROS)
    check(options.spl, app.knowledge.macros)
    clock = time.time()
    end = last_monday(datetime.fromtimestamp(clock, timezone.utc))
    now = clock if options.file else end.timestamp()
    session = Session(app, now=_moment(options.now, now) if options.now else now)
    earliest = _moment(options.earliest, session.now)
    latest = _moment(options.latest, session.now) if options.latest else None
    session.index(_from_file(app, options) if options.file else _sample_trail(end))
    results = session.search(options.spl, earliest, latest)
    if options.format == "json":
        printing.print_json(results)
    elif options.format == "csv":
        printing.print_csv(results)
    else:
        printing.print_table(results, options.limit)
    return 0


def _moment(text: str, now: float) -> float:
    """Epoch seconds of a relative time, a number, or ISO 8601 (UTC without an offset)."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return relative_time(now, text)
    return (moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)).timestamp()


def _sample_trail(end: datetime) -> Iterator[IndexedEvent]:
    for event in simulate(_SEED, end, _DAYS).events:
        yield log_event(event.log_group, event.log_stream, event.timestamp_ms, event.message)


def _from_file(app: App, options: argparse.Namespace) -> list[IndexedEvent]:
    with _opened(options.file) as file:
        data = file.read()
    if options.sourcetype or data.lstrip()[:1] == b"<":
        return list(_indexed(app, BytesIO(data), options))
    if data.lstrip()[:1] == b"{":
        return list(from_json_lines(data.splitlines()))
    raise StreamError(f"{options.file} is neither XML nor JSON lines: give --sourcetype for text")


if __name__ == "__main__":
    sys.exit(main())

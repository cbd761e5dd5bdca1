"""`python -m preview events FILE`: what the shipped configuration makes of a file's events."""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO

from rich.console import Console
from rich.table import Table
from rich.text import Text

from preview.app import App
from preview.errors import PreviewError
from preview.event import METADATA_FIELDS, IndexedEvent
from preview.extraction import EventFields

_USAGE_ERROR = 2
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit status: 0, or 2 with one line on stderr."""
    options = _parser().parse_args(arguments)
    try:
        return _events(options)
    except BrokenPipeError:  # whoever read our output has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except (PreviewError, OSError) as error:
        print(f"preview: {error}", file=sys.stderr)
        return _USAGE_ERROR


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m preview", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    events = commands.add_parser("events", help="index FILE and print each event's fields")
    events.add_argument("file", help="a modular input's XML stream, or a text file; - is stdin")
    events.add_argument("--app", type=Path, default=Path(), help="the app's folder (here)")
    events.add_argument("--format", choices=("table", "json"), default="table")
    events.add_argument("--sourcetype", help="FILE is text of this source type")
    events.add_argument("--source", help="source of the text (its path)")
    events.add_argument("--host", default="localhost", help="host of the text (localhost)")
    return parser


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
    # Bytes that are no UTF-8 come as \xF3, as CHARSET in props.conf.spec says.
    text = file.read().decode("utf-8", errors="backslashreplace")
    return app.index_text(
        text,
        sourcetype=options.sourcetype,
        source=options.source or options.file,
        host=options.host,
    )


def _table(event: IndexedEvent, fields: EventFields) -> Table:
    table = Table(title=Text(str(fields["_time"])), title_justify="left", show_header=False)
    table.add_row(Text("_raw"), _shown(event.raw))
    for name in (*METADATA_FIELDS[2:], *sorted(set(fields) - set(METADATA_FIELDS))):
        value = fields[name]
        table.add_row(_shown(name), _shown("\n".join(value) if isinstance(value, list) else value))
    return table


def _shown(text: str) -> Text:
    """Text from logs must not control the terminal: control characters come as \\x1b."""
    return Text(_CONTROL.sub(lambda found: f"\\x{ord(found.group()):02x}", text))


if __name__ == "__main__":
    sys.exit(main())

"""Writes `lookups/*.csv` from `mappings/*.yaml`; with `--check` it only compares.

The output depends on the mappings alone: UTF-8, LF, quotes only where CSV needs them, rows in the
order of the YAML with the catch-all `*` last. CSV has no comments and Splunk takes the first line
for the header, so the files cannot say that they are generated; `--check` notices a change by hand.
"""

from __future__ import annotations

import argparse
import csv
import io
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from tools import mappings
from tools.mappings import CATCH_ALL, MappingError, Row, read_table

ROOT = Path(__file__).resolve().parent.parent

# CSV column -> YAML key. The first column is what the lookup matches.
OPCODE_COLUMNS = {
    "opcode_key": "name",
    "opcode_code": "code",
    "command_type": "command_type",
    "category": "category",
    "description": "description",
    "risk": "risk",
    "provenance": "provenance",
}
RESPONSE_COLUMNS = {
    "response_code": "code",
    "response": "text",
    "response_class": "class",
    "response_meaning": "meaning",
    "provenance": "provenance",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Returns the exit status: 0 done or equal, 1 the files differ, 2 a mapping is wrong."""
    parser = argparse.ArgumentParser(prog="python -m tools.generate", description=__doc__)
    parser.add_argument(
        "--check", action="store_true", help="write nothing, exit 1 if a file differs"
    )
    parser.add_argument("--root", type=Path, default=ROOT, help="the add-on's source folder")
    options = parser.parse_args(arguments)
    try:
        lookups = build_lookups(options.root / "mappings")
    except MappingError as error:
        print(error, file=sys.stderr)
        return 2
    except OSError as error:
        print(
            f"{error.filename}: {error.strerror}; run this in the add-on's source", file=sys.stderr
        )
        return 2
    folder = options.root / "lookups"
    return report_differences(folder, lookups) if options.check else write_lookups(folder, lookups)


def build_lookups(folder: Path) -> dict[str, str]:
    """CSV text by file name.

    Raises MappingError for a mapping off its schema and OSError for one that cannot be read.
    """
    opcodes = read_table(folder, mappings.OPCODES)
    command_types = read_table(folder, mappings.COMMAND_TYPES)
    mappings.check_command_types(folder, opcodes, command_types)
    responses = read_table(folder, mappings.RESPONSES)
    return {
        "cloudhsm_opcodes.csv": _csv(OPCODE_COLUMNS, _cells(OPCODE_COLUMNS, opcodes)),
        "cloudhsm_responses.csv": _csv(
            ["response_key", *RESPONSE_COLUMNS], _response_cells(responses)
        ),
        "cloudhsm_command_types.csv": _type_csv("command_type", command_types),
        "cloudhsm_log_types.csv": _type_csv("log_type", read_table(folder, mappings.LOG_TYPES)),
        "cloudhsm_user_types.csv": _type_csv("user_type", read_table(folder, mappings.USER_TYPES)),
    }


def write_lookups(folder: Path, lookups: Mapping[str, str]) -> int:
    """Writes every lookup and returns 0."""
    folder.mkdir(exist_ok=True)
    for name, text in lookups.items():
        (folder / name).write_bytes(text.encode())
    return 0


def report_differences(folder: Path, lookups: Mapping[str, str]) -> int:
    """Names each lookup that differs and its first differing line; returns 1 if any does."""
    found = [
        line for name, text in lookups.items() for line in _difference(folder / name, text.encode())
    ]
    for line in found:
        print(f"{line}; run: python -m tools.generate", file=sys.stderr)
    return 1 if found else 0


def _difference(path: Path, wanted: bytes) -> Iterator[str]:
    if not path.is_file():
        yield f"{path}: is missing"
        return
    have, want = path.read_bytes().split(b"\n"), wanted.split(b"\n")
    for number in range(max(len(have), len(want))):
        if have[number : number + 1] != want[number : number + 1]:
            yield f"{path}:{number + 1}: differs from the mappings"
            return


def _type_csv(name: str, rows: Iterable[Row]) -> str:
    columns = {
        name: "name",
        f"{name}_code": "code",
        f"{name}_label": "label",
        "description": "description",
        "provenance": "provenance",
    }
    return _csv(columns, _cells(columns, rows))


def _cells(columns: Mapping[str, str], rows: Iterable[Row]) -> Iterator[list[str]]:
    for row in rows:
        yield [row.text(key) for key in columns.values()]


def _response_cells(rows: Sequence[Row]) -> Iterator[list[str]]:
    """The rows behind `response_key`, which an event builds as `<code>:<text>`.

    An event has a code and a text, a text alone (certificates; sentences whose code nobody
    published) or a code with a text that a later firmware reworded. So each response stands twice,
    as `*:<text>` and as `<code>:*`. The lookup takes the first row that fits; texts come first, as
    they are what a person can read and check. Success has no row by code: it must say so in words.
    """
    named = [row for row in rows if row.text("text") != CATCH_ALL]
    for row in named:
        yield [f"*:{row.text('text')}", *next(_cells(RESPONSE_COLUMNS, [row]))]
    for row in named:
        if row.text("code") and row.text("class") != "success":
            yield [f"{row.text('code')}:*", *next(_cells(RESPONSE_COLUMNS, [row]))]
    for row in rows:
        if row.text("text") == CATCH_ALL:
            yield [CATCH_ALL, *next(_cells(RESPONSE_COLUMNS, [row]))]


def _csv(header: Iterable[str], rows: Iterable[Sequence[str]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n", quoting=csv.QUOTE_MINIMAL)
    writer.writerow(header)
    writer.writerows(rows)
    return text.getvalue()


if __name__ == "__main__":
    sys.exit(main())

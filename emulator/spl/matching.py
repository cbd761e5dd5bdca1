"""rex and regex: regular expressions that extract fields, or choose rows."""

from __future__ import annotations

import re

from emulator.errors import SearchError
from emulator.eval.values import collapse
from emulator.regex import Regex, compile_regex
from emulator.spl.context import Command, ResultRow, command, single
from emulator.spl.syntax import options_anywhere

_QUOTED = re.compile(r'"(?P<text>(?:[^"\\]|\\.)*)"', re.DOTALL)
_CHOICE = re.compile(
    r'(?:(?P<field>\w+)\s*(?P<operator>!?=)\s*)?(?P<quoted>"(?:[^"\\]|\\.)*")', re.DOTALL
)


@command("rex")
def _rex(arguments: str) -> Command:
    """Search Reference, "rex": each named group becomes a field, where the regex matches."""
    settings, rest = options_anywhere(arguments, "rex", frozenset({"field", "max_match"}))
    name, most = settings.get("field", "_raw"), settings.get("max_match", "1")
    regex = _regex(rest, "rex")
    if not most.isdigit():
        raise SearchError(f"rex: max_match={most} is no number")
    if not regex.names:
        raise SearchError(
            f"rex: The regex '{regex.source}' does not extract anything. It should specify at least"
            " one named group. Format: (?<name>...)."
        )

    def extracted(row: ResultRow) -> ResultRow:
        text = single(row, name, "rex")
        return row if text is None else {**row, **_groups(regex, text, int(most))}

    return lambda results, _context: results.with_rows([extracted(row) for row in results.rows])


def _groups(regex: Regex, text: str, most: int) -> ResultRow:
    fields: dict[str, list[str]] = {name: [] for name in regex.names}
    for number, match in enumerate(regex.each(text), start=1):
        for name, value in match.groupdict().items():
            if value:
                fields[name].append(value)
        if number == most:
            break
    collapsed = ((name, collapse(values)) for name, values in fields.items())
    return {name: value for name, value in collapsed if value is not None}


@command("regex")
def _regex_command(arguments: str) -> Command:
    """Search Reference, "regex": keeps the rows whose field matches, with != the others."""
    match = _CHOICE.fullmatch(arguments.strip())
    if not match:
        raise SearchError(f'regex is modelled as regex <field>="...", or !=: {arguments}')
    regex, name = _regex(match["quoted"], "regex"), match["field"] or "_raw"
    wants_match = match["operator"] != "!="

    def is_kept(row: ResultRow) -> bool:
        text = single(row, name, "regex")
        if text is None and not wants_match:
            raise SearchError(f"regex {name}!= of a row without {name} is not modelled")
        return text is not None and regex.matches(text) is wants_match

    return lambda results, _context: results.with_rows(
        [row for row in results.rows if is_kept(row)]
    )


def _regex(quoted: str, command_name: str) -> Regex:
    """Search Manual, "SPL and regular expressions": a quote is escaped; a backslash in front of
    another one, too, which is refused, since how many are meant is easily mistaken.
    """
    match = _QUOTED.fullmatch(quoted.strip())
    if not match:
        raise SearchError(f"{command_name} needs one regex in double quotes: {quoted}")
    if "\\\\" in match["text"]:
        raise SearchError(f"{command_name}: two backslashes are not modelled: {quoted}")
    return compile_regex(match["text"].replace('\\"', '"'))

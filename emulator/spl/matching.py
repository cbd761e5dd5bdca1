"""rex and regex: regular expressions that extract fields, or choose rows."""

from __future__ import annotations

import re

from emulator.errors import SearchError
from emulator.eval.values import collapse
from emulator.regex import Regex, compile_regex
from emulator.spl.context import Row, Run, command, single
from emulator.spl.syntax import options_anywhere

_QUOTED = re.compile(r'"(?P<text>(?:[^"\\]|\\.)*)"', re.DOTALL)
_CHOICE = re.compile(
    r'(?:(?P<field>\w+)\s*(?P<operator>!?=)\s*)?(?P<quoted>"(?:[^"\\]|\\.)*")', re.DOTALL
)


@command("rex")
def _rex(arguments: str) -> Run:
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

    def extracted(row: Row) -> Row:
        text = single(row, name, "rex")
        return row if text is None else {**row, **_groups(regex, text, int(most))}

    return lambda results, _context: results.with_rows([extracted(row) for row in results.rows])


def _groups(regex: Regex, text: str, most: int) -> Row:
    found: dict[str, list[str]] = {name: [] for name in regex.names}
    for number, match in enumerate(regex.each(text), start=1):
        for name, value in match.groupdict().items():
            if value:
                found[name].append(value)
        if number == most:
            break
    held = ((name, collapse(values)) for name, values in found.items())
    return {name: value for name, value in held if value is not None}


@command("regex")
def _regex_command(arguments: str) -> Run:
    """Search Reference, "regex": keeps the rows whose field matches, with != the others."""
    found = _CHOICE.fullmatch(arguments.strip())
    if not found:
        raise SearchError(f'regex is modelled as regex <field>="...", or !=: {arguments}')
    regex, name = _regex(found["quoted"], "regex"), found["field"] or "_raw"
    wants_match = found["operator"] != "!="

    def is_kept(row: Row) -> bool:
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
    found = _QUOTED.fullmatch(quoted.strip())
    if not found:
        raise SearchError(f"{command_name} wants one regex in double quotes: {quoted}")
    if "\\\\" in found["text"]:
        raise SearchError(f"{command_name}: two backslashes are not modelled: {quoted}")
    return compile_regex(found["text"].replace('\\"', '"'))

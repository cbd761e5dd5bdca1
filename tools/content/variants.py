"""Numbered variants of operations: names that differ in a number at their end only.

Firmware names successors so (CN_WRAP_KEY2). Until more is known of one, it shares category, places
and detections with the operation that it is a variant of; a variant without an entry of its own is
reported as unknown.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from tools.content.eval_text import OPCODE, case, matches
from tools.content.mappings import Operation

# SPL: the record's operation without the number at its end; a number alone stays.
_WITHOUT_NUMBER = rf'replace({OPCODE}, "(?<=[A-Za-z_])\d+$", "")'
_ANY_NUMBER = r"\d*"
_NUMBER = re.compile(r"(?<=[A-Za-z_])\d+$")


class Variants:
    """The operations that have an entry, and which of them another opcode is a variant of."""

    def __init__(self, operations: Sequence[Operation]) -> None:
        self._base = {each.name: each.variant_of or each.name for each in operations}
        self._numbered = [name for name in self._base if _NUMBER.search(name)]
        # Names that are known with a number only, by what is before it.
        self._only_numbered: dict[str, list[str]] = {}
        for name in sorted(self._numbered, key=_number):
            stem = _stem(name)
            if stem not in self._base:
                self._only_numbered.setdefault(stem, []).append(name)

    def settings(self) -> Iterator[str]:
        """The EVALs by which lookups and searches find a record's operation."""
        unnumbered = [(_is(rf"{stem}\d+"), stem) for stem in sorted(self._only_numbered)]
        numbered = [(_is(*sorted(self._numbered)), OPCODE)] if self._numbered else []
        keys = [(is_stem, f'"{self._only_numbered[stem][-1]}"') for is_stem, stem in unnumbered]
        key = _case([*numbered, *keys])
        own = [name for name in sorted(self._numbered) if self._base[name] == name]
        other = {
            name: self._base[name]
            for name in sorted(self._numbered)
            if self._base[name] not in {name, _stem(name)} and _stem(name) in self._base
        }
        bases = [
            (is_stem, f'"{self._base[self._only_numbered[stem][-1]]}"')
            for is_stem, stem in unnumbered
        ]
        family = _case(
            [
                *([(_is(*own), OPCODE)] if own else []),
                *((_is(name), f'"{base}"') for name, base in other.items()),
                *bases,
            ]
        )
        yield f"EVAL-opcode_key = {key}"
        yield f"EVAL-opcode_family = {family}"
        yield f'EVAL-variant_of = nullif({key}, coalesce({OPCODE}, "(none)"))'

    def pattern(self, names: Sequence[str]) -> str:
        """A regular expression for these operations and what counts as a variant of one."""
        plain: list[str] = []
        others: list[str] = []
        for name in names:
            stem = _stem(name)
            siblings = self._only_numbered.get(stem) or [
                other for other in self._base if _stem(other) == stem
            ]
            first = stem if stem in self._base else siblings[-1]
            elsewhere = [other for other in siblings if not {other, self._base[other]} & {*names}]
            if name != first:
                others += [] if first in names else [name]
            elif name == stem and not elsewhere:
                plain.append(name)
            else:
                excluded = f"(?!(?:{'|'.join(elsewhere)})$)" if elsewhere else ""
                number = _ANY_NUMBER if stem in self._base else r"\d+"
                others.append(f"{excluded}{stem}{number}")
        together = [f"(?:{'|'.join(plain)}){_ANY_NUMBER}"] if plain else []
        return "|".join([*together, *others])


def _stem(name: str) -> str:
    return _NUMBER.sub("", name)


def _number(name: str) -> int:
    match = _NUMBER.search(name)
    return int(match.group()) if match else -1


def _is(*expressions: str) -> str:
    return matches(OPCODE, expressions)


def _case(branches: Sequence[tuple[str, str]]) -> str:
    return case([(f"isnull({OPCODE})", '"(none)"'), *branches, ("true()", _WITHOUT_NUMBER)])

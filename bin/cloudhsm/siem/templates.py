"""A record's text and origin become one line of JSON: completely for any text, quickly for most.

Nearly all records differ from one another in a few numbers and names only. The first few of a
shape go the complete way (`Meaning`, then a form). From then on its line is a template with
places for what varies, found by printing two records of that shape with made-up numbers and names,
and believed only if it prints the second of them, and the one at hand, exactly as the complete way
does.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Sequence
from functools import lru_cache
from json.encoder import encode_basestring_ascii
from operator import itemgetter
from typing import Any, NamedTuple

from cloudhsm.siem.evaluation import FieldValue
from cloudhsm.siem.json_values import instant
from cloudhsm.siem.output_formats import Form
from cloudhsm.siem.search_time import AUDIT, CERTIFICATE, Meaning, epoch_seconds
from cloudhsm.trail.record_identity import identify

# Of one shape so many records go the complete way before its template is made.
_PATIENCE = 2
_MOST_SHAPES = 20_000  # of some kilobytes each

# The published layouts as HSMs print them, plain names only. What may vary from one record to the
# next is a group `v...`; all between is captured too, and is the record's shape.
_USUAL = re.compile(
    r"Time: (?P<v_date>\d\d/\d\d/\d\d \d\d:\d\d:\d\d\.\d{6}), usecs:(?P<v_usecs>[1-3]\d{15})"
    r"(?P<a>\n(?:Version No[^\n]*\n)?Sequence No[ \t]{0,8}:[ \t]{0,8})"
    r"(?P<v_sequence>0x(?:0|[1-9a-f][0-9a-f]{0,12}))"
    r"(?P<b>\nReboot counter[ \t]{0,8}:[ \t]{0,8})(?P<v_reboot>0x(?:0|[1-9a-f][0-9a-f]{0,7}))"
    r"(?P<c>\n(?:Opcode|Command Type\(hex\))[ \t]{0,8}:[^\n]*"
    r"\n(?:Opcode|Command Type\(hex\))[ \t]{0,8}:[^\n]*)"
    r"(?:(?P<d>\nUser id[ \t]{0,8}:[ \t]{0,8})(?P<v_user_id>0|[1-9]\d{0,8}))?"
    r"(?P<e>\nSession Handle[ \t]{0,8}:[ \t]{0,8})(?P<v_session>0x(?:0|[1-9a-f][0-9a-f]{0,12}))"
    r"(?P<f>\nResponse[ \t]{0,8}:[^\n]*\nLog type[ \t]{0,8}:[^\n]*)"
    r"(?:(?P<g>\n(?:Priv/Secret |Public )?Key Handle[ \t]{0,8}:[ \t]{0,8}(?:0(?=\n|\Z))?)"
    r"(?P<v_key>[1-9]\d{0,18})?(?=\n|\Z))?"
    r"(?:(?P<h>\n(?:Priv/Secret |Public )?Key Handle[ \t]{0,8}:[ \t]{0,8}(?:0(?=\n|\Z))?)"
    r"(?P<v_other_key>[1-9]\d{0,18})?(?=\n|\Z))?"
    r"(?:(?P<i>\nUser Name[ \t]{0,8}: ?)(?P<v_user>[A-Za-z][\w.@-]{0,30}))?"
    r"(?P<j>(?:\nUser Type[ \t]{0,8}:[^\n]*)?(?:\nMechanism[ \t]{0,8}:[^\n]*)?)"
    r"(?:(?P<k>\nTarget User Name[ \t]{0,8}: ?)(?P<v_target>[A-Za-z][\w.@-]{0,30}))?"
    r"(?P<l>(?:\nTarget User Type[ \t]{0,8}:[^\n]*)?)"
    r"(?:(?P<m>\nTarget User id[ \t]{0,8}:[ \t]{0,8})(?P<v_target_id>0|[1-9]\d{0,8}))?"
    r"(?P<n>(?:\n(?:Mfa enabled|Operation|Number of Users)[ \t]{0,8}:[^\n]*){0,3})"
    r"(?:(?P<o>\nUserIDs[ \t]{0,8}: ?)(?P<v_user_ids>\d{1,9}(?: \d{1,9}){0,40}))?"
    r"(?:(?P<p>\nlocal time[ \t]{0,8}: ?)(?P<v_hsm_date>\d\d/\d\d/\d\d \d\d:\d\d:\d\d\.\d{6})"
    r"(?P<q>,? ?usec: ?)(?P<v_hsm_usecs>[1-3]\d{15})"
    r"(?P<r>\nhost time[ \t]{0,8}: ?)(?P<v_host_date>\d\d/\d\d/\d\d \d\d:\d\d:\d\d\.\d{6})"
    r"(?P<s>,? ?usec: ?)(?P<v_host_usecs>[1-3]\d{15})"
    r"(?P<t>\npropagation delay[ \t]{0,8}: ?usec: ?)(?P<v_delay>0|[1-9]\d{0,8}))?",
    re.ASCII,
)
_NAMES = sorted(_USUAL.groupindex, key=_USUAL.groupindex.__getitem__)
_shape_of = itemgetter(*(_USUAL.groupindex[one] - 1 for one in _NAMES if one[:2] != "v_"))
# What is not there is None, which is as good as "" here.
_VARYING = tuple(one for one in _NAMES if one[:2] == "v_")
_varying_of = itemgetter(*(_USUAL.groupindex[one] - 1 for one in _VARYING))

# Two sets of made-up values, in the order of `_VARYING`; none is part of another.
_MADE_UP = (
    (
        "11/22/33 04:05:06.070809",
        "1648271935172946",
        "0x5a7c3e1b9d",
        "0x7d3f5b19",
        "738291645",
        "0x6e8b2a4c7f",
        "8273645190918273645",
        "5647382910192837465",
        "Quixotic.Zephyr-1",
        "Jumbled@Vortex_2",
        "916283745",
        "192837465 546372819 28374655",
        "01/02/03 04:05:06.000001",
        "1537281946372819",
        "02/03/04 05:06:07.000002",
        "1492837465192837",
        "473829156",
    ),
    (
        "22/11/44 09:08:07.060504",
        "1951627384950617",
        "0x3b9e7d5c1f",
        "0x2c4e6a8b",
        "564738292",
        "0x1f9d3b7e5a",
        "7162534908172635449",
        "6354789102938475661",
        "Waltz.Nymph-3",
        "Glyphs@Bequeath_4",
        "827364517",
        "645546 918273644 73645518 2736",
        "05/04/03 02:01:00.000003",
        "1738291640291837",
        "06/05/04 03:02:01.000004",
        "1829102938471625",
        "384756291",
    ),
)

Origin = tuple[str, str]  # source and host as Splunk would have them; "" for none
Values = tuple[str, ...]


_new = tuple.__new__


class Printed(NamedTuple):
    """line: JSON, without a line end. status: its `record_status`.

    has_key: whether the record has a `record_key`, and the HSM or cluster it belongs to.
    """

    line: str
    status: str
    has_key: bool


class _Template(NamedTuple):
    """A line with places, and which of a record's values go there."""

    text: str
    places: Callable[[Values], Any]
    status: str
    has_key: bool

    def of(self, values: Values) -> Printed:
        return _new(Printed, (self.text % self.places(values), self.status, self.has_key))


class Printer:
    """Prints records in one form."""

    def __init__(self, meaning: Meaning, form: Form) -> None:
        self._meaning = meaning
        self._form = form
        self._seen: dict[tuple[Origin, Values], int] = {}
        # None for a shape of which no template prints what the complete way does.
        self._templates: dict[tuple[Origin, Values], _Template | None] = {}

    def line(self, text: str, origin: Origin, arrived: int | None = None) -> Printed:
        """arrived: when it came, in microseconds since 1970; the time of a record without one."""
        usual = _USUAL.fullmatch(text)
        if usual is None:
            return self.complete(text, origin, arrived)
        groups = usual.groups()
        varying = _varying_of(groups)
        key = origin, _shape_of(groups)
        template = self._templates.get(key)
        if template is None or not _are_different(varying):
            return self._first(key, usual, arrived)
        return template.of(_values(text, varying))

    def complete(self, text: str, origin: Origin, arrived: int | None = None) -> Printed:
        """The complete way, which any text can go."""
        source, host = origin
        usecs = _usecs_of(text, arrived)
        known: dict[str, FieldValue] = {"_raw": text, "sourcetype": _sourcetype(text)}
        known |= {name: one for name, one in (("source", source), ("host", host)) if one}
        if usecs is not None:
            known["_time"] = epoch_seconds(usecs)
        fields = self._meaning.of(known)
        line = json.dumps(self._form(fields, usecs), separators=(",", ":"))
        has_key = "record_key" in fields and ("hsm_id" in fields or "cluster_id" in fields)
        return Printed(line, str(fields["record_status"]), has_key)

    def _first(
        self, key: tuple[Origin, Values], usual: re.Match[str], arrived: int | None
    ) -> Printed:
        """One of the first of its shape, or one that the shape's template does not serve."""
        printed = self.complete(usual.string, key[0], arrived)
        if key not in self._templates:
            self._seen[key] = self._seen.get(key, 0) + 1
            if self._seen[key] >= _PATIENCE and _are_different(_varying_of(usual.groups())):
                self._forget_if_full()
                self._templates[key] = self._learned(key[0], usual, printed)
        return printed

    def _forget_if_full(self) -> None:
        """So that hostile text, each record of another shape, takes no more memory than this."""
        if len(self._seen) >= _MOST_SHAPES:
            self._seen.clear()
            self._templates.clear()

    def _learned(self, origin: Origin, usual: re.Match[str], printed: Printed) -> _Template | None:
        (one, its_values), (other, other_values) = (_made_up(usual, values) for values in _MADE_UP)
        template = _template(self.complete(one, origin), its_values)
        expected = (self.complete(other, origin), printed)
        own = _values(usual.string, _varying_of(usual.groups()))
        return template if (template.of(other_values), template.of(own)) == expected else None


def _made_up(usual: re.Match[str], values: Values) -> tuple[str, Values]:
    """The same record with other numbers and names, and what a line may show of them."""
    pieces, end = [], 0
    varying = ["" if usual[name] is None else one for name, one in zip(_VARYING, values)]
    for name, value in zip(_VARYING, varying):
        if value:
            pieces += [usual.string[end : usual.start(name)], value]
            end = usual.end(name)
    text = "".join([*pieces, usual.string[end:]])
    return text, _values(text, varying)


def _values(text: str, varying: Sequence[str]) -> Values:
    """All that a line may show of what varies, in each spelling."""
    _date, usecs, sequence, reboot, *others = varying
    return (
        encode_basestring_ascii(text),
        _digest(text),
        f"{_instant(usecs[:10])}.{usecs[10:]}Z",
        usecs,
        usecs[:13],
        sequence,
        str(int(sequence, 16)),
        reboot,
        str(int(reboot, 16)),
        *others,
    )


def _digest(text: str) -> str:
    """The `record_digest` of a text without anything to normalize; other lines never show it."""
    return hashlib.sha256(text.encode(errors="replace")).hexdigest()[:32]


@lru_cache(maxsize=64)
def _instant(seconds: str) -> str:
    return str(instant(int(seconds) * 1_000_000))[:19]


def _are_different(varying: Sequence[str]) -> bool:
    """What is equal may be told once only: then the complete way says how."""
    user_id, _session, key, other, user, target, target_id = varying[4:11]
    return (
        (not key or key != other)
        and (not user or user != target)
        and (not user_id or user_id != target_id)
    )


def _template(printed: Printed, values: Values) -> _Template:
    """Finds the values in the line; the longest first, since one may begin as another does."""
    numbers = {value: number for number, value in enumerate(values) if value}
    spelled = sorted(numbers, key=len, reverse=True)
    pieces = re.split(f"({'|'.join(map(re.escape, spelled))})", printed.line)
    text = "%s".join(piece.replace("%", "%%") for piece in pieces[::2])
    return _Template(
        text, itemgetter(*(numbers[one] for one in pieces[1::2])), printed.status, printed.has_key
    )


def _sourcetype(text: str) -> str:
    return CERTIFICATE if text[:9].lstrip().startswith("{") else AUDIT


def _usecs_of(text: str, arrived: int | None) -> int | None:
    own = identify(text).usecs
    return arrived if own is None else own

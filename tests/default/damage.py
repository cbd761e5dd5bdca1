"""Damages records, by seed: cut, torn, glued, garbled. Every damage can be detected. Pure.

Damage that the text cannot show is not made: a cut inside the last value, a user name that was
changed into another, a complete optional line that is gone.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from samples.rng import Rng, T
from tests.default import corpus_certificates, corpus_opcodes
from tests.default.corpus import Sample
from tests.default.corpus_layouts import NEWER, OLDER, all_fields

SEED = 11
AUDIT, CERTIFICATE = "aws:cloudhsm:audit", "aws:cloudhsm:certificate"
# A file's records begin with this, and with nothing less.
_FIRST_LINE = re.compile(r"(?m)^Time: \d\d/\d\d/\d\d \d\d:\d\d:\d\d\.\d{6}, usecs:\d")
_REQUIRED = (
    "Sequence No",
    "Reboot counter",
    "Opcode",
    "Command Type(hex)",
    "Session Handle",
    "Response",
    "Log type",
)
_NAMED = ("Opcode", "Command Type(hex)", "Log type")
_NUMBERS = ("Sequence No", "Reboot counter")
_KEYS = ("Time", *(key for key, _ in all_fields(NEWER).lines))
_BASES = (
    "CN_LOGIN success older",
    "CN_LOGIN failure newer",
    "CN_CREATE_USER success older",
    "CN_DELETE_USER success newer",
    "CN_GENERATE_KEY_PAIR success older",
    "CN_WRAP_KEY failure newer",
    "CN_SHARE_OBJECT success newer",
    "CN_BACKUP_BEGIN success newer",
    "CN_INIT_DONE success older",
    "TIME_INFO newer",
)
_RUN = 100_000
_CONTROLS = {
    "NUL": "\x00",
    "escape": "\x1b[2J",
    "bell": "\x07",
    "lone surrogate": "\udcff",
    "not a character": "\uffff",
    "written out": "\\u0000",
}
_INVISIBLE = {
    "right-to-left override": "\u202e",
    "isolate": "\u2066",
    "zero width space": "\u200b",
    "byte order mark": "\ufeff",
    "soft hyphen": "\u00ad",
}


@dataclass(frozen=True)
class Damaged:
    """A damaged record and what was done to it; `is_whole`: a file shows it as one event too."""

    name: str
    text: str
    sourcetype: str = AUDIT
    is_whole: bool = True


Torn = Iterator[tuple[str, str]]  # what was done, and what is left
Mutator = Callable[[str, Rng], Torn]


def damaged_records() -> list[Damaged]:
    """All damaged records, the same ones each time and none twice."""
    return [*{d.text: d for d in (*_audit_records(), *_certificate_records())}.values()]


def _audit_records() -> Iterator[Damaged]:
    for sample in _bases():
        for mutate in MUTATORS:
            rng = Rng(SEED, mutate.__name__, sample.name)
            for what, text in mutate(sample.text, rng):
                name = f"{sample.name}: {what}"
                yield Damaged(name, text, is_whole=_starts(text) == [0])


def _starts(text: str) -> list[int]:
    return [match.start() for match in _FIRST_LINE.finditer(text)]


def _bases() -> list[Sample]:
    corpora = corpus_opcodes.corpora()
    known = {sample.name: sample for corpus in corpora for sample in corpus.samples}
    return [*(known[name] for name in _BASES), all_fields(OLDER), all_fields(NEWER)]


def _cut_inside_a_required_line(text: str, rng: Rng) -> Torn:
    """Anywhere before the value of the last line that such a record has: then that is missing."""
    end = text.index("Log type")
    for _ in range(5):
        cut = rng.between(1, end - 1)
        yield f"cut at {cut}", text[:cut]


def _cut_inside_a_letter(text: str, rng: Rng) -> Torn:
    """A cut that goes by bytes leaves half a letter, which a decoder replaces."""
    named = text.replace("Response : ", "Response : zażółć ", 1).encode()
    cut = named.index("ż".encode()) + 1
    yield "cut inside a letter", named[:cut].decode(errors="replace")


def _cut_inside_a_last_key(text: str, rng: Rng) -> Torn:
    for number in _optional(text):
        lines = text.split("\n")
        key = lines[number].partition(":")[0].rstrip()
        cut = rng.between(1, len(key) - 1)
        if key[:cut] not in _KEYS:
            yield f"cut inside the key {key} at {cut}", "\n".join([*lines[:number], key[:cut]])
        yield f"cut behind the key {key}", "\n".join([*lines[:number], key])


def _line_dropped(text: str, rng: Rng) -> Torn:
    lines = text.split("\n")
    yield "first line dropped", "\n".join(lines[1:])
    for key in _REQUIRED:
        number = _line_of(lines, key)
        yield f"{key} dropped", "\n".join(lines[:number] + lines[number + 1 :])


def _line_doubled(text: str, rng: Rng) -> Torn:
    lines = text.split("\n")
    for number in _some(range(len(lines)), 3, rng):
        key = lines[number].partition(":")[0].rstrip()
        below = rng.between(number + 1, len(lines))
        yield (
            f"{key} doubled as line {below}",
            "\n".join([*lines[:below], lines[number], *lines[below:]]),
        )


def _lines_swapped(text: str, rng: Rng) -> Torn:
    """Only what matters: lines of the head may come in any order."""
    lines = text.split("\n")
    second = _line_of(lines, "Sequence No")
    rest = [*lines[1:second], *lines[second + 1 :]]
    yield "sequence above the first line", "\n".join([lines[second], lines[0], *rest])
    if "\nUser Name" not in text:
        return
    for key in _some(_REQUIRED, 2, rng):
        number = _line_of(lines, key)
        below = [*lines[:number], *lines[number + 1 :], lines[number]]
        yield f"{key} below the user name", "\n".join(below)


def _key_garbled(text: str, rng: Rng) -> Torn:
    lines = text.split("\n")
    for number in _some(range(len(lines)), 4, rng):
        key, colon, value = lines[number].partition(":")
        at = rng.between(1, len(key.rstrip()) - 2)
        garbled = rng.pick(
            [
                key[:at] + key[at + 1 :],
                key[:at] + "#" + key[at:],
                key[:at] + "\N{REPLACEMENT CHARACTER}" + key[at + 1 :],
                key[:at] + key[at].swapcase() + key[at + 1 :],
            ]
        )
        if garbled.rstrip() not in _KEYS:
            torn = [*lines[:number], garbled + colon + value, *lines[number + 1 :]]
            yield f"key {key.rstrip()} garbled", "\n".join(torn)


def _value_gone(text: str, rng: Rng) -> Torn:
    lines = text.split("\n")
    for key in _some(_REQUIRED, 2, rng):
        number = _line_of(lines, key)
        torn = [*lines[:number], f"{key} : ", *lines[number + 1 :]]
        yield f"value of {key} gone", "\n".join(torn)


def _glued(text: str, rng: Rng) -> Torn:
    other = all_fields(OLDER).text
    yield "another record glued behind", text + other
    cut = rng.between(text.index("\n") + 1, text.index("Log type"))
    yield f"cut at {cut} and another glued behind", text[:cut] + other
    yield "glued to itself", text + text
    yield "the start of another on a new line", f"{text}\n{text[: rng.between(5, 30)]}"


def _line_ends_mixed(text: str, rng: Rng) -> Torn:
    lines = text.split("\n")
    at = rng.between(1, len(lines) - 1)
    yield "one line end CR LF", "\n".join(lines[:at]) + "\r\n" + "\n".join(lines[at:])
    yield "one line end LF", "\r\n".join(lines[:at]) + "\n" + "\r\n".join(lines[at:])
    yield "line ends gone", "".join(lines)


def _control_character(text: str, rng: Rng) -> Torn:
    what = rng.pick([*_CONTROLS])
    for key in _some(_named(text), 2, rng):
        yield f"{what} inside {key}", _within_value(text, key, _CONTROLS[what], rng)
    for key in _some(_REQUIRED, 1, rng):
        yield f"{what} inside the key {key}", _within_key(text, key, _CONTROLS[what], rng)


def _invisible_character(text: str, rng: Rng) -> Torn:
    what = rng.pick([*_INVISIBLE])
    for key in _some(_named(text), 1, rng):
        yield f"{what} inside {key}", _within_value(text, key, _INVISIBLE[what], rng)
    for key in _some(_REQUIRED, 1, rng):
        yield f"{what} inside the key {key}", _within_key(text, key, _INVISIBLE[what], rng)
        yield f"{what} before the key {key}", text.replace(f"\n{key}", f"\n{_INVISIBLE[what]}{key}")


def _run(text: str, rng: Rng) -> Torn:
    lines = text.split("\n")
    at = rng.between(1, len(lines) - 1)
    filling = rng.pick(["A", "\t", ":", "0x", " : ", "\n", "\r\n", "Time: ", "(((", "\\"])
    run = filling * (_RUN // len(filling))
    junk = "\n".join([*lines[:at], f"A{run}A", *lines[at:]])
    yield f"a run of {filling!r} on a line of its own", junk
    key = rng.pick(_named(text))
    yield f"a run of letters inside {key}", _within_value(text, key, "A" * _RUN, rng)


def _number_garbled(text: str, rng: Rng) -> Torn:
    for key in _NUMBERS:
        what = rng.pick([*_CONTROLS])
        yield f"{what} in the number {key}", _within_value(text, key, _CONTROLS[what], rng)
    at = text.index("usecs:") + len("usecs:") + rng.between(1, 15)
    yield "NUL in the microseconds", f"{text[:at]}\x00{text[at:]}"


def _line_end_a_lone_return(text: str, rng: Rng) -> Torn:
    lines = text.split("\n")
    at = rng.between(1, len(lines) - 1)
    yield f"line end {at} a lone CR", "\n".join(lines[:at]) + "\r" + "\n".join(lines[at:])


def _user_without_a_type(text: str, rng: Rng) -> Torn:
    lines = text.split("\n")
    for whose in ("User", "Target User"):
        if f"\n{whose} Name" in text:
            number = _line_of(lines, f"{whose} Type")
            yield f"{whose} Type dropped", "\n".join(lines[:number] + lines[number + 1 :])
            torn = [*lines[: number - 1], *lines[number:], lines[number - 1]]
            yield f"{whose} Name below all others", "\n".join(torn)


def _cut_before_a_last_value(text: str, rng: Rng) -> Torn:
    lines = text.split("\n")
    for number in _optional(text):
        key = lines[number].partition(":")[0]
        yield f"cut behind the colon of {key}", "\n".join([*lines[:number], f"{key}:"])


def _nothing_left(text: str, rng: Rng) -> Torn:
    yield "all letters gone", re.sub("[A-Za-z]", "", text)
    yield "every colon gone", text.replace(":", "")
    yield (
        "read as UTF-16",
        text.encode()[: len(text.encode()) // 2 * 2].decode("utf-16-le", errors="replace"),
    )


# In this order; each has dice of its own, so that a new one changes no other.
MUTATORS: tuple[Mutator, ...] = (
    _cut_inside_a_required_line,
    _cut_inside_a_letter,
    _cut_inside_a_last_key,
    _line_dropped,
    _line_doubled,
    _lines_swapped,
    _key_garbled,
    _value_gone,
    _glued,
    _line_ends_mixed,
    _control_character,
    _invisible_character,
    _run,
    _number_garbled,
    _line_end_a_lone_return,
    _user_without_a_type,
    _cut_before_a_last_value,
    _nothing_left,
)


def _certificate_records() -> Iterator[Damaged]:
    (corpus,) = corpus_certificates.corpora()
    for sample in (corpus.samples[1], corpus.samples[18], corpus.samples[21]):
        rng = Rng(SEED, "certificate", sample.name)
        for what, text in _damaged_json(sample.text, rng):
            yield Damaged(f"{sample.name}: {what}", text, CERTIFICATE, _is_one_object(text))


def _is_one_object(text: str) -> bool:
    return [match.start() for match in re.finditer(r"(?m)^\{", text)] == [0]


def _damaged_json(text: str, rng: Rng) -> Torn:
    for _ in range(5):
        cut = rng.between(1, len(text) - 1)
        yield f"cut at {cut}", text[:cut]
    for key in ("object_handle", "op_code", "response", "attributes", "timestamp"):
        at = rng.between(1, len(key) - 1)
        yield f"key {key} garbled", text.replace(f'"{key}"', f'"{key[:at]}#{key[at:]}"')
        yield f"quote of {key} gone", text.replace(f'"{key}"', f'"{key}', 1)
    yield "first brace gone", text[1:].lstrip()
    yield "glued to itself", text + text
    yield "single quotes", text.replace('"', "'")
    yield "NUL in the operation", re.sub(r'("op_code": ".)', "\\1\x00", text)
    yield "NUL in the answer", re.sub(r'("response": ".)', "\\1\x00", text)
    yield "letters in the time", text.replace('"timestamp": ', '"timestamp": x')
    yield "text behind", f"{text} ]"


def _named(text: str) -> tuple[str, ...]:
    """The lines whose value a table knows; a refusal is known by its number, with any text."""
    return (*_NAMED, "Response") if "Response : 0:" in text else _NAMED


def _optional(text: str) -> list[int]:
    """The lines after the last required line."""
    lines = text.split("\n")
    return [*range(max(_line_of(lines, key) for key in _REQUIRED) + 1, len(lines))]


def _line_of(lines: list[str], key: str) -> int:
    return next(number for number, line in enumerate(lines) if line.startswith(f"{key} "))


def _within_value(text: str, key: str, inserted: str, rng: Rng) -> str:
    """With a text after a character of the name that is this line's value."""
    start = text.index(f"\n{key} : ") + len(f"\n{key} : ")
    end = start + len(re.split(r"[ \n]", text[start:], maxsplit=1)[0])
    at = rng.between(start + 1, end - 1)
    return text[:at] + inserted + text[at:]


def _within_key(text: str, key: str, inserted: str, rng: Rng) -> str:
    at = text.index(f"\n{key} : ") + 1 + rng.between(1, len(key) - 1)
    return text[:at] + inserted + text[at:]


def _some(things: Iterable[T], count: int, rng: Rng) -> list[T]:
    """So many different ones of them, in their order."""
    rest = list(things)
    while len(rest) > count:
        rest.pop(rng.between(0, len(rest) - 1))
    return rest

"""The steps of a search, in Splunk's order, compiled once per set of matching stanzas.

Order (Knowledge Manager Manual, "The sequence of search-time operations"): EXTRACT, REPORT,
KV_MODE, FIELDALIAS, EVAL, LOOKUP, event types, tags; field filters come first, but no add-on ships
any. Within a step, classes go in ASCII order, and a step sees only what earlier steps made.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from emulator.conf.conf_file import Setting, Stanza
from emulator.conf.props import Rules
from emulator.errors import ConfError, EmulatorError
from emulator.eval.expression import compile_calculated_field
from emulator.eval.values import field_value
from emulator.event import METADATA_FIELDS
from emulator.search_time.automatic_lookups import LookupUse, lookup_use
from emulator.search_time.extraction import (
    EventFields,
    Step,
    check_target,
    inline_extraction,
    json_step,
    limits_of,
    transform_step,
)
from emulator.search_time.lookups import AnyLookup, Stores

_FIELD_NAME = re.compile(r"[A-Za-z_][\w.:]*", re.ASCII)
_KEYWORDS = frozenset({"AS", "ASNEW"})
_WORD = re.compile(r'\s*(?:"([^"]*)"|([^\s,"]+))[\s,]*')


@dataclass(frozen=True)
class Transforms:
    """What transforms.conf defines: stanzas for REPORT, and lookups."""

    reports: Mapping[str, Stanza]
    lookups: Mapping[str, AnyLookup]


LookupStep = Callable[[EventFields, Stores], None]


@dataclass(frozen=True)
class Steps:
    """The search-time steps of merged props settings: those before LOOKUP, and those of LOOKUP,
    which also get the records of KV store collections.
    """

    before: tuple[Step, ...]
    lookups: tuple[LookupStep, ...]


def compile_steps(rules: Rules, transforms: Transforms) -> Steps:
    """The steps up to LOOKUP for merged props settings. Raises EmulatorError with a location."""
    before = (
        *_extracts(rules),
        *_reports(rules, transforms),
        *_automatic(rules),
        *_aliases(rules),
        *_calculated(rules),
    )
    return Steps(before, tuple(_lookups(rules, transforms)))


def check_rules(rules: Rules, transforms: Transforms) -> None:
    """Compile a stanza that applies only together with others ([source::...])."""
    for setting in classes(rules, "EXTRACT-"):
        inline_extraction(setting, lambda _name: True, limits_of(dict(rules)))
    for check in (_reports(rules, transforms), _aliases(rules), _lookups(rules, transforms)):
        list(check)
    _calculated(rules)


def classes(rules: Rules, prefix: str) -> list[Setting]:
    """The settings of that kind in ASCII order of their classes."""
    return [rules[key] for key in sorted(rules) if key.startswith(prefix)]


def _located(setting: Setting, step: Step) -> Step:
    """The step, with the setting's location on each error."""

    def run(fields: EventFields) -> None:
        try:
            step(fields)
        except EmulatorError as error:
            raise error.at(setting.location) from error

    return run


# --- EXTRACT, REPORT, KV_MODE


def _extracts(rules: Rules) -> Iterable[Step]:
    available = set(METADATA_FIELDS)
    limits = limits_of(dict(rules))
    for setting in classes(rules, "EXTRACT-"):
        extraction = inline_extraction(setting, available.__contains__, limits)
        available.update(extraction.names)
        yield _located(setting, extraction.step)


def _reports(rules: Rules, transforms: Transforms) -> Iterable[Step]:
    for setting in classes(rules, "REPORT-"):
        for name in re.split(r"\s*,\s*", setting.value):
            stanza = transforms.reports.get(name)
            if stanza is None:
                raise ConfError(
                    f"transforms.conf has no stanza [{name}] for REPORT", setting.location
                )
            yield _located(setting, transform_step(stanza))


def _automatic(rules: Rules) -> Iterable[Step]:
    setting = rules.get("KV_MODE")
    if setting is None:
        where = next(iter(rules.values())).location if rules else None
        raise ConfError("KV_MODE is auto by default: not modelled, set none or json", where)
    if setting.value == "json":
        yield _located(setting, json_step)
    elif setting.value != "none":
        raise ConfError(
            f"KV_MODE = {setting.value} is not modelled: set none or json", setting.location
        )


# --- FIELDALIAS


def _aliases(rules: Rules) -> Iterable[Step]:
    """All aliases, read from the state before this step."""
    parsed = [
        (setting, *alias)
        for setting in classes(rules, "FIELDALIAS-")
        for alias in _alias_pairs(setting)
    ]
    targets: set[str] = set()
    for setting, _original, _keyword, target in parsed:
        check_target(target, setting)
        if target in targets:
            raise ConfError(
                f"two aliases write {target}: use EVAL- with coalesce", setting.location
            )
        targets.add(target)
    for setting, original, keyword, target in parsed:
        if original in targets:
            raise ConfError(f"{original} is itself an alias: alias its source", setting.location)
        yield _alias_step(original, keyword, target)


def _alias_pairs(setting: Setting) -> list[tuple[str, str, str]]:
    words = words_of(setting)
    if not words or len(words) % 3 or any(word.upper() not in _KEYWORDS for word in words[1::3]):
        raise ConfError("write FIELDALIAS-x = original AS alias (or ASNEW)", setting.location)
    triples = zip(words[::3], words[1::3], words[2::3])
    return [(original, keyword.upper(), target) for original, keyword, target in triples]


def _alias_step(original: str, keyword: str, target: str) -> Step:
    def overwrite(fields: EventFields) -> None:
        value = fields.get(original)
        if value is None:
            fields.pop(target, None)
        else:
            fields[target] = value

    def fill(fields: EventFields) -> None:
        if target not in fields and original in fields:
            fields[target] = fields[original]

    return overwrite if keyword == "AS" else fill


# --- EVAL


def _calculated(rules: Rules) -> Iterable[Step]:
    """One step for all EVAL-: they run in parallel."""
    compiled = []
    for setting in classes(rules, "EVAL-"):
        name = setting.key[len("EVAL-") :]
        if not _FIELD_NAME.fullmatch(name):
            raise ConfError(f"{name!r} is no name of a field", setting.location)
        check_target(name, setting)
        try:
            compiled.append((name, setting, compile_calculated_field(setting.value).run))
        except EmulatorError as error:
            raise error.at(setting.location) from error

    def step(fields: EventFields) -> None:
        results = []
        for name, setting, run in compiled:
            try:
                results.append((name, field_value(run(fields))))
            except EmulatorError as error:
                raise error.at(setting.location) from error
        for name, value in results:
            if value is None:
                fields.pop(name, None)
            else:
                fields[name] = value

    return [step] if compiled else []


# --- LOOKUP


def _lookups(rules: Rules, transforms: Transforms) -> Iterable[LookupStep]:
    written: set[str] = set()
    uses = [(setting, _lookup_use(setting, transforms)) for setting in classes(rules, "LOOKUP-")]
    for setting, use in uses:
        for _column, name in use.output:
            check_target(name, setting)
            written.add(name)
    for setting, use in uses:
        chained = written & {name for _column, name in use.match}
        if chained:
            raise ConfError(
                f"matches {', '.join(sorted(chained))}, which a lookup writes: lookups cannot"
                " depend on each other",
                setting.location,
            )
        yield _lookup_step(use, setting)


def _lookup_use(setting: Setting, transforms: Transforms) -> LookupUse:
    try:
        use = lookup_use(words_of(setting), transforms.lookups)
    except EmulatorError as error:
        raise error.at(setting.location) from error
    use.lookup.check_automatic(setting, [column for column, _field in (*use.match, *use.output)])
    return use


def _lookup_step(use: LookupUse, setting: Setting) -> LookupStep:
    apply = use.compiled()

    def step(fields: EventFields, stores: Stores) -> None:
        try:
            apply(fields, stores)
        except EmulatorError as error:
            raise error.at(setting.location) from error

    return step


def words_of(setting: Setting) -> list[str]:
    """The words of a FIELDALIAS or LOOKUP value; commas and blanks separate, quotes group."""
    words, position = [], 0
    while position < len(setting.value):
        match = _WORD.match(setting.value, position)
        if not match:
            raise ConfError(f"{setting.key}: unbalanced quotes", setting.location)
        words.append(match[1] if match[1] is not None else match[2])
        position = match.end()
    return words

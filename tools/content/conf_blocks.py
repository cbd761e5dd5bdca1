"""Writes the generated blocks of `default/*.conf`; everything around them is written by hand.

A block is between `# >>> <title>: generated from <source>` and `# <<<`. Its contents follow
from the mappings and, where a rule repeats another, from the hand-written lines of the same stanza:
so a record's keys, its values' forms and the rules of the source type are each written once.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from emulator.conf.conf_file import parse_conf
from tools.content.eval_text import OPCODE, case, matches
from tools.content.mappings import Activity, Operation
from tools.content.variants import Variants

AUDIT = "aws:cloudhsm:audit"
CERTIFICATE = "aws:cloudhsm:certificate"

# What precedes the key in an EXTRACT: of the first line, of the head (down to the first user
# name) and below it. With it: the options of the regex, its start without them, the key's colon.
_COLON = r"[ \t]*+:"
_TIME = r"\A\s{0,8}"
_HEAD = rf"\A(?:(?!(?:Target )?User Name{_COLON})[^\r\n]*+[\r\n]++){{0,40}}?"
_STARTS = {_HEAD: ("", _HEAD, _COLON), _TIME: ("", _TIME, ":"), "(?m)^": ("(?m)", "^", _COLON)}
# No copy of a record on one line is longer, in characters.
_ONE_LINE = 4000
# A record of more lines than this is ambiguous already, and no rule walks further.
_LINES = 60

# How sources of other collectors begin: the Region's, or at once with the log group. (Ours begin
# with the account's number, and so do those of the collector's own events, which are no records.)
_REGIONS = ("af", "ap", "ca", "cn", "eu", "eusc", "il", "me", "mx", "sa", "us")
_SEARCH_TIME = re.compile(r"(?:EXTRACT|REPORT|EVAL|LOOKUP)-|KV_MODE$")

StanzaSettings = Mapping[str, str]


class BlockProblem(Exception):
    """A conf file lacks a block, or a stanza that one follows from; the message states which."""


def props(
    text: str,
    record_keys: Sequence[str],
    operations: Sequence[Operation],
    rules: Sequence[Activity],
) -> str:
    """`default/props.conf` with its blocks as they follow from the mappings."""
    by_hand = _settings(text, AUDIT)
    text = with_block(text, "keys", _key_settings(by_hand, record_keys))
    text = with_block(text, "one line", _one_line_settings(by_hand, record_keys))
    text = with_block(text, "actors", _actor_settings(by_hand, operations))
    text = with_block(text, "activity", _activity_settings(operations, rules))
    return with_block(text, "other collectors", _other_collectors(text))


def transforms(text: str, props_text: str) -> str:
    """`default/transforms.conf` with its block as it follows from `default/props.conf`."""
    return with_block(text, "keys", _key_transforms(_settings(props_text, AUDIT)))


# --- keys that occur twice


def _key_settings(settings: StanzaSettings, record_keys: Sequence[str]) -> Iterator[str]:
    names = [f"cloudhsm_repeated_{name}" for name, _ in _repeated(settings)]
    yield f"REPORT-cloudhsm_keys = {', '.join(names)}"
    yield f"EXTRACT-zz_ambiguous = {_ambiguous(record_keys)}"
    yield f"EXTRACT-zz_repeating = {_repeating(record_keys)}"
    known = rf"(?:{_alternatives(record_keys)}){_COLON}[^\r\n]*+|[ \t]*+(?=[\r\n]|\z)"
    line = rf"(?:\A|(?<![\r\n])[\r\n]++)(?:{known})"
    yield (f'EVAL-unparsed = nullif(replace(replace(_raw, "{line}", ""), "\\A[\\r\\n]++", ""), "")')


def _repeating(record_keys: Sequence[str]) -> str:
    """The complete record, if a key occurs twice in it: only then the transforms do anything."""
    line = r"[^\r\n]*+[\r\n]++"
    twice = rf"({_alternatives(record_keys)}){_COLON}{line}(?:{line}){{0,{_LINES}}}?\1{_COLON}"
    return rf"\A(?=(?:{line}){{0,{_LINES}}}?{twice})(?<repeating>.+)\z"


def _ambiguous(record_keys: Sequence[str]) -> str:
    """Where a record stops being plain; what it captures is the line at which that begins."""
    keys = _alternatives(record_keys)
    walk = rf"[^\r\n]*+[\r\n]++(?:[^\r\n]*+[\r\n]++){{0,{_LINES}}}?"
    reasons = [
        rf"({keys}){_COLON}{walk}\2{_COLON}",
        rf"((?:Target )?User )Name{_COLON}[^\r\n]*+(?:\r(?!\n)|\r?\n(?!\3Type{_COLON}|\z))",
        r"[^\r\n]*+\r(?!\n)",
        rf"\A[^\n]*+(?:(?<=\r)\n(?:[^\n]*+(?<=\r)\n){{0,{_LINES}}}+[^\n]*+(?<!\r)\n"
        rf"|(?<!\r)\n(?:[^\n]*+(?<!\r)\n){{0,{_LINES}}}+[^\n]*+(?<=\r)\n)",
        rf"\A(?:[^\n]*+\n){{{_LINES}}}",
    ]
    return rf"^(?=\s{{0,8}}+(?<ambiguous_at>[^\r\n]++))(?:{'|'.join(reasons)})"


def _key_transforms(settings: StanzaSettings) -> Iterator[str]:
    for name, regex in _repeated(settings):
        yield from (f"[cloudhsm_repeated_{name}]", "SOURCE_KEY = repeating", f"REGEX = {regex}")
        yield from ("MV_ADD = true", "")


def _repeated(settings: StanzaSettings) -> Iterator[tuple[str, str]]:
    """For each EXTRACT of one key: its class, and a regex for the key's further lines.

    It starts from where the EXTRACT finds the key, so that a line which only a forged name has is
    no second one of anything.
    """
    between = rf"(?:[^\r\n]*+[\r\n]++){{0,{_LINES}}}?"
    for name, prefix, key, value in _keyed(settings):
        options, start, colon = _STARTS[prefix]
        first = rf"{options}(?:{start}{key}{colon}|(?!\A)\G)[^\r\n]*+[\r\n]++"
        yield name, f"{first}{between}{key}{colon}{value}"


def _keyed(settings: StanzaSettings) -> Iterator[tuple[str, str, str, str]]:
    """Class, prefix, key and value's regex of each EXTRACT that is written for one key."""
    for setting, regex in settings.items():
        prefix = next((start for start in _STARTS if regex.startswith(start)), None)
        generated = setting.startswith(("EXTRACT-zz_", "EXTRACT-one_line"))
        if setting.startswith("EXTRACT-") and prefix and not generated:
            key, _, value = regex[len(prefix) :].partition(_STARTS[prefix][2])
            yield setting[len("EXTRACT-") :], prefix, key, value


def _alternatives(keys: Iterable[str]) -> str:
    """The keys for a regex; a key that begins another comes after it."""
    return "|".join(key.replace("(", r"\(").replace(")", r"\)") for key in keys)


# --- records on one line


def _one_line_settings(settings: StanzaSettings, record_keys: Sequence[str]) -> Iterator[str]:
    """The rule that knows a one-line copy, and one for each key, which then reads that line.

    A user's name ends with the last type of a user, and a type is the last one.
    """
    time = settings["EXTRACT-usecs"].removeprefix(_TIME).replace("?<usecs>", "?:")
    line = rf"{time}[ \t]{{1,8}}(?:Version|Sequence) No{_COLON}[^\r\n]{{1,{_ONE_LINE}}}?"
    yield rf"EXTRACT-one_line = {_TIME}(?<one_line>{line})\s{{0,8}}\z"
    after = rf"(?=[ \t]{{1,8}}(?:{_alternatives(record_keys)}){_COLON}|[ \t]*+\z)"
    for name, start, key, value in _keyed(settings):
        if start == _TIME:
            continue
        if start == _HEAD:
            reach = rf"(?:(?!(?:Target )?User Name{_COLON})[^\r\n])*?"
        else:
            reach = rf"[^\r\n]*{'' if key.endswith('User Type') else '?'}"
        whole = rf"\A(?>{reach}(?<!Target|Public|Priv/Secret)[ \t]{key}{_COLON})"
        yield f"EXTRACT-one_line_{name} = {whole}{_one_line_value(value, after)} in one_line"


def _one_line_value(value: str, after: str) -> str:
    """The regex of a value that ends where the next key begins, not where its line does."""
    if named := re.search(r"\?<((?:target_)?)user_name>", value):
        last = rf"(?=[ \t]{{1,8}}(?<!Target ){named[1] and 'Target '}User Type{_COLON})"
        return rf"[ \t]*+(?<{named[1]}user_name>[^\r\n]{{1,{_ONE_LINE}}}){last}"
    value = re.sub(r"\(\?=\[ \\t\]\*\+\(\?:\[\\r\\n\]\|\\z\)\)$", "", value)
    value = value.replace(r"[^\s(](?:[^\r\n(]{0,200}[^\s(])?", r"\w{1,64}")
    for text in (r"[^\r\n]++", r"\S(?:[^\r\n]{0,1000}\S)?"):
        if value.endswith((f"{text})", f"{text})?")):
            head = value[: value.rindex(text)]
            return rf"{head}[^\r\n]{{1,1000}}?){after}"
    return value


# --- who acted upon what


def _actor_settings(settings: StanzaSettings, operations: Sequence[Operation]) -> Iterator[str]:
    yield from Variants(operations).settings()
    accounts = _is_operation(_opcodes(operations, "target_user"), operations)
    handles, hsm = settings["EVAL-key_handle"], settings["EVAL-hsm_id"]
    target = "coalesce(mvindex(target_user_name, 0), mvindex(user_name, 0))"
    yield f"EVAL-user = if({accounts}, {target}, {_OTHER_USER})"
    yield f"EVAL-src_user = if({accounts}, {_ACTOR}, null())"
    for name in ("user_type", "user_type_code"):
        yield f"EVAL-{name} = if({accounts} AND isnull(user_type), target_{name}, {name})"
    first = "mvindex(user_type, 0), mvindex(target_user_type, 0)"
    yield f"EVAL-user_type_key = if({accounts}, coalesce({first}), mvindex(user_type, 0))"
    both = f"{accounts} AND isnotnull(target_user_name)"
    yield f"EVAL-src_user_type = if({both}, mvindex(user_type, 0), null())"
    objects = {operation.cim.object for operation in operations}
    words = {name for name in objects if name and name not in _NAMED_BY_THE_RECORD}
    named = [
        (accounts, target),
        (_is_operation(_opcodes(operations, "key_handle"), operations), handles),
        (_is_operation(_opcodes(operations, "hsm_id"), operations), hsm),
        *(
            (_is_operation(_opcodes(operations, word), operations), f'"{word}"')
            for word in sorted(words)
        ),
    ]
    yield f"EVAL-object = {case(named)}"
    numbers = [(accounts, "mvindex(target_user_id, 0)"), *named[1:3]]
    yield f"EVAL-object_id = {case(numbers)}"


_NAMED_BY_THE_RECORD = ("target_user", "key_handle", "hsm_id", "object_handle")
_OTHER_USER = "coalesce(mvindex(user_name, 0), mvindex(user_id, 0))"
# Who changes an account. In a record without target lines, User Name is the account itself.
_ACTOR = f"if(isnull(target_user_name), mvindex(user_id, 0), {_OTHER_USER})"


def _opcodes(operations: Iterable[Operation], what: str) -> list[str]:
    return [operation.name for operation in operations if operation.cim.object == what]


def _is_operation(names: Sequence[str], operations: Sequence[Operation]) -> str:
    """Whether the record's operation is one of these, or a numbered variant of one."""
    return matches(OPCODE, [Variants(operations).pattern(names)])


def _is_one_of(values: Iterable[str], field: str) -> str:
    return matches(f"mvindex({field}, 0)", values)


# --- the activity of a record


def _activity_settings(operations: Sequence[Operation], rules: Sequence[Activity]) -> Iterator[str]:
    branches = [(_rule(rule, operations), f'"{rule.activity}"') for rule in rules]
    activity = case([*branches, ("true()", '"user"')])
    yield f"EVAL-activity = {activity}"
    ruled = " OR ".join(condition for condition, _ in branches)
    accounts = _is_operation(_opcodes(operations, "target_user"), operations)
    actor = f"if(isnotnull(ambiguous_at), null(), if({accounts}, {_ACTOR}, {_OTHER_USER}))"
    cluster = 'coalesce(cluster_in_source, cluster_in_host, "")'
    known = f'coalesce({actor}, "") . "@" . {cluster}'
    yield f"EVAL-known_user = if({ruled}, null(), {known})"


def _rule(rule: Activity, operations: Sequence[Operation]) -> str:
    if rule.field == "opcode":
        return _is_operation(rule.values, operations)
    condition = _is_one_of(rule.values, rule.field)
    if rule.field != "user_type":
        return condition
    return f"(isnull(ambiguous_at) AND {condition})"


# --- the same records, collected by others


def _other_collectors(text: str) -> Iterator[str]:
    # The slash is outside: metacharacters count only in or after a segment with a wildcard
    # (props.conf.spec 10), and the first segment ends at the first slash.
    starts = "|".join(["", *(f"{region}-*:" for region in _REGIONS)])
    for sourcetype, stream in ((AUDIT, "hsm"), (CERTIFICATE, "cluster")):
        yield f"[source::({starts})/aws/cloudhsm/*:{stream}-*]"
        for name, value in _settings(text, sourcetype).items():
            if _SEARCH_TIME.match(name):
                yield f"{name} = {value}"
        yield ""


# --- conf text


def with_block(text: str, title: str, lines: Iterable[str]) -> str:
    block = re.search(rf"(?ms)^(# >>> {title}: [^\n]*\n).*?^(# <<<)$", text)
    if block is None:
        raise BlockProblem(f"there is no block '# >>> {title}: ...' that ends with '# <<<'")
    body = "\n".join(lines).rstrip("\n")
    return f"{text[: block.end(1)]}{body}\n{text[block.start(2) :]}"


def _settings(text: str, stanza: str) -> dict[str, str]:
    """The settings of a stanza, in their order."""
    conf = parse_conf(text, "default/props.conf")
    if stanza not in conf.stanzas:
        raise BlockProblem(f"there is no stanza [{stanza}]")
    return {key: setting.value for key, setting in conf.stanzas[stanza].settings.items()}

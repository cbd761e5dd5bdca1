"""Every regex that ships stays linear on hostile text: four times the text, four times the time.

Time is the processor's for this thread, not the clock's, and only a growth far above the text's own
counts, so that a busy machine does not fail these tests and a quadratic regex surely does.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache, cached_property, lru_cache
from pathlib import Path

import pcre2
import pytest

from emulator.conf.conf_file import Setting, Stanza, parse_conf, read_conf
from emulator.conf.props import Props
from emulator.regex import DEPTH_LIMIT, MATCH_LIMIT, compile_regex

ROOT = Path(__file__).resolve().parents[2]
SIZE = 200_000  # bytes
# Small ones first, so that a quadratic regex is found while it is still quick.
RUNGS = (SIZE // 64, SIZE // 16, SIZE // 4, SIZE, 2 * SIZE, 4 * SIZE)
GROWTH = 8.0  # from one size to four times that: 4 is linear, 16 is quadratic
FLOOR_SECONDS = 0.03  # below this, a time depends more on the machine than on the regex
SURE_SECONDS = 0.3  # a growth to above this needs no second look
FELT_SECONDS = 0.0002  # below this, growth means nothing
CEILING_SECONDS = 6.0  # linear or not: too long for one regex on 800 kB
# EXTRACTs in a field that an EXTRACT made: how long it can be, and how many times as much as the
# baseline, a quadratic search over a text of that length, is too expensive for so little.
BOUNDED = {"one_line": 4_200}
BOUNDED_RATIO = 20.0
LIMITS = f"(*LIMIT_MATCH={MATCH_LIMIT})(*LIMIT_DEPTH={DEPTH_LIMIT})"


# --- the regexes


@dataclass(frozen=True)
class Rule:
    """A regex of the configuration, its location, and whether Splunk uses all its matches."""

    regex: str
    is_global: bool = False
    where: str = ""
    most: int | None = None  # bytes of text, if it has a bound

    @cached_property
    def _pattern(self) -> pcre2.Pattern:
        # On bytes and without UTF: all hostile text here is ASCII, and positions cost nothing.
        return pcre2.compile((LIMITS + self.regex).encode(), flags=pcre2.ASCII, jit=False)

    def run(self, text: bytes) -> None:
        """Search as Splunk would. Raises pcre2.LibraryError when a limit of Splunk's is hit."""
        if self.is_global:
            self._pattern.subn(b"", text)  # one loop in C
        else:
            self._pattern.search(text)

    def literals(self) -> list[str]:
        """The longest pieces of plain text in the regex: what a hostile text would imitate."""
        plain = re.sub(r"\\[A-Za-z]|\[[^\]]*\]|\(\?<\w+>|\{[\d,]+\}", "\0", self.regex)
        parts = re.findall(r"(?:[A-Za-z0-9_:,/\" ]|\\[^A-Za-z0-9])+", plain)
        return sorted({re.sub(r"\\(.)", r"\1", part) for part in parts if len(part) > 3})


def rules(folder: Path) -> list[Rule]:
    """Every regex of an app, once each. Raises ValueError for one that is computed."""
    paths = (folder / "default").glob("*.conf")
    confs = {path.name: read_conf(path, f"default/{path.name}") for path in paths}
    collected: list[Rule] = []
    for stanza in confs["props.conf"].stanzas.values():
        collected += _of_props(stanza)
    for stanza in confs["transforms.conf"].stanzas.values():
        collected += _of_transform(stanza)
    for name in ("macros.conf", "savedsearches.conf", "eventtypes.conf"):
        for stanza in confs[name].stanzas.values():
            for key in {"definition", "search"} & set(stanza.settings):
                collected += _of_expressions(stanza.settings[key])
    return [*{(rule.regex, rule.is_global): rule for rule in reversed(collected)}.values()][::-1]


def _of_props(stanza: Stanza) -> Iterator[Rule]:
    for key, setting in stanza.settings.items():
        where = _where(setting)
        if key in {"LINE_BREAKER", "EVENT_BREAKER"}:
            yield Rule(setting.value, True, where)
        elif key == "TIME_PREFIX":
            yield Rule(setting.value, False, where)
        elif key.startswith("EXTRACT-"):
            yield _of_extract(setting)
        elif key.startswith("EVAL-"):
            yield from _of_expressions(setting)


def _of_extract(setting: Setting) -> Rule:
    match = re.fullmatch(r"(.*?)(?:\s+in\s+(\w+))?", setting.value)
    assert match
    field = match[2] or "_raw"
    if field not in {"_raw", "host", "source", *BOUNDED}:
        raise ValueError(f"{_where(setting)}: how long {field} can be is not known: teach it")
    return Rule(f"(?ms){match[1]}", False, _where(setting), BOUNDED.get(field))


def _of_transform(stanza: Stanza) -> Iterator[Rule]:
    if "REGEX" in stanza.settings:
        setting = stanza.settings["REGEX"]
        repeats = any(key in stanza.settings for key in ("MV_ADD", "REPEAT_MATCH"))
        varies = "FORMAT" in stanza.settings and "$1::" in stanza.settings["FORMAT"].value
        yield Rule(setting.value, repeats or varies or "_KEY_" in setting.value, _where(setting))


def _where(setting: Setting) -> str:
    at = setting.location
    return f"{at.path}:{at.line} [{at.stanza}] {setting.key}"


_STRING = re.compile(r'"((?:[^"\\]|\\.)*)"', re.DOTALL)
_CALL = re.compile(r'"(?:[^"\\]|\\.)*"|\b(?P<name>match|replace|mvfind)\s*\(', re.DOTALL)
_REGEX_COMMANDS = re.compile(r"\|\s*(?:rex|regex|erex|makemv|kvform|extract|kv)\b")


def _of_expressions(setting: Setting) -> Iterator[Rule]:
    """The regexes of match(), replace() and mvfind() in an expression or a search."""
    text = setting.value
    if match := _REGEX_COMMANDS.search(text):
        raise ValueError(f"{_where(setting)}: the regex of {match[0]!r} is not checked: add it")
    for call in _CALL.finditer(text):
        if not call["name"]:
            continue
        pattern = _STRING.fullmatch(_second_argument(text, call.end()))
        if not pattern:
            raise ValueError(f"{_where(setting)}: {call['name']}() with a regex that is computed")
        regex = re.sub(r'\\(["\\])', r"\1", pattern[1])
        yield Rule(regex, call["name"] == "replace", _where(setting))


def _second_argument(text: str, at: int) -> str:
    depth, commas = 0, []
    while depth >= 0:
        string = _STRING.match(text, at)
        at = string.end() if string else at + 1
        sign = "" if string else text[at - 1]
        depth += (sign == "(") - (sign == ")")
        if (sign == "," and not depth) or depth < 0:
            commas.append(at)
    return text[commas[0] : commas[1] - 1].strip()


# --- the texts

FIRST = "Time: 12/19/17 21:01:17.140812, usecs:1513717277140812"
HEAD = "\n".join(
    [
        FIRST,
        *("Version No : 1", "Sequence No : 0x1", "Reboot counter : 0xe8"),
        *("Opcode : CN_LOGIN (0xd)", "Command Type(hex) : CN_MGMT_CMD (0x0)", "User id : 3"),
        *("Session Handle : 0x7014006", "Response : 0:HSM Return: SUCCESS"),
        *("Log type : MGMT_USER_DETAILS_LOG (2)", ""),
    ]
)
FLAT = HEAD.replace("Version No : 1\n", "").replace("User id : 3\n", "").replace("\n", " ")
CERTIFICATE = '{"op_code":"CreateObject","response":"OK","attributes":["'
# A run ends in something else, so that a regex that gives up on it tries again; then comes every
# character, since PCRE2 looks first whether one that the regex needs is in the text at all.
END = "\a" + "".join(map(chr, range(126, 32, -1)))
KEYS = ("Opcode", "Response", "Sequence No", "User Name", "Target User Name", "User Type")


@dataclass(frozen=True)
class Hostile:
    """`unit` as often as fits, after `front` and before END."""

    unit: str
    front: str = ""

    @lru_cache(maxsize=1024)  # noqa: B019  (25 MB at most; the same texts for every regex)
    def of(self, size: int) -> bytes:
        """About `size` bytes."""
        times = max(1, (size - len(self.front) - len(END)) // len(self.unit))
        return (self.front + self.unit * times + END).encode()

    def __str__(self) -> str:
        return f"{self.front[-24:]!r} + {self.unit!r} * n"


FILLERS = (
    *(
        " ",
        "\t",
        " \t",
        "\n",
        "\r",
        "\r\n",
        "\n\r",
        " \n",
        "\n ",
        "\r\n\n",
        "a",
        "a ",
        "a\n",
        "a\r",
    ),
    *("1", "0x", "f", "\\", "(", "(0x", ":", " : ", '"', "{", '{"', "}", "} ", '","', '" , ', "-"),
    *("a-", "1:", "x" * 99 + "\n", FIRST, FIRST + "\n", FLAT, HEAD),
    *(":cluster-", ":hsm-", "/hsm-1234567890a", "us-east-1", "us-east-1:"),
    *(form for key in KEYS for form in (f"{key} : ", f"{key} : \n", f"{key} : x\n", f"{key}\t")),
    *("User Name : x\nUser Type : y\n", "User Name : x\r\nUser Type : y\n"),
    *("usec:", "local time : usec", "HSM Error: ", "0:HSM Error: "),
)
FRONTS = ("", HEAD, HEAD + "User Name : ", CERTIFICATE)
FEW = (" ", "a", "\n", "1", "a\n")


def texts_for(rule: Rule) -> Iterator[Hostile]:
    """Texts that may be slow for this regex."""
    base = FLAT if rule.most else HEAD
    fronts = ("", FLAT, FLAT + "User Name : ") if rule.most else FRONTS
    yield from (Hostile(unit, front) for front in fronts for unit in FILLERS)
    yield from (Hostile(unit, front) for front in (FIRST, FLAT) for unit in FEW)
    for literal in rule.literals():
        for unit in (
            literal,
            literal[:-1],
            f"{literal}\n",
            f"{literal} : x\n",
            f"{literal[:-1]}\n",
        ):
            yield Hostile(unit)
            yield Hostile(unit, base)
        for filler in FEW:
            yield Hostile(filler, literal)
            yield Hostile(filler, base + literal)


# --- the measuring


def cost(rule: Rule, text: bytes, runs: int = 1) -> float:
    """Seconds of this thread's processor time, the least of several runs."""
    seconds = []
    for _ in range(runs):
        begun = time.thread_time()
        rule.run(text)
        seconds.append(time.thread_time() - begun)
    return min(seconds)


Costs = dict[int, float]  # seconds by size


def flaw(rule: Rule, hostile: Hostile, sizes: Sequence[int], costs: Costs) -> str | None:
    """How the regex fails on texts of this kind and of these sizes, or None; adds to `costs`."""
    for size in sizes:
        try:
            costs[size] = cost(rule, hostile.of(size))
            if _grows(costs, size) and costs[size] < SURE_SECONDS:  # was the machine busy?
                for n in (size // 4, size):
                    costs[n] = min(costs[n], cost(rule, hostile.of(n), runs=3))
        except pcre2.LibraryError as error:
            return f"gives up on {size} bytes of {hostile} ({error}): {rule.where}"
        if _grows(costs, size) or costs[size] > CEILING_SECONDS:
            took = ", ".join(f"{n // 1000} kB {costs[n] * 1000:.0f} ms" for n in costs)
            return f"is not linear on {hostile} ({took}): {rule.where}"
    return None


def _grows(costs: dict[int, float], size: int) -> bool:
    before = costs.get(size // 4)
    return before is not None and costs[size] > max(GROWTH * before, FLOOR_SECONDS)


def flaw_of(rule: Rule) -> str | None:
    """The first flaw of a regex: all texts are tried when small, the worst at all sizes."""
    if rule.most:
        return _flaw_of_bounded(rule, rule.most)
    tried: dict[Hostile, Costs] = {}
    for hostile in texts_for(rule):
        tried[hostile] = {}
        if fault := flaw(rule, hostile, RUNGS[:2], tried[hostile]):
            return fault
    for hostile in _suspects(tried):
        if fault := flaw(rule, hostile, RUNGS[2:], tried[hostile]):
            return fault
    return None


def _flaw_of_bounded(rule: Rule, most: int) -> str | None:
    for hostile in texts_for(rule):
        try:
            ratio = cost(rule, hostile.of(most)) / _baseline()
            if ratio > BOUNDED_RATIO:
                ratio = cost(rule, hostile.of(most), runs=5) / _baseline()
        except pcre2.LibraryError as error:
            return f"gives up on {most} bytes of {hostile} ({error}): {rule.where}"
        if ratio > BOUNDED_RATIO:
            return f"takes {ratio:.0f} baselines for {most} bytes of {hostile}: {rule.where}"
    return None


@cache
def _baseline() -> float:
    """Seconds that a quadratic search over 4,200 blanks takes on this machine, now."""
    return cost(Rule(r"[^\r\n]*+[\r\n]x"), Hostile(" ").of(4_200), runs=20)


def _suspects(tried: dict[Hostile, Costs]) -> set[Hostile]:
    """The text that costs most, and the one whose cost grows most with its size."""
    small, big = RUNGS[:2]
    slow = sorted(tried, key=lambda hostile: -tried[hostile][big])
    felt = [hostile for hostile in slow if tried[hostile][big] > FELT_SECONDS]
    growing = sorted(felt, key=lambda hostile: -tried[hostile][big] / tried[hostile][small])
    return {*slow[:1], *growing[:1]}


# --- the tests


def test_every_shipped_regex_is_linear_on_hostile_text() -> None:
    flaws = [fault for fault in map(flaw_of, rules(ROOT)) if fault]
    assert not flaws, "\n".join(flaws)


@pytest.mark.parametrize(
    ("regex", "is_global"),
    [
        (r"[ \t]+x", False),
        (r"(a+)+b", False),
        (r"\s*\n\s*Opcode", False),
        (r"[^\r\n]*+Z", False),
        (r"(?ms)Opcode.*Response", False),
        (r"(?ms)(?=(?<rest>[^\r\n]++))(?:^Node Id)", False),
        (r"(?m)^User Name : (?:[^\n]*\n)*+Mechanism", False),
        (r'"[^}]+$', True),
        (r"(\w+\s?)+:", True),
        (r"[\r\n]++(?=\{)", True),
        (r":hsm-.*:end", False),
        (r"\A(?:Time: .*?)(?:Opcode.*?)(?:Opcode.*?)nothing", False),
    ],
)
def test_a_regex_that_is_not_linear_is_found(regex: str, is_global: bool) -> None:
    assert re.search("is not linear|gives up", flaw_of(Rule(regex, is_global, "planted")) or "")


@pytest.mark.parametrize(
    "rule",
    [
        Rule(r"([\r\n]+)", True),
        Rule(r"(?<![\r\n])([\r\n]++)(?=\{)", True),
        Rule(r"(?m)^User Name[ \t]*+:(?<name>[^\r\n]++)"),
        Rule(r"\A[^\r\n]*+[\r\n]++Opcode"),
        Rule(r"a{0,50}b", True),
    ],
    ids=lambda rule: rule.regex,
)
def test_a_linear_regex_passes(rule: Rule) -> None:
    assert flaw_of(rule) is None


def test_a_flaw_names_setting_text_and_times() -> None:
    rule = Rule(r"[ \t]+x", where="default/props.conf:7 [a] EXTRACT-b")
    assert re.fullmatch(
        r"is not linear on '' \+ ' ' \* n \(3 kB \d+ ms, 12 kB \d+ ms.*\): "
        r"default/props\.conf:7 \[a\] EXTRACT-b",
        flaw(rule, Hostile(" "), RUNGS, {}) or "",
    )


def test_each_kind_of_regex_is_collected_from_the_files(tmp_path: Path) -> None:
    default = tmp_path / "default"
    default.mkdir()
    for name, text in {
        "props.conf": "[a]\nLINE_BREAKER = (1)\nEVENT_BREAKER = (2)\nTIME_PREFIX = 3\n"
        "EXTRACT-b = (?<c>4) in source\nREPORT-d = t\nLOOKUP-l = l c OUTPUT d\n"
        'EVAL-e = if(match(replace(x, "5, \\")", ","), "6") OR x="match(a)", mvfind(c, "7"), 0)\n'
        'EVAL-g = replace(x, "6", "")',
        "transforms.conf": "[t]\nREGEX = (?<f>8)\n[u]\nREGEX = (9)\nFORMAT = $1::$1\n"
        "[v]\nREGEX = (?<f>10)\nMV_ADD = true\n[l]\nfilename = l.csv",
        "macros.conf": '[m]\ndefinition = eval a=mvmap(b, replace(b, "11", ""))',
        "savedsearches.conf": '[s]\nsearch = * | where match(a, "12")',
        "eventtypes.conf": "[e]\nsearch = b=1",
    }.items():
        (default / name).write_text(text)
    assert {(rule.regex, rule.is_global) for rule in rules(tmp_path)} == {
        *(("(1)", True), ("(2)", True), ("3", False), ("(?ms)(?<c>4)", False)),
        *(('5, ")', True), ("6", False), ("6", True), ("7", False)),
        *(("(?<f>8)", False), ("(9)", True), ("(?<f>10)", True)),
        *(("11", True), ("12", False)),
    }


@pytest.mark.parametrize("search", ["* | where match(a, b)", '* | rex "(?<a>b)"'])
def test_a_regex_that_cannot_be_judged_is_refused(search: str) -> None:
    stanza = parse_conf(f"[s]\nsearch = {search}", "default/savedsearches.conf").stanzas["s"]
    with pytest.raises(ValueError, match=r"^default/savedsearches.conf:2 \[s\] search: "):
        [*_of_expressions(stanza.settings["search"])]


@pytest.mark.parametrize("unit", ["hsm-", "cluster-", "/aws/cloudhsm/", "us-", "a/", "log", "-"])
def test_no_source_that_aws_allows_makes_the_choice_of_stanzas_slow(unit: str) -> None:
    """Names of a log group and of a log stream have 512 characters at most, and no colon."""
    props = Props(read_conf(ROOT / "default" / "props.conf"))
    name = unit * (500 // len(unit))
    for front in ("", "us-east-1:", "us-east-1:/aws/cloudhsm/", "/aws/cloudhsm/"):
        begun = time.thread_time()
        props.matching("x", "h", f"{front}{name}:hsm-{name}/")
        assert time.thread_time() - begun < FLOOR_SECONDS


def test_one_line_is_as_short_as_its_regexes_rely_on() -> None:
    (rule,) = (rule for rule in rules(ROOT) if "EXTRACT-one_line" in rule.where.split())
    regex = compile_regex(rule.regex)
    results = {
        size: regex.named(f"{FIRST} Sequence No : 0x1 {'a' * size}{' ' * 8}") or {}
        for size in (1, 3_900, 4_000, 5_000, 800_000)
    }
    assert results[3_900]["one_line"]
    assert max(len(f.get("one_line") or "") for f in results.values()) <= BOUNDED["one_line"]


def test_a_regex_on_a_bounded_text_may_be_quadratic_but_not_expensive() -> None:
    assert flaw_of(Rule(r"[ \t]+x", most=1_000)) is None
    assert "gives up on 4200 bytes" in str(flaw_of(Rule(r"\A.*?User Name.*User Type", most=4_200)))
    assert "baselines" in str(flaw_of(Rule(r"[^\r\n]*+[\r\n]x", most=40_000)))

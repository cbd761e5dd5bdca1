"""What a record costs from the text to the last tag, compared with one regex that only cuts it up.

Both run in this process on the same records, one after the other in each round: the shipped
configuration as the emulator evaluates it, and a single regex on the same engine, PCRE2, with the
same limits. Splunk's own times are others; the ratio shows what the meaning of a record costs on
top of reading it, and whether a change to the configuration made that more expensive.
"""

from __future__ import annotations

import statistics
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from functools import partial
from itertools import islice

from emulator.app import App
from emulator.regex import Regex, compile_regex
from samples.simulator import Simulation
from tools.bench.parts import Extent, Ratio, cpu_seconds
from tools.bench.programs import ROOT, BenchProblem, Python
from tools.content.installed_app import installed_app

SEED, DAYS = 7, 7
END = datetime(2026, 3, 2, 8, 30, tzinfo=timezone.utc)
SOURCETYPE = "aws:cloudhsm:audit"
# Enough for every kind of record that the simulator knows, and a few seconds a round.
MOST_RECORDS = 2_000
# What the regex does not match is fast for it: names with line ends, torn records.
LEAST_MATCHED = 0.9

# The lines of a record in their order, older and newer generation in one; most are optional.
_NEEDED = {"Sequence No", "Reboot counter", "Command Type(hex)", "Session Handle", "Response"}
_LINES = (
    *("Version No", "Sequence No", "Reboot counter", "Opcode", "Command Type(hex)", "Opcode"),
    *("User id", "Session Handle", "Response", "Log type", "Priv/Secret Key Handle"),
    *("Public Key Handle", "Priv/Secret Key Handle", "Key Handle", "local time", "host time"),
    *("propagation delay", "User Name", "User Type", "Mechanism", "Target User Name"),
    *("Target User Type", "Target User id", "Mfa enabled", "Operation", "Number of Users"),
    "UserIDs",
)


@dataclass(frozen=True)
class HsmFile:
    """The records of one HSM in their order."""

    source: str
    host: str
    records: Sequence[str]


def normalization(python: Python, extent: Extent) -> Iterator[str]:
    """The shipped configuration's cost of an event, compared with one regex over the same record.

    In this interpreter only, since no other one has the emulator; in the others it is not measured.
    Raises BenchProblem where one of the two did not do its work.
    """
    if python.version != f"{sys.version_info[0]}.{sys.version_info[1]}":
        return
    files = sampled(min(extent.records, MOST_RECORDS))
    whole, single = partial(normalize, installed_app(ROOT), files), partial(cut, one_regex(), files)
    count = sum(len(file.records) for file in files)
    whole(), single()  # what is compiled once is compiled here
    ours, theirs = [], []
    for _ in range(extent.rounds):
        ours.append(cpu_seconds(whole))
        theirs.append(cpu_seconds(single))
    each_usecs = [statistics.median(times) / count * 1e6 for times in (ours, theirs)]
    pairs = Ratio([mine / other for mine, other in zip(ours, theirs, strict=True)])
    yield (
        f"{each_usecs[0]:,.0f} microseconds per event from text to tags, {each_usecs[1]:,.1f} for "
        f"one regex: {pairs} times as long; {count:,} records of {len(files)} HSMs"
    )


def sampled(count: int) -> list[HsmFile]:
    """The first `count` audit records of a seeded trail, by HSM."""
    stream = Simulation(SEED, END, DAYS).stream()
    audit = (event for event in stream if event.log_stream.startswith("hsm-"))
    by_stream: Mapping[tuple[str, str], list[str]] = defaultdict(list)
    for event in islice(audit, count):
        by_stream[event.log_group, event.log_stream].append(event.message)
    return [
        HsmFile(f"111122223333:us-east-1:{group}:{hsm}", hsm, records)
        for (group, hsm), records in by_stream.items()
    ]


def normalize(app: App, files: Sequence[HsmFile]) -> None:
    """Break, stamp, extract, calculate, look up, tag. Raises BenchProblem for a lost record."""
    for file in files:
        text = "\n".join(file.records)
        events = app.index_text(text, sourcetype=SOURCETYPE, source=file.source, host=file.host)
        fields = [app.search_time(event) for event in events]
        if len(fields) != len(file.records):
            raise BenchProblem(
                f"{len(file.records)} records of {file.host} became {len(fields)} events: see "
                f"LINE_BREAKER in default/props.conf"
            )
        if not all("tag" in event_fields for event_fields in fields):
            raise BenchProblem(f"an event of {file.host} has no tag: see default/eventtypes.conf")


def one_regex() -> Regex:
    """A regex for the lines of both generations; a key that has two places gets two groups."""
    lines = []
    for number, key in enumerate(_LINES):
        plain = key.replace("(", r"\(").replace(")", r"\)")
        line = rf"(?:[\r\n]+{plain}[ \t]*:[ \t]*(?<line_{number}>[^\r\n]*))"
        lines.append(line if key in _NEEDED else f"{line}?")
    first = r"\ATime: (?<time>[^,\r\n]+), usecs:(?<usecs>\d+)"
    return compile_regex(rf"{first}{''.join(lines)}(?<rest>[\s\S]*)")


def cut(regex: Regex, files: Sequence[HsmFile]) -> None:
    """Match every record and take its groups. Raises BenchProblem if too few match."""
    records = [record for file in files for record in file.records]
    matched = sum(regex.named(record) is not None for record in records)
    if matched < LEAST_MATCHED * len(records):
        raise BenchProblem(f"the one regex matches {matched} of {len(records)} records only")

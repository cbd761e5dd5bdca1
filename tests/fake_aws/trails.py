"""Seeded audit trails: bursts, gaps, reboots, clocks that are off, texts that are hostile."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from random import Random

from tests.bin.fakes import audit_text
from tests.fake_aws.service import Arrival
from tests.fake_aws.store import EVENT_BYTES, EVENT_OVERHEAD

CLUSTER = "cluster-likphkxygsn"
GROUP = f"/aws/cloudhsm/{CLUSTER}"
_ALPHABET = "234567abcdefghijklmnopqrstuvwxyz"
_NAME_LENGTH = 11
# An HSM's clock against CloudWatch's, and a record's way to CloudWatch.
_CLOCK_OFF_MS = 90_000
_ON_ITS_WAY_MS = 2_000
_BURST = 6
# A burst lasts so many milliseconds: several of its records share one.
_BURST_MS = 3


@dataclass(frozen=True)
class Missing:
    """A record that an HSM wrote and that was never delivered."""

    stream: str
    reboot_counter: int
    sequence: int


@dataclass
class Trail:
    """Arrivals in the order in which the records were written, and what never arrives."""

    arrivals: list[Arrival] = field(default_factory=list)
    missing: list[Missing] = field(default_factory=list)


class _Hsm:
    """The sequence number and clock of one HSM."""

    def __init__(self, stream: str, rng: Random) -> None:
        self.stream = stream
        self.clock_off_ms = rng.randrange(-_CLOCK_OFF_MS, _CLOCK_OFF_MS)
        self.reboot_counter = rng.randrange(1, 0x100)
        self.sequence = 0

    def reboot(self, rng: Random) -> None:
        """Whether the numbering restarts then is not public: it does or does not."""
        self.reboot_counter += 1
        if rng.random() < 0.5:
            self.sequence = 0

    def write(self, group: str, usecs: int, at_ms: int) -> Arrival:
        text = audit_text(self.sequence, usecs, reboot_counter=hex(self.reboot_counter))
        self.sequence += 1
        return Arrival(group, self.stream, at_ms, text)


def hsm_name(number: int) -> str:
    """The stream of the HSM with this number, in the form of AWS's ids."""
    letters = ""
    for _ in range(_NAME_LENGTH):
        number, letter = divmod(number, len(_ALPHABET))
        letters = _ALPHABET[letter] + letters
    return f"hsm-{letters}"


def audit_trail(
    seed: int,
    events: int,
    start_ms: int,
    end_ms: int,
    *,
    group: str = GROUP,
    hsms: int = 4,
    lost_share: float = 0.0,
    twice_share: float = 0.0,
    reboots: int = 0,
    certificates: int = 0,
) -> Trail:
    """About as many events as asked for, of several HSMs, in bursts between two CloudWatch times.

    lost_share:   this part of the records never arrives: gaps in the numbering.
    twice_share:  this part is ingested twice, under two event ids.
    reboots:      of all HSMs together.
    certificates: JSON records of the cluster, in a stream with its name.
    """
    rng = Random(seed)
    every_hsm = [
        _Hsm(hsm_name(rng.randrange(len(_ALPHABET) ** _NAME_LENGTH)), rng) for _ in range(hsms)
    ]
    trail = Trail()
    moments = _moments(rng, events, start_ms, end_ms - _BURST_MS)
    reboot_at = set(rng.sample(range(len(moments)), min(reboots, len(moments))))
    for number, (moment_ms, count) in enumerate(moments):
        hsm = every_hsm[rng.randrange(hsms)]
        if number in reboot_at:
            hsm.reboot(rng)
        _write_burst(trail, hsm, rng, group, moment_ms, count, lost_share, twice_share)
    cluster = group.rpartition("/")[2]
    for number in range(certificates):
        at_ms = rng.randrange(start_ms, end_ms)
        trail.arrivals.append(Arrival(group, cluster, at_ms, certificate_text(number, at_ms)))
    return trail


def _moments(rng: Random, events: int, start_ms: int, end_ms: int) -> list[tuple[int, int]]:
    """When bursts begin, in order, and how many records each has."""
    counts = []
    while events > 0:
        counts.append(min(events, 1 + rng.randrange(_BURST)))
        events -= counts[-1]
    times = sorted(rng.randrange(start_ms, max(start_ms + 1, end_ms)) for _ in counts)
    return list(zip(times, counts))


def _write_burst(
    trail: Trail,
    hsm: _Hsm,
    rng: Random,
    group: str,
    moment_ms: int,
    count: int,
    lost_share: float,
    twice_share: float,
) -> None:
    on_its_way_ms = rng.randrange(_ON_ITS_WAY_MS)
    first_usecs = (moment_ms + hsm.clock_off_ms - on_its_way_ms) * 1000
    for index in range(count):
        counter, sequence = hsm.reboot_counter, hsm.sequence
        at_ms = moment_ms + index * _BURST_MS // count
        arrival = hsm.write(group, first_usecs + index * 137, at_ms)
        if rng.random() < lost_share:
            trail.missing.append(Missing(hsm.stream, counter, sequence))
            continue
        trail.arrivals.append(arrival)
        if rng.random() < twice_share:
            trail.arrivals.append(arrival)


def one_millisecond(stream: str, at_ms: int, count: int, first: int = 0) -> list[Arrival]:
    """A burst of consecutive records of one HSM that all bear one CloudWatch timestamp (L3)."""
    return [
        Arrival(GROUP, stream, at_ms, audit_text(sequence, at_ms * 1000 - 1500 + sequence))
        for sequence in range(first, first + count)
    ]


def many_streams(count: int, at_ms: int, group: str = GROUP) -> Iterator[Arrival]:
    """One record of each of so many HSMs (L14), every millisecond."""
    for number in range(count):
        moment_ms = at_ms + number
        yield Arrival(group, hsm_name(number), moment_ms, audit_text(0, moment_ms * 1000))


def replacement(
    old: str, new: str, at_ms: int, tail: int, delay_ms: int, group: str = GROUP
) -> list[Arrival]:
    """An HSM is replaced at a time (L16): a new stream appears, and then the old one's tail.

    tail: so many records of the old HSM become visible only `delay_ms` after the new one's first.
    """
    old_ones = [
        Arrival(group, old, at_ms - tail + n, audit_text(n, (at_ms - tail + n) * 1000))
        for n in range(tail)
    ]
    late = [arrival._replace(visible_ms=at_ms + delay_ms) for arrival in old_ones]
    return [Arrival(group, new, at_ms, audit_text(0, at_ms * 1000), at_ms), *late]


def certificate_text(number: int, at_ms: int) -> str:
    """A record of a cluster's certificate store: JSON without sequence, user or HSM."""
    return json.dumps(
        {
            "object_handle": (1 << 53) + number,  # beyond what a float can hold
            "op_code": ("CreateObject", "SetAttributeValues", "DestroyObject")[number % 3],
            "response": "OK",
            "attributes": ["Label"] if number % 3 == 1 else None,
            "timestamp": at_ms - 40,
        },
        indent=4 if number % 2 else None,
    )


def huge_text(size: int = EVENT_BYTES - EVENT_OVERHEAD) -> str:
    """A message of so many bytes, the most that AWS takes by default (L20)."""
    record = audit_text(0, 1_513_717_277_140_812) + "\nUserIDs : "
    return record + "7" * (size - len(record))


# Texts that are unsafe to print, parse or break; most of them can be in a user name.
HOSTILE_TEXTS: tuple[str, ...] = (
    "\x00\x01\x08\x0b\x1f\x7f\x85\x9f",
    "one\r\ntwo\rthree\n\nfour\n",
    "\n",
    "  \t leading and trailing \t ",
    "]]></data></event></stream><event><data>",
    "&lt;&#0;&amp;<!--",
    "\ufffe\uffff",
    "\ud800 lone \udfff",
    "\U0001f511\u00fc\u4e2d",
    "\u202egnitirw\u2066",
    "\u2028\u2029\ufeff",
    "\x1b[2J\x1b[31mroot\x1b]0;title\x07",
    "=cmd|' /C calc'!A0",
    '" | delete index=*',
    "{not json",
    '{"op_code": ["' + "[" * 2_000,
    "Time: 01/02/30 03:04:05.678901, usecs:1513717277140812",
    "Sequence No : 0x" + "f" * 400,
    audit_text(2**64 - 1, 1_513_717_277_140_812),
    audit_text(1, 1_513_717_277_140_812, user="x\nSequence No : 0x7"),
)

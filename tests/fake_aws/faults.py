"""What can go wrong between a reader and CloudWatch Logs: one knob each, drawn from a seed.

The numbers L1 to L22 name the ways in which polling readers are known to lose events:

===  ============================================================  =============================
L1   an empty or partial page is taken as the end                  empty_page, partial_page
L2   an event becomes visible after its window was read            late
L3   events of one millisecond are split across pages or polls     page_events, page_bytes
L4   after an empty scan a reader jumps to now                     late
L5   a position moves on though the call failed                    server_error, reset, cut
L6   streams of one group lag differently                          late (lagging)
L7   a slow backfill starves the live window                       latency_s, calls_per_second
L8   `lastEventTimestamp` is old                                   stale_ms
L10  a page names itself as the next one                           repeat_token
L11  page tokens expire                                            refuse_token, token_life_ms
L15  calls are throttled, by chance or by a quota                  throttle, calls_per_second
L20  messages are huge or of many lines                            page_bytes; `trails`
L21  credentials expire in mid-scan                                expire_credentials,
                                                                   credentials_life_ms
L22  clocks differ                                                 date_skew_ms, signature_life_ms
===  ============================================================  =============================

The others are no faults but the service itself (L12 ends of a window, L13 no end at all, L14 at
most 100 streams, L16 new streams, L17 retention, L23 deletion: see `service`), or lie wholly in the
reader (L9 rounding, L18 and L19 its own state).
"""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass, replace
from statistics import NormalDist

DAY_MS = 86_400_000
PAGE_EVENTS = 10_000
PAGE_BYTES = 1_048_576


class Chance:
    """Draws that follow from seed, purpose and number alone: never from a clock or an order."""

    def __init__(self, seed: int) -> None:
        self._key = b"%d" % seed

    def bits(self, purpose: str, number: int) -> int:
        """64 random bits."""
        text = b"%s/%d" % (purpose.encode(), number)
        return int.from_bytes(hashlib.blake2b(text, digest_size=8, key=self._key).digest(), "big")

    def unit(self, purpose: str, number: int) -> float:
        """At least 0 and below 1."""
        return (self.bits(purpose, number) >> 11) / (1 << 53)

    def below(self, purpose: str, number: int, limit: int) -> int:
        """A whole number from 0 to limit - 1."""
        return self.bits(purpose, number) % limit


@dataclass(frozen=True)
class Occasion:
    """The requests that a fault strikes, counted from 1: made by `every`, `share`, `at`."""

    nth: int = 0
    part: float = 0.0
    numbers: frozenset[int] = frozenset()

    def __post_init__(self) -> None:
        if self.nth < 0 or not 0 <= self.part <= 1:
            raise ValueError(f"a number from 1 on or a part from 0 to 1 is needed, not {self}")

    def hits(self, purpose: str, number: int, chance: Chance) -> bool:
        """Whether the request of this number is one of them."""
        return (
            number in self.numbers
            or (self.nth > 0 and number % self.nth == 0)
            or (self.part > 0 and chance.unit(purpose, number) < self.part)
        )


NEVER = Occasion()


def every(nth: int) -> Occasion:
    """Each nth request."""
    return Occasion(nth=nth)


def share(part: float) -> Occasion:
    """This part of all requests, from 0 to 1, drawn for each."""
    return Occasion(part=part)


def at(*numbers: int) -> Occasion:
    """The requests of these numbers."""
    return Occasion(numbers=frozenset(numbers))


@dataclass(frozen=True)
class Lateness:
    """How long after its timestamp an event becomes visible: log-normal with a heavier tail.

    median_ms:  half of the events are visible by then.
    sigma:      of the logarithm; 1.5 makes 2 % later than 22 times the median.
    tail_share: this part lies anywhere up to the horizon.
    horizon_ms: none is later.
    lagging:    this part of the streams is `lag_factor` times as late (L6).
    """

    median_ms: int = 15_000
    sigma: float = 1.5
    tail_share: float = 0.01
    horizon_ms: int = DAY_MS
    lagging: float = 0.0
    lag_factor: float = 100.0

    def delay_ms(self, number: int, stream: str, chance: Chance) -> int:
        """The delay of the put with this number."""
        # The middle of a cell: 0 would be infinitely early.
        unit = (chance.bits("late", number) + 0.5) / 2**64
        if chance.unit("late-tail", number) < self.tail_share:
            delay = unit * self.horizon_ms
        else:
            delay = self.median_ms * math.exp(
                self.sigma * NormalDist().inv_cdf(min(unit, 1 - 1e-9))
            )
        lags = chance.unit(f"lagging/{stream}", 0) < self.lagging
        return min(self.horizon_ms, int(delay * (self.lag_factor if lags else 1.0)))


@dataclass(frozen=True)
class Denial:
    """What IAM denies: an operation, a log group, or one on the other; None stands for any."""

    operation: str | None = None
    group: str | None = None

    def covers(self, operation: str, group: str | None) -> bool:
        return self.operation in (None, operation) and self.group in (None, group)


@dataclass(frozen=True)
class Faults:
    """One knob per fault; without any, the service is honest and prompt.

    A reader that asks again after a failure gets through: see `in_a_row` and `token_faults`. Only
    `denied`, `outages`, `calls_per_second` and the life times last for the time that they set.
    """

    # Pages that are in order, but not what a reader may expect.

    empty_page: Occasion = NEVER
    """L1: a page without events, with a token; also before the first event and after the last."""
    empty_in_a_row: int = 5
    """L1: so many empty pages follow each other at most."""
    partial_page: Occasion = NEVER
    """L1: a page that ends before it is full, with a token."""
    page_events: int = PAGE_EVENTS
    """L3: the most events of a page; a small number splits events of one millisecond."""
    page_bytes: int = PAGE_BYTES
    """L3, L20: the most bytes of a page, 26 counted on top of each message."""
    overlap_events: int = 0
    """Each further page begins with so many events of the one before, up to half of its room."""
    stale_ms: int = 0
    """L8: DescribeLogStreams knows times of events up to so long ago only."""
    late: Lateness | None = None
    """L2, L4, L6: when an event becomes visible; at once when None, or where `put` says when."""

    # Page tokens.

    repeat_token: Occasion = NEVER
    """L10: an answer names the very token that was passed; by chance with its events or empty."""
    refuse_token: Occasion = NEVER
    """L11: a token is refused as if it had expired."""
    token_life_ms: int = DAY_MS
    """L11: a token is refused from this age on, in virtual time."""
    token_faults: int = 2
    """L10, L11: the most such faults of one window before it is read to its end once."""

    # Answers that are none.

    throttle: Occasion = NEVER
    """L15: ThrottlingException."""
    retry_after: Occasion = NEVER
    """L15: of the throttled answers, those that carry `Retry-After`."""
    retry_after_ms: int = 1_000
    """L15: how long they ask for."""
    calls_per_second: float | None = None
    """L7, L15: quota of each operation; calls beyond it are throttled, in a row without limit."""
    quota_in_real_time: bool = False
    """L15: the quota's seconds are the wall clock's instead of virtual ones (for benchmarks)."""
    server_error: Occasion = NEVER
    """L5: a 500 or 503 of the service, or an HTML page with 502."""
    reset: Occasion = NEVER
    """L5: the connection is reset, before the answer or within it."""
    cut: Occasion = NEVER
    """L5: the body ends early, under the Content-Length of the whole; also inside a character."""
    slow: Occasion = NEVER
    """L7: an answer takes `slow_s` longer."""
    slow_s: float = 0.05
    latency_s: float = 0.0
    """L7: every answer takes so long."""
    outages: tuple[tuple[int, int], ...] = ()
    """L5: nothing answers from the first to before the second time (virtual milliseconds)."""
    in_a_row: int = 2
    """The same request (operation and body) fails so often in a row at most, the quota, outages,
    denials and life times apart. botocore gives up after 4 attempts (as the collector sets it), and
    earlier when its retry quota runs out: twice in a row costs more of it than success returns."""

    # Identity and time.

    expire_credentials: Occasion = NEVER
    """L21: ExpiredTokenException for a single request."""
    credentials_life_ms: int | None = None
    """L21: so long after its first use an access key is refused, until another one comes."""
    denied: tuple[Denial, ...] = ()
    """AccessDeniedException."""
    date_skew_ms: int = 0
    """L22: the `Date` header is ahead of the service's clock by this much (behind if negative)."""
    signature_life_ms: int | None = None
    """L22: a request whose `X-Amz-Date` differs by more is refused; AWS allows 300,000 ms."""


# Every fault alone, for parametrised tests and the command line. A reader that keeps its promise
# delivers everything under each of them.
ONE_BY_ONE: dict[str, Faults] = {
    "none": Faults(),
    "L1-empty-pages": Faults(empty_page=share(0.5)),
    "L1-partial-pages": Faults(partial_page=share(0.5)),
    "L2-late": Faults(late=Lateness()),
    "L3-pages-of-three": Faults(page_events=3),
    "L5-server-errors": Faults(server_error=every(5)),
    "L5-resets": Faults(reset=every(7)),
    "L5-cut-bodies": Faults(cut=every(7)),
    "L6-lagging-streams": Faults(late=Lateness(lagging=0.5)),
    "L7-slow": Faults(slow=every(4)),
    "L8-stale-metadata": Faults(stale_ms=3_600_000),
    "L10-repeated-tokens": Faults(repeat_token=every(4)),
    "L11-refused-tokens": Faults(refuse_token=every(4)),
    "L11-short-lived-tokens": Faults(token_life_ms=60_000),
    "L15-throttled": Faults(throttle=every(5)),
    "L15-throttled-with-retry-after": Faults(throttle=every(5), retry_after=every(1)),
    "L15-quota": Faults(calls_per_second=5.0),
    "L21-expired-credentials": Faults(expire_credentials=every(9)),
    "L22-skewed-date": Faults(date_skew_ms=90_000),
    "overlapping-pages": Faults(overlap_events=20),
}


def ALL_AT_ONCE(seed: int) -> Faults:  # a constant for each seed
    """Every fault from which a reader can recover automatically, at rates that differ by seed.

    Credentials do not expire here, since renewing them is not the reader's to do: add
    `expire_credentials` or `credentials_life_ms` where something renews them or runs again.
    """
    chance = Chance(seed)
    # Primes, so that no fault strikes only where a stronger one does already.
    primes = sorted((5, 7, 11, 13, 17, 19, 23), key=lambda prime: chance.bits("prime", prime))
    cut, reset, throttle, server_error, slow, repeat_token, refuse_token = map(every, primes)
    return Faults(
        empty_page=share(0.2),
        partial_page=share(0.3),
        page_events=1 + chance.below("page_events", 0, 40),
        overlap_events=chance.below("overlap_events", 0, 6),
        stale_ms=3_600_000,
        late=Lateness(),
        repeat_token=repeat_token,
        refuse_token=refuse_token,
        throttle=throttle,
        retry_after=share(0.5),
        retry_after_ms=50,
        server_error=server_error,
        reset=reset,
        cut=cut,
        slow=slow,
        slow_s=0.01,
        date_skew_ms=chance.below("date_skew_ms", 0, 3) * 1_000,
        in_a_row=1 + chance.below("in_a_row", 0, 2),
    )


def named(names: str, seed: int) -> Faults:
    """Faults by their names in ONE_BY_ONE, separated by commas; `all` is ALL_AT_ONCE(seed).

    Raises ValueError for a name that is none.
    """
    mixed = Faults()
    for name in names.split(","):
        if name != "all" and name not in ONE_BY_ONE:
            raise ValueError(
                f"no fault is named {name!r}: choose from all, {', '.join(ONE_BY_ONE)}"
            )
        faults = ALL_AT_ONCE(seed) if name == "all" else ONE_BY_ONE[name]
        changed = {
            knob: value for knob, value in vars(faults).items() if value != getattr(Faults(), knob)
        }
        mixed = replace(mixed, **changed)
    return mixed

"""What the collector asks of CloudWatch Logs, and what it gets: value types and one protocol."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import compress
from typing import NamedTuple, Protocol

from cloudhsm.aws.rate_limit import RateLimiter
from cloudhsm.base.aws_clock import AwsClock
from cloudhsm.base.errors import CloudHsmError
from cloudhsm.base.settings import GroupSelector
from cloudhsm.trail.log_group import GroupId


class LogEvent(NamedTuple):
    """One event of CloudWatch Logs; `timestamp_ms` is CloudWatch's, not the record's own time."""

    event_id: str
    stream: str
    timestamp_ms: int
    message: str


class Unreadable(NamedTuple):
    """An event that is not complete, with its bytes as CloudWatch Logs sent them.

    id:    a digest of its bytes and its stream. stream, at_ms: None where they cannot be read.
    """

    id: str
    stream: str | None
    at_ms: int | None
    content: bytes


@dataclass(frozen=True)
class Page:
    """One answer, possibly empty, as columns: the same place in each belongs to the same event.

    A page has thousands of events; columns are handled without a line of Python for each.

    times_ms: CloudWatch's timestamps, ascending.
    is_last:  nothing follows in the window.
    is_gone:  the log stream that was asked for does not exist any more.
    unreadable: events that are not complete; those that can be delivered all the same are in the
              columns too.
    """

    ids: Sequence[str] = ()
    streams: Sequence[str] = ()
    times_ms: Sequence[int] = ()
    texts: Sequence[str] = ()
    is_last: bool = False
    unreadable: Sequence[Unreadable] = ()
    is_gone: bool = False

    @classmethod
    def of(cls, events: Iterable[tuple[str, str, int, str]], *, is_last: bool = False) -> Page:
        """The same events as columns; each is a LogEvent, or as one."""
        ids, streams, times_ms, texts = [*zip(*events)] or ((), (), (), ())
        return cls(ids, streams, times_ms, texts, is_last)

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def resume_ms(self) -> int | None:
        """Reading may resume at this timestamp (inclusive) once the page was delivered.

        None for an empty page, which has no timestamp.
        """
        return self.times_ms[-1] if self.times_ms else None

    @property
    def events(self) -> list[LogEvent]:
        """The events one by one."""
        return [*map(LogEvent, self.ids, self.streams, self.times_ms, self.texts)]

    def only(self, chosen: Sequence[bool]) -> Page:
        """The page without the events that are not chosen."""
        if all(chosen):
            return self
        columns = (self.ids, self.streams, self.texts)
        ids, streams, texts = ([*compress(column, chosen)] for column in columns)
        times_ms = [*compress(self.times_ms, chosen)]
        return Page(ids, streams, times_ms, texts, self.is_last, self.unreadable)


class Caller(NamedTuple):
    """The identity that AWS sees: the account and the ARN of a user or an assumed role."""

    account: str
    arn: str


class Network(NamedTuple):
    """The network path to CloudWatch Logs.

    proxy: its URL without user and password; None for none. ca_bundle: a file of certificates;
    None for the built-in ones.
    """

    endpoint: str
    proxy: str | None = None
    ca_bundle: str | None = None


class Protection(NamedTuple):
    """How a log group is protected, as DescribeLogGroups returns it; None where it does not.

    kms_key: the ARN of the customer's key that encrypts it. is_deletion_protected: whether
    DeleteLogGroup is refused. is_masked: whether a data protection policy hides parts of records.
    """

    kms_key: str | None = None
    is_deletion_protected: bool | None = None
    is_masked: bool | None = None


@dataclass(frozen=True)
class FoundGroup:
    """A log group, and after how many milliseconds it deletes; None if never, or not known."""

    id: GroupId
    retention_ms: int | None = None
    protection: Protection = field(default=Protection(), compare=False)


@dataclass(frozen=True)
class Discovery:
    """The log groups to read, and the errors of those that cannot be read."""

    groups: list[FoundGroup]
    failures: list[CloudHsmError]


class LogSource(Protocol):
    """The log groups of one account and Region; every method may raise a CloudHsmError.

    clock: what is known of AWS's clock, kept from run to run. pace: counts the calls.
    """

    clock: AwsClock
    pace: RateLimiter

    def now_ms(self) -> int:
        """AWS's time in milliseconds since 1970, where it is confirmed."""

    def latest_ms(self) -> int:
        """The latest that AWS's time can be."""

    def discover(
        self, selectors: Iterable[GroupSelector], is_over: Callable[[], bool]
    ) -> Discovery:
        """Find the log groups that the entries of `log_groups` mean, until it is over."""

    def may_read(self, group: GroupId) -> None:
        """Request one event: raises what reading would raise, and sets AWS's time."""

    def read(
        self, group: GroupId, start_ms: int, end_ms: int, stream: str | None = None
    ) -> Iterator[Page]:
        """All events with start <= timestamp <= end (both inclusive), oldest first."""

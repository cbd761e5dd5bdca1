"""A CloudWatch Logs of our own, with the faults of the real one: pure, seeded, in virtual time.

What it models is what AWS documents of FilterLogEvents, GetLogEvents, DescribeLogGroups,
DescribeLogStreams and STS GetCallerIdentity (the API model in botocore, and the quotas
page). It accepts deletions (L23), so that a reader that deletes is detected. Every other operation
is refused with an error. The texts of errors are invented where AWS's are not public.

    service = Service(seed=1, now_ms=1_790_000_000_000)
    service.put("/aws/cloudhsm/cluster-2", "hsm-2", service.now_ms, "text")
    service.reply("FilterLogEvents", {"logGroupName": "/aws/cloudhsm/cluster-2"}, {})

`server.serve` offers it over HTTP, `in_process` through a botocore client.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any, NamedTuple

from tests.fake_aws import wire
from tests.fake_aws.calls import Call, invalid
from tests.fake_aws.faults import Chance, Faults
from tests.fake_aws.listings import Listings
from tests.fake_aws.pages import Pages
from tests.fake_aws.request_faults import RequestFaults
from tests.fake_aws.store import EVENT_BYTES, EVENT_OVERHEAD, LogGroup, Stored
from tests.fake_aws.tokens import Tokens
from tests.fake_aws.wire import Answer, Refusal, Reply

ACCOUNT = "111122223333"
REGION = "us-east-1"
# The operations that a reader may call; `Request.operation` shows any other call (L23).
READ_ONLY = frozenset(
    {
        "FilterLogEvents",
        "GetLogEvents",
        "DescribeLogGroups",
        "DescribeLogStreams",
        "GetCallerIdentity",
    }
)
# Event ids are numbers of 56 digits; shifted right by so many bits they are the timestamp in ms.
EVENT_ID_SHIFT = 144
_PUT_SHIFT = 64


class Arrival(NamedTuple):
    """An event to put: see `Service.put`."""

    group: str
    stream: str
    at_ms: int
    message: str
    visible_ms: int | None = None


@dataclass(frozen=True)
class Request:
    """One request that was made; `outcome` is `ok`, the fault that struck it, or an error code."""

    number: int
    operation: str
    body: Mapping[str, Any]
    at_ms: int
    outcome: str


class Service:
    """CloudWatch Logs of one account and Region. Safe to use from several threads.

    seed:           decides every fault, delay and id.
    now_ms:         AWS's time in milliseconds since 1970; moves only by `advance`, never back.
    faults:         may be replaced at any time; delays of events already put stay as they are.
    ms_per_request: how far each request moves the time.
    """

    def __init__(
        self,
        seed: int,
        now_ms: int,
        faults: Faults | None = None,
        account: str = ACCOUNT,
        region: str = REGION,
        ms_per_request: int = 0,
    ) -> None:
        self.seed = seed
        self.faults = Faults() if faults is None else faults
        self.account = account
        self.region = region
        self.ms_per_request = ms_per_request
        self.requests: list[Request] = []
        self._now_ms = now_ms
        self._lock = threading.RLock()
        self._groups: dict[str, LogGroup] = {}
        self._puts = 0
        self._calls = 0
        self._keys = 0
        self._chance = Chance(seed)
        tokens = Tokens(seed)
        self._pages = Pages(tokens)
        self._listings = Listings(tokens, self.arn(""))
        self._request_faults = RequestFaults(self.arn, account)

    @property
    def now_ms(self) -> int:
        """AWS's time."""
        return self._now_ms

    @now_ms.setter
    def now_ms(self, value: int) -> None:
        with self._lock:
            if value < self._now_ms:
                raise ValueError(f"time does not go back: it is {self._now_ms}, not {value}")
            self._now_ms = value

    def advance(self, ms: int) -> int:
        """Let time pass; returns AWS's time then."""
        with self._lock:
            self.now_ms += ms
            return self._now_ms

    def arn(self, group: str) -> str:
        """The ARN of a group, without `:*`."""
        partitions = {"cn": "aws-cn", "us-gov": "aws-us-gov"}
        partition = partitions.get(self.region.rsplit("-", 2)[0], "aws")
        return f"arn:{partition}:logs:{self.region}:{self.account}:log-group:{group}"

    def add_group(self, name: str, retention_days: int | None = None) -> None:
        """Create a group, or set the retention of one; events older than that are not given out."""
        with self._lock:
            self._group(name).retention_days = retention_days

    def put(
        self,
        group: str,
        stream: str,
        at_ms: int,
        message: str,
        *,
        visible_ms: int | None = None,
        event_id: str | None = None,
    ) -> str:
        """Write an event; returns its id. Group and stream come into being with their first event.

        visible_ms: when readers can see it. Without it: after the delay of the faults, or at once,
        but not before `at_ms`. AWS takes events up to two hours ahead: set it for one of those.

        Raises ValueError for what AWS would not take: an empty text, or one beyond 1 MB.
        """
        size = len(message.encode("utf-8", "surrogatepass")) + EVENT_OVERHEAD
        if not message or size > EVENT_BYTES or at_ms < 0:
            raise ValueError(f"AWS takes no event of {size} bytes at {at_ms} ms")
        with self._lock:
            self._puts += 1
            if visible_ms is None:
                visible_ms = self._visible_from(at_ms, stream)
            event_id = event_id or self._event_id(at_ms)
            event = Stored(at_ms, visible_ms, event_id, stream, message, size)
            self._group(group).add(event, visible_ms)
            return event_id

    def put_all(self, arrivals: Iterable[Arrival]) -> list[str]:
        """Write many events; returns their ids."""
        return [self.put(*arrival[:4], visible_ms=arrival.visible_ms) for arrival in arrivals]

    def groups(self) -> list[str]:
        """The names of all groups."""
        with self._lock:
            return sorted(self._groups)

    def visible(self, group: str) -> list[Stored]:
        """The events of a group that can be read now, in AWS's order."""
        with self._lock:
            known = self._groups.get(group)
            return list(known.events(self._now_ms)) if known else []

    def next_arrival_ms(self) -> int | None:
        """When the next event becomes visible; None if no more is on its way."""
        with self._lock:
            times = [group.next_arrival_ms(self._now_ms) for group in self._groups.values()]
            return min((time for time in times if time is not None), default=None)

    def calls(self, operation: str) -> list[Request]:
        """The requests for one operation so far."""
        return [request for request in list(self.requests) if request.operation == operation]

    def expire_key(self, access_key_id: str, at_ms: int | None = None) -> None:
        """L21: refuse what this key signs from a moment on, at once by default."""
        with self._lock:
            self._request_faults.expire_key(access_key_id, self._now_ms if at_ms is None else at_ms)

    def issue_key(self, life_ms: int) -> dict[str, str]:
        """L21: a new access key with its end, as a container's credential agent gives it out."""
        with self._lock:
            self._keys += 1
            key, ends_ms = f"ASIAFAKE{self._keys:012d}", self._now_ms + life_ms
            self._request_faults.expire_key(key, ends_ms)
        ends = datetime.fromtimestamp(ends_ms // 1000, timezone.utc)
        return {
            "AccessKeyId": key,
            "SecretAccessKey": "not-a-secret",
            "Token": f"session-of-{key}",
            "Expiration": f"{ends:%Y-%m-%dT%H:%M:%SZ}",
        }

    def reply(self, operation: str, body: Mapping[str, Any], headers: Mapping[str, str]) -> Reply:
        """Answer one request; `headers` need `Authorization` and `X-Amz-Date` for L21 and L22."""
        with self._lock:
            self._now_ms += self.ms_per_request
            self._calls += 1
            call = Call(
                self._calls, operation, body, headers, self._now_ms, self.faults, self._chance
            )
            outcome, reply = self._request_faults.apply(call, self._answer)
            self.requests.append(Request(call.number, operation, body, call.now_ms, outcome))
            return reply

    def _answer(self, call: Call) -> Answer:
        """The answer without request faults; may raise a Refusal."""
        if call.operation == "GetCallerIdentity":
            return wire.identity_answer(self.account)
        if call.operation == "DescribeLogGroups":
            return self._listings.describe_log_groups(call, self._groups)
        if call.operation == "FilterLogEvents":
            return self._pages.filter_log_events(call, self._known(call))
        if call.operation == "GetLogEvents":
            return self._pages.get_log_events(call, self._known(call))
        if call.operation == "DescribeLogStreams":
            return self._listings.describe_log_streams(call, self._known(call))
        return self._delete(call)

    def _delete(self, call: Call) -> Answer:
        """L23: what a reader of an audit trail must never ask for works here as it does at AWS."""
        if call.operation == "DeleteLogStream":
            self._known(call).delete_stream(call.text("logStreamName") or "")
        elif call.operation == "DeleteLogGroup":
            del self._groups[self._known(call).name]
        elif call.operation == "PutRetentionPolicy":
            self._known(call).retention_days = call.whole("retentionInDays", 1)
        else:
            raise Refusal("UnknownOperationException", f"no operation {call.operation!r} here")
        return wire.json_answer({})

    def _known(self, call: Call) -> LogGroup:
        name = call.group
        if name is None:
            raise invalid("logGroupName or logGroupIdentifier is needed")
        if name not in self._groups:
            raise Refusal("ResourceNotFoundException", "The specified log group does not exist.")
        return self._groups[name]

    def _group(self, name: str) -> LogGroup:
        return self._groups.setdefault(name, LogGroup(name, self._now_ms))

    def _visible_from(self, at_ms: int, stream: str) -> int:
        late = self.faults.late
        if late is None:
            return max(self._now_ms, at_ms)
        return at_ms + late.delay_ms(self._puts, stream, self._chance)

    def _event_id(self, at_ms: int) -> str:
        """Ids of one millisecond rise with the puts, as those of one batch do."""
        low = (self._puts << _PUT_SHIFT) + self._chance.bits("event-id", self._puts)
        return str((at_ms << EVENT_ID_SHIFT) + low).zfill(56)

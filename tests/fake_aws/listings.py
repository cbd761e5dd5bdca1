"""DescribeLogGroups and DescribeLogStreams: sorted, in pages of 50 at most."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tests.fake_aws.calls import Call, invalid
from tests.fake_aws.store import LogGroup, StreamTimes
from tests.fake_aws.tokens import Token, Tokens, digest_of
from tests.fake_aws.wire import Answer, json_answer

PAGE = 50


class Listings:
    """Pages of groups and streams; times of streams are as old as the fault `stale_ms` sets."""

    def __init__(self, tokens: Tokens, arn_prefix: str) -> None:
        self._tokens = tokens
        self._arn_prefix = arn_prefix

    def describe_log_groups(self, call: Call, groups: Mapping[str, LogGroup]) -> Answer:
        """Groups in the order of their names."""
        call.refuse_unmodelled("accountIdentifiers", "includeLinkedAccounts", "logGroupIdentifiers")
        prefix = call.text("logGroupNamePrefix")
        pattern = call.text("logGroupNamePattern")
        if prefix is not None and pattern is not None:
            raise invalid("logGroupNamePrefix and logGroupNamePattern are mutually exclusive")
        names = sorted(
            name for name in groups if name.startswith(prefix or "") and (pattern or "") in name
        )
        shown, token = self._page(call, names, digest_of(call.operation, prefix, pattern))
        return _listing("logGroups", [self._group(groups[name]) for name in shown], token)

    def describe_log_streams(self, call: Call, group: LogGroup) -> Answer:
        """Streams in the order of their names, or of their last event where that is known."""
        prefix = call.text("logStreamNamePrefix")
        by_time = call.text("orderBy") == "LastEventTime"
        if by_time and prefix is not None:
            raise invalid("Cannot order by LastEventTime with a logStreamNamePrefix.")
        as_of_ms = call.now_ms - call.faults.stale_ms
        times = {
            name: group.stream_times(name, as_of_ms, call.now_ms)
            for name in group.streams(call.now_ms)
            if name.startswith(prefix or "")
        }
        names = sorted(times)
        if by_time:
            names.sort(key=lambda name: times[name].last_ms or 0)
        if call.flag("descending", default=False):
            names.reverse()
        digest = digest_of(call.operation, group.name, prefix, by_time, call.body.get("descending"))
        shown, token = self._page(call, names, digest)
        return _listing("logStreams", [self._stream(group, n, times[n]) for n in shown], token)

    def _page(
        self, call: Call, names: Sequence[str], digest: str
    ) -> tuple[Sequence[str], str | None]:
        limit = call.whole("limit", 1, PAGE) or PAGE
        first = 0
        text = call.text("nextToken")
        if text is not None:
            token = self._tokens.read(text)
            if token is None or token.digest != digest:
                raise invalid("The specified nextToken is invalid.")
            first = token.position[0]
        end = first + limit
        following = Token(digest, call.now_ms, (end, 0, ""))
        return names[first:end], self._tokens.write(following) if end < len(names) else None

    def _group(self, group: LogGroup) -> dict[str, object]:
        arn = self._arn_prefix + group.name
        return {
            "logGroupName": group.name,
            "creationTime": group.created_ms,
            **({} if group.retention_days is None else {"retentionInDays": group.retention_days}),
            "metricFilterCount": 0,
            "arn": arn + ":*",
            "logGroupArn": arn,
            "logGroupClass": "STANDARD",
            "storedBytes": 0,
        }

    def _stream(self, group: LogGroup, name: str, times: StreamTimes) -> dict[str, object]:
        known = {
            "firstEventTimestamp": times.first_ms,
            "lastEventTimestamp": times.last_ms,
            "lastIngestionTime": times.ingested_ms,
        }
        return {
            "logStreamName": name,
            "creationTime": times.created_ms,
            "arn": f"{self._arn_prefix}{group.name}:log-stream:{name}",
            "storedBytes": 0,
            **{member: value for member, value in known.items() if value is not None},
        }


def _listing(member: str, items: Sequence[Mapping[str, object]], token: str | None) -> Answer:
    return json_answer({member: items, **({"nextToken": token} if token else {})})

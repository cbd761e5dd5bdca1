"""CloudWatch Logs through botocore. Every quirk of the service has one commented place here.

Read with FilterLogEvents: one call covers all streams of a group, and it is the only call that
returns an event id. `DescribeLogStreams` is never used: its times are eventually consistent.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from email.utils import parsedate_to_datetime
from typing import Any

import botocore.session
from botocore import exceptions, xform_name
from botocore.parsers import ResponseParserError

from cloudhsm.aws import credentials, page_parser, reachability, refusals
from cloudhsm.aws.log_source import Discovery, FoundGroup, LogEvent, Page, Unreadable
from cloudhsm.aws.rate_limit import RateLimiter, default_calls_per_second
from cloudhsm.aws.session import Timeouts, blank_ca_bundle
from cloudhsm.base.aws_clock import AwsClock
from cloudhsm.base.errors import (
    NEXT_RUN,
    AccessDenied,
    CloudHsmError,
    EndpointUnreachable,
    GroupNotFound,
    Place,
    ServiceFailure,
)
from cloudhsm.base.redaction import redacted
from cloudhsm.base.settings import GroupSelector, Settings
from cloudhsm.trail.log_group import GroupId

_DENIED = ("AccessDeniedException", "AccessDenied", "UnauthorizedOperation")
_BAD_CREDENTIALS = (
    "ExpiredTokenException",
    "ExpiredToken",
    "RequestExpired",
    "UnrecognizedClientException",
    "InvalidClientTokenId",
    "InvalidSignatureException",
    "SignatureDoesNotMatch",
    "IncompleteSignature",
    "MissingAuthenticationTokenException",
    "AuthFailure",
)
_NO_CONNECTION = (exceptions.ConnectionError, exceptions.HTTPClientError)
# A cut answer (see `_ask`) is asked for this often, with growing pauses.
_CUT_ANSWER_TRIES = 4
# What botocore raises for a body that is no JSON object, or ends inside a character.
_UNREADABLE = (UnicodeDecodeError, AttributeError, TypeError)
# An unusable page token restarts its window this often before the window is halved.
_TOKEN_RESTARTS = 3
# A token that comes again is one of the last: memory must not grow with a window's pages.
_TOKENS_KEPT = 100
_THROTTLED = ("ThrottlingException", "Throttling", "TooManyRequestsException", "SlowDown")
_DAY_MS = 86_400_000

Answer = Mapping[str, Any]  # what botocore parsed


class _TokenUnusable(Exception):
    """A page token was repeated or refused."""


class _OutOfOrder(_TokenUnusable):
    """Events came before older ones, so no position can be told: only less at once helps."""


def _never() -> bool:
    """Nothing ends a listing early."""
    return False


class CloudWatchLogs:
    """The log groups of one account and Region.

    Methods raise a CloudHsmError that names action, resource and remedy.
    """

    def __init__(self, settings: Settings, timeouts: Timeouts = credentials.RUN_TIMEOUTS) -> None:
        self._region = settings.aws_region
        self._login = settings.login
        self.clock = AwsClock()
        self.pace = RateLimiter(
            settings.calls_per_second or default_calls_per_second(settings.aws_region)
        )
        self.endpoint = settings.endpoint_url or "The AWS endpoint"
        with self._explained("creating a client", Place(region=self._region)):
            self._clients = credentials.AwsClients(settings.login, self._region, timeouts)
            page_parser.install(self._clients.session)
            self._logs = self._clients.client("logs", settings.endpoint_url)
        self.endpoint = str(self._logs.meta.endpoint_url)
        # For each attempt, botocore's own retries included.
        self._logs.meta.events.register("before-send.cloudwatch-logs", self._before_send)
        self._logs.meta.events.register("response-received.cloudwatch-logs", self._on_answer)

    @property
    def advisories(self) -> list[CloudHsmError]:
        """What an administrator should fix although everything works."""
        blank = self._clients.session.trust.blank
        return [] if blank is None else [blank_ca_bundle(blank)]

    def now_ms(self) -> int:
        """AWS's time, from the Date headers of its responses, where it is confirmed."""
        return self.clock.now_ms(_local_ms())

    def latest_ms(self) -> int:
        """The latest that AWS's time can be."""
        return self.clock.latest_ms(_local_ms())

    def discover(
        self, selectors: Iterable[GroupSelector], is_over: Callable[[], bool] = _never
    ) -> Discovery:
        """Find the log groups that the entries of `log_groups` mean.

        is_over: whether to end here; what was found until then is returned.
        """
        groups: dict[GroupId, FoundGroup] = {}
        failures: list[CloudHsmError] = []
        for selector in selectors:
            try:
                for found in self._find(selector, failures, is_over):
                    groups[found.id] = found
            except CloudHsmError as error:
                failures.append(error)
        return Discovery(list(groups.values()), failures)

    def read(
        self, group: GroupId, start_ms: int, end_ms: int, stream: str | None = None
    ) -> Iterator[Page]:
        """All events of a group with start <= timestamp <= end (both inclusive), oldest first.

        AWS's page tokens can come twice (boto/boto3#1584) and expire after 24 hours; then the
        window is read again from the last page's end, and halved when that does not help. A stream
        that is gone has no events: then the page is marked `is_gone`.
        """
        restarts = 0
        while True:
            try:
                for page in self._follow(self._request(group, start_ms, end_ms, stream), group):
                    start_ms = start_ms if page.resume_ms is None else page.resume_ms
                    yield page
            except _TokenUnusable as error:
                restarts += 1
                if restarts > _TOKEN_RESTARTS or isinstance(error, _OutOfOrder):
                    if start_ms >= end_ms:
                        raise self._tokens_exhausted(group, start_ms) from error
                    middle_ms = (start_ms + end_ms) // 2
                    for page in self.read(group, start_ms, middle_ms, stream):
                        yield replace(page, is_last=False)
                    start_ms, restarts = middle_ms + 1, 0
            except GroupNotFound:
                if stream is None:
                    raise
                self.may_read(group)  # raises where it is the group that is gone
                yield Page(is_last=True, is_gone=True)
                return
            else:
                return

    def may_read(self, group: GroupId) -> None:
        """Ask for one event: raises what reading this group would raise, and tells AWS's time."""
        now_ms = self.now_ms()
        self._filter({**self._request(group, now_ms, now_ms, None), "limit": 1}, group)

    def _request(
        self, group: GroupId, start_ms: int, end_ms: int, stream: str | None
    ) -> dict[str, Any]:
        # AWS always interleaves streams by time since 2019 and ignores the flag; emulators do not.
        window = {"startTime": start_ms, "endTime": end_ms, "interleaved": True}
        streams = {} if stream is None else {"logStreamNames": [stream]}
        if self._login.linked_accounts:  # a name would mean the monitoring account's own group
            return {"logGroupIdentifier": group.arn, **window, **streams}
        return {"logGroupName": group.name, **window, **streams}

    def _follow(self, request: dict[str, Any], group: GroupId) -> Iterator[Page]:
        """Pages until the token is absent: an empty page with a token is not the end."""
        used: deque[str] = deque(maxlen=_TOKENS_KEPT)
        place = Place(group.account, group.region, group.name)
        last_ms = request["startTime"]
        while True:
            answer = self._filter(request, group)
            page = _page(answer, request)
            times = [last_ms, *page.times_ms]
            if times != sorted(times):
                raise _OutOfOrder
            last_ms = times[-1]
            token = _token(answer, "FilterLogEvents", place)
            yield page if token is not None else replace(page, is_last=True)
            del page, answer  # not to be kept while the next one is fetched
            if token is None:
                return
            if token in used:
                raise _TokenUnusable
            used.append(token)
            request["nextToken"] = token

    def _filter(self, request: Answer, group: GroupId) -> Answer:
        place = Place(group.account, group.region, group.name)
        try:
            return self._ask("FilterLogEvents", request, "events", place)
        except ServiceFailure as error:
            if "nextToken" in request and "InvalidParameterException" in error.what:
                raise _TokenUnusable from error
            raise

    def _ask(self, operation: str, request: Answer, member: str, place: Place) -> Answer:
        """A whole answer: a body that ends early must not look like the end of a window.

        botocore reads with `enforce_content_length=False` and turns JSON that it cannot parse into
        an empty, successful answer, in every retry mode; cut inside a character, it raises instead
        (seen in 1.42.97 and 1.44.5). A whole answer always has its list member, so its absence asks
        for another try.
        """
        for attempt in range(_CUT_ANSWER_TRIES):
            if attempt:
                time.sleep(0.2 * 2**attempt)
            answer: Answer = {}
            with self._explained(f"logs:{operation}", place), suppress(*_UNREADABLE):
                answer = getattr(self._logs, xform_name(operation))(**request)
                self._learn_clock(answer)
            status = answer.get("ResponseMetadata", {}).get("HTTPStatusCode", 200)
            if status != 200:
                raise ServiceFailure(
                    f"logs:{operation} was answered with HTTP status {status} in place of 200",
                    place=place,
                    next_step=f"{NEXT_RUN}; if it persists, look for a proxy that responds in "
                    "AWS's place",
                )
            if isinstance(answer.get(member), list):
                return answer
        raise ServiceFailure(
            f"Every response to logs:{operation} was cut short or unreadable",
            place=place,
            next_step=f"{NEXT_RUN}; if it persists, look for a proxy that responds in AWS's place, "
            "or that cuts responses",
        )

    def _find(
        self,
        selector: GroupSelector,
        failures: list[CloudHsmError],
        is_over: Callable[[], bool],
    ) -> Iterator[FoundGroup]:
        """The groups of an entry; rows that cannot be read are added to `failures`."""
        place = Place(region=self._region, group=selector.name)
        is_empty, failed = True, len(failures)
        try:
            for item in self._described(selector.name, place, is_over):
                try:
                    found = _found(item, place)
                except ServiceFailure as error:
                    failures.append(error)
                    continue
                if selector.matches(found.id.name):
                    is_empty = False
                    yield found
        except AccessDenied:
            if selector.is_prefix:
                raise
            yield FoundGroup(self._assumed(selector.name))
            return
        if is_empty and len(failures) == failed:
            what = "begins with the prefix" if selector.is_prefix else "has the name"
            raise GroupNotFound(
                f"No log group {what} {selector.name}",
                place=place,
                next_step="Check aws_region, log_groups (a prefix ends in / or *) and which "
                "account the credentials belong to; a cluster's group appears with its first "
                "record",
            )

    def _described(
        self, prefix: str, place: Place, is_over: Callable[[], bool]
    ) -> Iterator[Mapping[str, Any]]:
        request: dict[str, Any] = {"logGroupNamePrefix": prefix}
        if self._login.linked_accounts:  # asked in a monitoring account
            request["includeLinkedAccounts"] = True
            request["accountIdentifiers"] = [*self._login.linked_accounts]
        used: set[str] = set()
        while True:
            answer = self._ask("DescribeLogGroups", request, "logGroups", place)
            yield from answer["logGroups"]
            token = _token(answer, "DescribeLogGroups", place)
            if token is None:
                return
            if token in used:
                raise ServiceFailure(
                    "logs:DescribeLogGroups repeats a page", place=place, next_step=NEXT_RUN
                )
            if is_over():
                raise ServiceFailure(
                    "logs:DescribeLogGroups did not come to its end in the time of this run",
                    place=place,
                    next_step="Narrow log_groups, or raise the interval; the log groups that are "
                    "known are collected",
                )
            used.add(token)
            request["nextToken"] = token

    def _assumed(self, name: str) -> GroupId:
        """A group named exactly needs no permission to list groups; STS tells the account."""
        with self._explained("finding the partition", Place(region=self._region, group=name)):
            partition = str(self._clients.session.get_partition_for_region(self._region))
        return GroupId(partition, self._clients.account_id(), self._region, name)

    def _learn_clock(self, answer: Answer) -> None:
        header = answer.get("ResponseMetadata", {}).get("HTTPHeaders", {}).get("date")
        if header:
            try:
                date_ms = int(parsedate_to_datetime(header).timestamp() * 1000)
            except (TypeError, ValueError, LookupError, OverflowError):
                return
            self.clock.observe(date_ms, _local_ms())

    def _before_send(self, **_: Any) -> None:  # noqa: ANN401  (whatever botocore passes)
        self.pace.wait()

    def _on_answer(self, parsed_response: Answer | None = None, **_: Any) -> None:  # noqa: ANN401
        if ((parsed_response or {}).get("Error") or {}).get("Code") in _THROTTLED:
            self.pace.was_throttled()
        else:
            self.pace.was_answered()

    def _tokens_exhausted(self, group: GroupId, at_ms: int) -> ServiceFailure:
        return ServiceFailure(
            f"CloudWatch Logs gives no usable page token for the millisecond {at_ms}",
            place=Place(group.account, group.region, group.name),
            next_step=NEXT_RUN,
        )

    @contextmanager
    def _explained(self, action: str, place: Place) -> Iterator[None]:
        """Turn botocore's exceptions into ours."""
        try:
            yield
        except exceptions.ClientError as error:
            self._learn_clock(error.response)
            if credentials.is_of_role(error):
                raise credentials.role_refused(error, self._login) from error
            code, message = _said(error)
            if code in _BAD_CREDENTIALS:
                offset_ms = self.clock.offset_ms
                raise credentials.refused(
                    code, message, self._region, self._login, offset_ms
                ) from error
            raise _from_answer(code, message, action, place) from error
        except credentials.UNUSABLE as error:
            raise credentials.missing(error, self._region, self._login) from error
        except _NO_CONNECTION as error:
            raise self._unreachable(error, place) from error
        except (exceptions.BotoCoreError, ResponseParserError, ValueError) as error:
            raise ServiceFailure(
                f"{action} failed: {error}", place=place, next_step=NEXT_RUN
            ) from error

    def _unreachable(self, error: Exception, place: Place) -> EndpointUnreachable:
        """What to report of an endpoint: this client's, or that of a call botocore made for it."""
        url = str(getattr(error, "kwargs", {}).get("endpoint_url") or self.endpoint)
        setting = "endpoint_url" if url.startswith(self.endpoint) else "sts_endpoint_url"
        why = reachability.cause(error, self._login, setting)
        what = f"{url.rstrip('/')} cannot be reached: {redacted(str(error))}"
        unreachable = EndpointUnreachable(
            f"{redacted(why.what)}: {what}" if why.what else what,
            place=replace(place, setting=setting),
            next_step=_region_hint(self._clients.session, self._region)
            + (why.next_step or f"Check aws_region, {setting}, DNS, proxy and firewall"),
        )
        unreachable.concerns_every_call = bool(why.what) and not why.is_of_one_call
        return unreachable


def _token(answer: Answer, operation: str, place: Place) -> str | None:
    """The token of the next page; None at the end. An empty one is neither."""
    token = answer.get("nextToken")
    if token is None or (isinstance(token, str) and token):
        return token
    raise ServiceFailure(
        f"logs:{operation} returned a page token that is none: {token!r}"[:200],
        place=place,
        next_step=NEXT_RUN,
    )


def _page(answer: Answer, request: Answer) -> Page:
    """The events of a response; one outside of the window that was asked for is unreadable."""
    page = Page.of(answer["events"])
    start_ms, end_ms = request["startTime"], request["endTime"]
    unreadable = [*answer.get("unreadable", ())]
    if page and not start_ms <= min(page.times_ms) <= max(page.times_ms) <= end_ms:
        are_inside = [start_ms <= at_ms <= end_ms for at_ms in page.times_ms]
        unreadable += map(_outside, page.only([not one for one in are_inside]).events)
        page = page.only(are_inside)
    return replace(page, unreadable=unreadable) if unreadable else page


def _outside(event: LogEvent) -> Unreadable:
    content = json.dumps(event._asdict()).encode()
    digest = hashlib.sha256(content).hexdigest()
    return Unreadable(f"unreadable-{digest}", event.stream, event.timestamp_ms, content)


def _said(error: exceptions.ClientError) -> tuple[str, str]:
    """Code and message; of a wrong signature AWS quotes what was signed, with its session token."""
    known = error.response.get("Error", {})
    return str(known.get("Code", "unknown")), redacted(str(known.get("Message", "")))


def _from_answer(code: str, message: str, action: str, place: Place) -> CloudHsmError:
    if lasting := refusals.refusal(code, message, action, place):
        return lasting
    if code in _DENIED:
        resource = place.group or "log groups of this Region"
        return AccessDenied(
            f"AWS denied {action} on {resource}: {message}",
            place=place,
            next_step=f"Allow {action} for the identity named in AWS's message",
        )
    if code == "ResourceNotFoundException":
        return GroupNotFound(
            "The log group does not exist",
            place=place,
            next_step="Check log_groups, aws_region and the account of the credentials",
        )
    hint = (
        "lower calls_per_second, or find what else calls CloudWatch Logs in this account and Region"
        if code in _THROTTLED
        else "if it persists, look for a proxy that responds in AWS's place"
    )
    return ServiceFailure(
        f"{action} failed: {code}: {message}", place=place, next_step=f"{NEXT_RUN}; {hint}"
    )


def _found(item: Mapping[str, Any], place: Place) -> FoundGroup:
    try:
        _, partition, _, region, account, _ = item["arn"].split(":", 5)
        item["arn"].encode(), item["logGroupName"].encode()  # raises ValueError where it cannot
        days = item.get("retentionInDays")
        return FoundGroup(
            GroupId(partition, account, region, item["logGroupName"]),
            None if days is None else int(days) * _DAY_MS,
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ServiceFailure(
            f"logs:DescribeLogGroups gave a group without a whole ARN: {error!r}",
            place=place,
            next_step=NEXT_RUN,
        ) from error


def _region_hint(aws: botocore.session.Session, region: str) -> str:
    """Regions appear more often than releases, so an unknown name is a hint, not an error."""
    known = {
        name
        for partition in aws.get_available_partitions()
        for name in aws.get_available_regions("logs", partition)
    }
    return "" if region in known else f"This version does not know a Region {region}. "


def _local_ms() -> int:
    return time.time_ns() // 1_000_000

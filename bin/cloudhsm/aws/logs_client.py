"""Calls to CloudWatch Logs through botocore: paced, complete, with AWS's time and clear errors."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

import botocore.session
from botocore import exceptions, xform_name
from botocore.parsers import ResponseParserError
from botocore.utils import get_environ_proxies

from cloudhsm.aws import credentials, page_parser, reachability, refusals
from cloudhsm.aws.log_source import Network
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
from cloudhsm.base.settings import Settings

_DENIED = ("AccessDeniedException", "AccessDenied", "UnauthorizedOperation")
_BAD_CREDENTIALS = (
    *("ExpiredTokenException", "ExpiredToken", "RequestExpired", "UnrecognizedClientException"),
    *("InvalidClientTokenId", "InvalidSignatureException", "SignatureDoesNotMatch"),
    *("IncompleteSignature", "MissingAuthenticationTokenException", "AuthFailure"),
)
_NO_CONNECTION = (exceptions.ConnectionError, exceptions.HTTPClientError)
# A cut answer (see `_call`) is asked for this often, with growing pauses.
_CUT_ANSWER_TRIES = 4
# What botocore raises for a body that is no JSON object, or ends inside a character.
_UNREADABLE = (UnicodeDecodeError, AttributeError, TypeError)
_THROTTLED = ("ThrottlingException", "Throttling", "TooManyRequestsException", "SlowDown")

Answer = Mapping[str, Any]  # what botocore parsed


class LogsClient:
    """A client for one account and Region. Methods raise a CloudHsmError."""

    def __init__(self, settings: Settings, timeouts: Timeouts = credentials.RUN_TIMEOUTS) -> None:
        self._region = settings.aws_region
        self._identity = settings.identity
        self.clock = AwsClock()
        self.pace = RateLimiter(
            settings.calls_per_second or default_calls_per_second(settings.aws_region)
        )
        self.endpoint = settings.endpoint_url or "The AWS endpoint"
        with self._explained("creating a client", Place(region=self._region)):
            self._clients = credentials.AwsClients(settings.identity, self._region, timeouts)
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

    @property
    def network(self) -> Network:
        """How calls reach CloudWatch Logs."""
        verify = self._clients.session.trust.verify
        proxy = self._identity.proxy_url or _environment_proxy(self.endpoint)
        return Network(self.endpoint, proxy, verify if isinstance(verify, str) else None)

    def now_ms(self) -> int:
        """AWS's time, from the Date headers of its responses, where it is confirmed."""
        return self.clock.now_ms(_local_ms())

    def latest_ms(self) -> int:
        """The latest that AWS's time can be."""
        return self.clock.latest_ms(_local_ms())

    def _call(self, operation: str, request: Answer, member: str, place: Place) -> Answer:
        """A complete answer: a body that ends early must not look like the end of a window.

        botocore reads with `enforce_content_length=False` and turns JSON that it cannot parse into
        an empty, successful answer, in every retry mode; cut inside a character, it raises instead
        (seen in 1.42.97 and 1.44.5). A complete one always has its list member, so its absence asks
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

    @contextmanager
    def _explained(self, action: str, place: Place) -> Iterator[None]:
        """Turn botocore's exceptions into ours."""
        try:
            yield
        except exceptions.ClientError as error:
            self._learn_clock(error.response)
            if credentials.is_of_role(error):
                raise credentials.role_refused(error, self._identity) from error
            code, message = _code_and_message(error)
            if code in _BAD_CREDENTIALS:
                offset_ms = self.clock.offset_ms
                raise credentials.refused(
                    code, message, self._region, self._identity, offset_ms
                ) from error
            raise _from_answer(code, message, action, place) from error
        except credentials.UNUSABLE as error:
            raise credentials.missing(error, self._region, self._identity) from error
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
        why = reachability.cause(error, self._identity, setting)
        what = f"{url.rstrip('/')} cannot be reached: {redacted(str(error))}"
        unreachable = EndpointUnreachable(
            f"{redacted(why.what)}: {what}" if why.what else what,
            place=replace(place, setting=setting),
            next_step=_region_hint(self._clients.session, self._region)
            + (why.next_step or f"Check aws_region, {setting}, DNS, proxy and firewall"),
        )
        unreachable.concerns_every_call = bool(why.what) and not why.is_of_one_call
        return unreachable


def _environment_proxy(endpoint: str) -> str | None:
    """The proxy that the process's variables name for an endpoint, without user and password."""
    url = get_environ_proxies(endpoint).get(urlsplit(endpoint).scheme)
    if not url:
        return None
    parts = urlsplit(str(url))
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"


def _code_and_message(error: exceptions.ClientError) -> tuple[str, str]:
    """Of a wrong signature, AWS's message quotes what was signed, with its session token."""
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

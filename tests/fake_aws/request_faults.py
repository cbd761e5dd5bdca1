"""Faults of a request on its way to the service and back."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timezone

from tests.fake_aws import wire
from tests.fake_aws.calls import Call
from tests.fake_aws.wire import Answer, Refusal, Reply

# The faults that leave a request without its answer, in the order in which they are looked at.
_FAILING = ("reset", "throttle", "server_error", "expire_credentials", "cut")


class Quota:
    """Calls per second, saved up for one second at most."""

    def __init__(self, rate: float, now_s: float) -> None:
        self._rate = rate
        self._left = max(1.0, rate)
        self._then_s = now_s

    def allows(self, now_s: float) -> bool:
        """Whether a call may pass now; if so, it is counted."""
        saved = self._left + (now_s - self._then_s) * self._rate
        self._left, self._then_s = min(max(1.0, self._rate), saved), now_s
        if self._left < 1:
            return False
        self._left -= 1
        return True


class RequestFaults:
    """Lets requests fail, and counts, so that no request fails forever."""

    def __init__(self, arn: Callable[[str], str], account: str) -> None:
        self._arn = arn
        self._account = account
        self._failed: dict[str, int] = {}
        self._quotas: dict[tuple[str, float], Quota] = {}
        self._key_ends_ms: dict[str, int] = {}

    def expire_key(self, access_key_id: str, at_ms: int) -> None:
        """Refuse what this key signs from a moment on."""
        self._key_ends_ms[access_key_id] = at_ms

    def apply(self, call: Call, answer: Callable[[Call], Answer]) -> tuple[str, Reply]:
        """The name of a call's outcome, and the reply that arrives."""
        faults = call.faults
        if any(first <= call.now_ms < last for first, last in faults.outages):
            return "outage", Reply(0, reset=True, unreachable=True)
        failing = self._failing(call)
        if failing == "reset" and call.coin("reset-at-once"):
            return failing, Reply(0, reset=True, delay_s=_delay_s(call))
        outcome = "ok"
        headers: dict[str, str] = {}
        try:
            self._check(call, failing)
            original = answer(call)
        except Refusal as refusal:
            outcome, headers = refusal.code, refusal.headers
            original = wire.refusal_answer(refusal, call.operation)
            if refusal.status == 502:
                original = wire.html_answer(502)
        reply = _reply(call, original, headers)
        if failing == "cut" and original.status == 200 and original.body:
            return failing, replace(reply, cut=_cut(call, original.body))
        if failing == "reset":
            return failing, replace(reply, cut=_cut(call, original.body), reset=True)
        return outcome, reply

    def _failing(self, call: Call) -> str | None:
        """The fault that fails this call, unless the same call has failed often enough."""
        struck = next((knob for knob in _FAILING if call.hit_by(knob)), None)
        if struck is None:
            if self._failed:
                self._failed.pop(call.fingerprint, None)
            return None
        so_far = self._failed.pop(call.fingerprint, 0)
        if so_far >= call.faults.in_a_row:
            return None
        self._failed[call.fingerprint] = so_far + 1
        return struck

    def _check(self, call: Call, failing: str | None) -> None:
        """Refuse what does not reach the operation, in the order in which AWS looks at it."""
        if failing == "throttle" or not self._within_quota(call):
            raise _throttled(call)
        if failing == "server_error":
            raise _server_error(call)
        if failing == "expire_credentials" or self._key_has_expired(call):
            raise Refusal(
                "ExpiredTokenException", "The security token included in the request is expired"
            )
        _check_signature_time(call)
        self._check_permission(call)

    def _within_quota(self, call: Call) -> bool:
        rate = call.faults.calls_per_second
        if rate is None:
            return True
        now_s = time.monotonic() if call.faults.quota_in_real_time else call.now_ms / 1000
        return self._quotas.setdefault((call.operation, rate), Quota(rate, now_s)).allows(now_s)

    def _key_has_expired(self, call: Call) -> bool:
        key = call.access_key
        if key is None:
            return False
        life_ms = call.faults.credentials_life_ms
        if life_ms is not None:
            self._key_ends_ms.setdefault(key, call.now_ms + life_ms)
        ends_ms = self._key_ends_ms.get(key)
        return ends_ms is not None and call.now_ms >= ends_ms

    def _check_permission(self, call: Call) -> None:
        group = call.group
        if not any(denial.covers(call.operation, group) for denial in call.faults.denied):
            return
        service = "sts" if call.operation in wire.STS_OPERATIONS else "logs"
        action = f"{service}:{call.operation}"
        raise Refusal(
            "AccessDeniedException",
            f"User: arn:aws:iam::{self._account}:user/reader is not authorized to perform: "
            f"{action} on resource: {self._arn(group or '')}:log-stream: because no "
            f"identity-based policy allows the {action} action",
        )


def _check_signature_time(call: Call) -> None:
    life_ms = call.faults.signature_life_ms
    signed = call.headers.get("X-Amz-Date")
    if life_ms is None or signed is None:
        return
    moment = datetime.strptime(signed, "%Y%m%dT%H%M%SZ").replace(tzinfo=timezone.utc)
    off_ms = int(moment.timestamp() * 1000) - call.now_ms
    if abs(off_ms) > life_ms:
        state = "expired" if off_ms < 0 else "not yet current"
        raise Refusal("InvalidSignatureException", f"Signature {state}: {signed}", 403)


def _throttled(call: Call) -> Refusal:
    refusal = Refusal("ThrottlingException", "Rate exceeded")
    if call.hit_by("retry_after"):
        wait_ms = call.faults.retry_after_ms
        # People and proxies read the first; botocore the second, in milliseconds (1.42 neither).
        refusal.headers["Retry-After"] = str(-(-wait_ms // 1000))
        refusal.headers["x-amz-retry-after"] = str(wait_ms)
    return refusal


def _server_error(call: Call) -> Refusal:
    return (
        Refusal("InternalFailure", "The request processing has failed.", 500),
        Refusal("ServiceUnavailableException", "The service cannot complete the request.", 503),
        Refusal("BadGateway", "not JSON at all", 502),
    )[call.chance.below("server-error", call.number, 3)]


def _reply(call: Call, original: Answer, headers: dict[str, str]) -> Reply:
    date = wire.date_header(call.now_ms + call.faults.date_skew_ms)
    request_id = f"{call.chance.bits('request-id', call.number):016x}"
    every = {"Content-Type": original.content_type, "Date": date, "x-amzn-RequestId": request_id}
    return Reply(original.status, {**every, **headers}, original.body, delay_s=_delay_s(call))


def _delay_s(call: Call) -> float:
    faults = call.faults
    return faults.latency_s + (faults.slow_s if call.hit_by("slow") else 0.0)


def _cut(call: Call, body: bytes) -> int:
    """Where the body ends early: anywhere, or inside a character where there is a longer one."""
    anywhere = call.chance.below("cut", call.number, max(1, len(body)))
    inside = wire.inside_character(body, anywhere) if call.coin("cut-inside") else None
    return anywhere if inside is None else inside

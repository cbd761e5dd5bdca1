"""Whether what an input asks for is allowed and can be reached: a dry call, without side effects.

Made when an input is saved, for a person who waits in front of a form, so it ends within 15 s
whatever hangs: an answer, the proxy, a name server. It lists what each entry of `log_groups` means
and asks for one event of a few of the groups.
"""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, Protocol, TypeVar

from cloudhsm.aws.refusals import is_lasting
from cloudhsm.base.errors import (
    NEXT_RUN,
    AccessDenied,
    CloudHsmError,
    CredentialsError,
    EndpointUnreachable,
    GroupNotFound,
    Place,
    ServiceFailure,
    Unexpected,
    pair,
)

if TYPE_CHECKING:  # these bring the whole ledger with them, which takes longer than all the rest
    from cloudhsm.aws.log_source import Caller, Discovery, FoundGroup, Network
    from cloudhsm.base.settings import GroupSelector, Settings
    from cloudhsm.trail.log_group import GroupId

LIMIT_S = 15.0
# Groups that are tried per entry: permissions are given by prefix, and calls are scarce.
GROUPS_PER_ENTRY = 5
# The longest that a client with short limits waits for one call: 3 s to connect, 5 s to answer.
_ONE_CALL_S = 8.0
# Throttling passes within this time.
_PAUSE_S = 1.0

_LIST, _READ = "logs:DescribeLogGroups", "logs:FilterLogEvents"

log = logging.getLogger("cloudhsm")
T = TypeVar("T")


class Source(Protocol):
    """CloudWatch Logs with short limits; every method may raise a CloudHsmError."""

    def discover(self, selectors: Iterable[GroupSelector]) -> Discovery:
        """Find the log groups that entries of `log_groups` mean."""

    def may_read(self, group: GroupId) -> None:
        """Ask for one event at most."""


class Permission(NamedTuple):
    """What one call showed: an action, on what, for which entry of `log_groups`.

    result:    allowed, denied, missing (no such log group) or not_tried (for want of time).
    resource:  an ARN as a policy has it, the name of a log group, or `*`.
    statement: what to add to a policy; None where nothing has to be added.
    """

    action: str
    resource: str
    entry: str
    result: str
    statement: dict[str, str] | None = None


@dataclass(frozen=True)
class Examination:
    """What a dry call found: failures as `check` returns them, and what led to them.

    groups: the log groups of all entries, of which a few were read.
    caller: the identity that AWS sees; None where it was not asked for, or not returned.
    network: how calls reach CloudWatch Logs; None where no client could be made.
    """

    failures: list[CloudHsmError]
    permissions: list[Permission]
    groups: list[FoundGroup]
    caller: Caller | None = None
    network: Network | None = None


def check(
    settings: Settings,
    connect: Callable[[], Source],
    limit_s: float = LIMIT_S,
    *,
    is_strict: bool = False,
) -> list[CloudHsmError]:
    """What prevents collecting, after `limit_s` seconds at most; empty for nothing."""
    return examine(settings, connect, limit_s, is_strict=is_strict).failures


def examine(
    settings: Settings,
    connect: Callable[[], Source],
    limit_s: float = LIMIT_S,
    *,
    is_strict: bool = False,
    identify: Callable[[], Caller] | None = None,
) -> Examination:
    """Each call and its result, after `limit_s` seconds at most.

    is_strict: a folder of log groups, which ends in /, must contain one.
    identify:  asks STS for the identity, last, if there is time.

    `connect` makes the client, which may already ask for credentials. What is allowed is logged,
    and so is what a person may want to know but need not mend now: a prefix without log groups,
    or entries for which the time did not suffice.
    """
    dry_call = _DryCall(settings, connect, limit_s, is_strict, identify)
    # A name server that never answers cannot be interrupted, only left behind.
    thread = threading.Thread(target=dry_call.run, name="access", daemon=True)
    thread.start()
    thread.join(limit_s)
    failures = [*dry_call.failures]
    if thread.is_alive():
        dry_call.is_abandoned = True
        failures.append(
            EndpointUnreachable(
                f"There is no result after {limit_s:g} s; awaited last: {dry_call.awaited}",
                place=Place(region=settings.aws_region),
                next_step="Check DNS, proxy and firewall of this host: a name server or proxy that "
                "never answers shows like this",
            )
        )
    return Examination(failures, [*dry_call.permissions], [*dry_call.groups], dry_call.caller)


def as_one(failures: list[CloudHsmError]) -> CloudHsmError:
    """All failed checks as one error, for the person who saves the input."""
    if len(failures) == 1:
        return failures[0]
    listed = ". ".join(f"({number}) {failure}" for number, failure in enumerate(failures, 1))
    return CloudHsmError(
        f"{len(failures)} checks failed: {listed}", next_step="Fix them, then save the input again"
    )


class _DryCall:
    """One check, in a thread of its own.

    awaited: what is being waited for. is_abandoned: nobody listens any more.
    """

    def __init__(
        self,
        settings: Settings,
        connect: Callable[[], Source],
        limit_s: float,
        is_strict: bool,
        identify: Callable[[], Caller] | None,
    ) -> None:
        self._is_strict, self._is_connected = is_strict, False
        self._identify = identify
        self.awaited = "AWS credentials"
        self.failures: list[CloudHsmError] = []
        self.permissions: list[Permission] = []
        self.groups: list[FoundGroup] = []
        self.caller: Caller | None = None
        self.is_abandoned = False
        self._settings = settings
        self._connect = connect
        self._last_start = time.monotonic() + limit_s - min(_ONE_CALL_S, limit_s / 2)

    def run(self) -> None:
        """Try every entry, then ask for the identity."""
        self._try_entries()
        is_refused = any(isinstance(error, CredentialsError) for error in self.failures)
        is_ready = self._is_connected and not is_refused and not self._is_late()
        if self._identify is not None and is_ready:
            self.awaited = "sts:GetCallerIdentity"
            # Without STS everything may work: the identity is for a person to read.
            with suppress(CloudHsmError):
                self.caller = self._identify()

    def _try_entries(self) -> None:
        """What fails for want of credentials, a network path or an answer ends it."""
        try:
            source = self._connect()
            self._is_connected = True
            for number, selector in enumerate(self._settings.log_groups):
                if self._is_late():
                    left = self._settings.log_groups[number:]
                    self._note(logging.WARNING, "result=not_tried", entries=str(len(left)))
                    for later in left:
                        self._add(_LIST, "*", later, "not_tried")
                    break
                self._try_entry(source, selector)
        except (CredentialsError, EndpointUnreachable, ServiceFailure) as error:
            self.failures.append(_explained(error))
        except CloudHsmError as error:
            self.failures.append(error)
        except Exception as error:  # noqa: BLE001  (a thread's edge: it must not end in silence)
            self.failures.append(Unexpected(error, Place(region=self._settings.aws_region)))

    def _try_entry(self, source: Source, selector: GroupSelector) -> None:
        entry = _written(selector)
        self.awaited = f"{_LIST} for {entry}"
        try:
            groups = self._patiently(lambda: _discovered(source, selector))
        except GroupNotFound as error:
            self._add(_LIST, "*", selector, "missing")
            self._without_group(error, selector)
            return
        except AccessDenied as error:
            statement = {"Action": _LIST, "Resource": "*"}
            self._add(_LIST, "*", selector, "denied", statement)
            self.failures.append(_denied([error], statement))
            return
        self._add(_LIST, "*", selector, "allowed")
        self._note(logging.INFO, f"action={_LIST} result=allowed", entry=entry)
        self.groups += groups
        self._try_groups(source, selector, [group.id for group in groups[:GROUPS_PER_ENTRY]])

    def _try_groups(self, source: Source, selector: GroupSelector, groups: list[GroupId]) -> None:
        denials: list[AccessDenied] = []
        try:
            for group in groups:
                if self._is_late():
                    what = f"action={_READ} result=not_tried"
                    self._note(logging.WARNING, what, group=group.name)
                    self._add(_READ, group.name, selector, "not_tried")
                    continue
                self._try_group(source, selector, group, denials)
        finally:
            if denials:
                statement = {"Action": _READ, "Resource": _arn(groups[0], selector)}
                self.failures.append(_denied(denials, statement))

    def _try_group(
        self, source: Source, selector: GroupSelector, group: GroupId, denials: list[AccessDenied]
    ) -> None:
        self.awaited = f"{_READ} on {group.name}"
        try:
            self._patiently(lambda: source.may_read(group))
        except AccessDenied as error:
            denials.append(error)
            statement = {"Action": _READ, "Resource": _arn(group, selector)}
            self._add(_READ, group.name, selector, "denied", statement)
        except GroupNotFound as error:
            self._add(_READ, group.name, selector, "missing")
            self._without_group(error, selector)
        else:
            self._add(_READ, group.name, selector, "allowed")
            self._note(logging.INFO, f"action={_READ} result=allowed", group=group.name)

    def _without_group(self, error: GroupNotFound, selector: GroupSelector) -> None:
        """A name without a group is mostly a typing error; a prefix may be ahead of its groups."""
        if selector.is_prefix and (selector.may_be_empty or not self._is_strict):
            self._note(logging.WARNING, "result=no_log_group", entry=_written(selector))
            return
        self.failures.append(
            GroupNotFound(
                error.what,
                place=error.place,
                next_step=f"Check aws_region ({self._settings.aws_region}), the spelling, and "
                "which account the credentials belong to. A cluster's log group appears with its "
                "first record: for a new one, write a prefix that ends in *, which may match later",
            )
        )

    def _patiently(self, call: Callable[[], T]) -> T:
        """What fails on AWS's side, e.g. by throttling, gets a second try."""
        try:
            return call()
        except ServiceFailure:
            if self._is_late():
                raise
            time.sleep(_PAUSE_S)
            return call()

    def _is_late(self) -> bool:
        """Whether a call that begins now might not be back in time."""
        return time.monotonic() >= self._last_start

    def _add(
        self,
        action: str,
        resource: str,
        selector: GroupSelector,
        result: str,
        statement: dict[str, str] | None = None,
    ) -> None:
        self.permissions.append(Permission(action, resource, _written(selector), result, statement))

    def _note(self, level: int, what: str, **where: str) -> None:
        if not self.is_abandoned:
            pairs = [pair("input", self._settings.stanza), "what=access_checked"]
            pairs += [pair(name, value) for name, value in where.items()]
            log.log(level, "%s", " ".join([*pairs, what]))


def _discovered(source: Source, selector: GroupSelector) -> list[FoundGroup]:
    discovery = source.discover([selector])
    for failure in discovery.failures:
        raise failure
    return discovery.groups


def _written(selector: GroupSelector) -> str:
    """The entry as in `log_groups`."""
    star = "*" if selector.is_prefix and not selector.name.endswith("/") else ""
    return f"{selector.name}{star}"


def _arn(group: GroupId, selector: GroupSelector) -> str:
    """What a policy calls the groups of an entry; for one group, AWS wants `:*` behind its name."""
    name = f"{selector.name}*" if selector.is_prefix else f"{group.name}:*"
    return f"arn:{group.partition}:logs:{group.region}:{group.account}:log-group:{name}"


def _denied(denials: list[AccessDenied], statement: dict[str, str]) -> AccessDenied:
    """One error for an action and an entry, with what to add to a policy."""
    first = denials[0]
    others = ", ".join(error.place.group or "" for error in denials[1:])
    if is_lasting(first):
        next_step = first.next_step
    else:
        allow = json.dumps({"Effect": "Allow", **statement})
        next_step = f"Add this statement to a policy of the identity that AWS names: {allow}"
    return AccessDenied(
        f"{first.what}{'; also on ' if others else ''}{others}",
        place=first.place,
        next_step=next_step,
    )


def _explained(error: CloudHsmError) -> CloudHsmError:
    """The error with a next step for a person who waits in front of a form."""
    if not isinstance(error, ServiceFailure):
        return error
    next_step = error.next_step.replace(NEXT_RUN, "Save the input again in a minute")
    return ServiceFailure(error.what, place=error.place, next_step=next_step)

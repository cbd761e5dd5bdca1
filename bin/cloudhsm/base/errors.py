"""Errors that state what happened, where, and what to do next."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, fields


@dataclass(frozen=True)
class Place:
    """Where something happened; what is not known stays None and is not printed."""

    account: str | None = None
    region: str | None = None
    group: str | None = None
    stream: str | None = None
    sequence: str | None = None
    file: str | None = None
    setting: str | None = None

    def __str__(self) -> str:
        known = ((field.name, getattr(self, field.name)) for field in fields(self))
        return " ".join(pair(name, value) for name, value in known if value is not None)


NOWHERE = Place()
# The next step where no one has to do anything.
NEXT_RUN = "The next run tries again from where this one stopped"


def pair(name: str, value: str) -> str:
    """`name=value` for a log line, in double quotes where the value needs them; always one line."""
    plain = re.fullmatch(r"[A-Za-z0-9_./:@*+-]+", value)
    return f"{name}={value if plain else json.dumps(value)}"


class CloudHsmError(Exception):
    """Base of every error that an administrator can act on.

    what:  one sentence, no line breaks needed (they are escaped when logged).
    place: account, Region, group, stream, file or setting concerned.
    next_step: what to do about it.
    """

    def __init__(self, what: str, *, place: Place = NOWHERE, next_step: str) -> None:
        super().__init__(what)
        self.what = what
        self.place = place
        self.next_step = next_step

    def __str__(self) -> str:
        where = f" ({self.place})" if str(self.place) else ""
        return f"{self.what}{where}. {self.next_step}"

    def line(self) -> str:
        """The error as `key=value` pairs on one line, for the log."""
        parts = [pair("error", type(self).__name__), str(self.place)]
        parts += [pair("what", self.what), pair("next", self.next_step)]
        return " ".join(part for part in parts if part)


class SettingError(CloudHsmError):
    """A setting of the stanza cannot be used as it is."""


def refused_setting(setting: str, what: str, next_step: str) -> SettingError:
    """The error of a setting; `what` continues the sentence after its name."""
    return SettingError(f"{setting} {what}", place=Place(setting=setting), next_step=next_step)


class CallFailed(CloudHsmError):
    """A call to AWS failed: what was read before it is saved, so other work can go on."""


class CredentialsError(CallFailed):
    """AWS credentials are missing, wrong or expired.

    http_status: of splunkd's response, where the password storage refused a request.
    """

    http_status: int | None = None


class AccessDenied(CallFailed):
    """AWS refused an action."""


class RefusedUntilChanged(CallFailed):
    """AWS refuses until its configuration changes; the input tries again in each run."""


class GroupNotFound(CallFailed):
    """A log group that the stanza names does not exist."""


class EndpointUnreachable(CallFailed):
    """No connection to the AWS endpoint: DNS, network, proxy or TLS.

    concerns_every_call: no other call of this run can get through, either.
    """

    concerns_every_call = False


class ServiceFailure(CallFailed):
    """AWS answered, but not with the requested data: throttling, 5xx, a cut or malformed answer."""


class StateError(CloudHsmError):
    """The state of a group cannot be read, written or locked."""


class StateLocked(StateError):
    """Another process of this host is reading the same group."""


class StateCorrupt(StateError):
    """No generation of the state can be read."""


class StateTooNew(StateError):
    """The state was written by a newer version of this add-on."""


class Unexpected(CloudHsmError):
    """A fault of this add-on; the message names the line of code."""

    def __init__(self, error: Exception, place: Place) -> None:
        trace = error.__traceback__
        while trace is not None and trace.tb_next is not None:
            trace = trace.tb_next
        code = trace.tb_frame.f_code.co_filename if trace else "unknown"
        line = trace.tb_lineno if trace else 0
        super().__init__(
            f"{type(error).__name__}: {error} at {code}:{line}",
            place=place,
            next_step="Report this line to the maintainers; the next run tries again",
        )


class OutputClosed(CloudHsmError):
    """Splunk closed the pipe that events are written to."""

"""Errors that say what happened, where, and what to do next."""

from __future__ import annotations

import json
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
        return " ".join(f"{name}={value}" for name, value in known if value is not None)


NOWHERE = Place()


def quoted(text: str) -> str:
    """A log value in double quotes: one line, whatever the text holds."""
    return json.dumps(text, ensure_ascii=True)


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
        pairs = [f"error={type(self).__name__}", str(self.place)]
        pairs += [f"what={quoted(self.what)}", f"next={quoted(self.next_step)}"]
        return " ".join(pair for pair in pairs if pair)


class SettingError(CloudHsmError):
    """A setting of the stanza cannot be used as it is."""


class CredentialsError(CloudHsmError):
    """AWS credentials are missing, wrong or expired."""


class AccessDenied(CloudHsmError):
    """AWS refused an action."""


class GroupNotFound(CloudHsmError):
    """A log group that the stanza names does not exist."""


class EndpointUnreachable(CloudHsmError):
    """No connection to the AWS endpoint: DNS, network, proxy or TLS."""


class ServiceFailure(CloudHsmError):
    """AWS answered, but not with what was asked: throttling, 5xx, a cut or malformed answer."""


class StateError(CloudHsmError):
    """The state of a group cannot be read, written or locked."""


class StateLocked(StateError):
    """Another process of this host is reading the same group."""


class StateCorrupt(StateError):
    """No generation of the state can be read."""


class StateTooNew(StateError):
    """The state was written by a newer version of this add-on."""


class OutputClosed(CloudHsmError):
    """Splunk closed the pipe that events are written to."""

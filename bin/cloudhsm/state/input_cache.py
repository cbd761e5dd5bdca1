"""What an input remembers between runs besides the states of its groups: nothing precious.

Discovered groups (asked for every 5 minutes at most), AWS's clock, failures with their backoff and
the counters for the next heartbeat. A damaged or missing file costs a few calls and a heartbeat
that begins anew, so it is replaced without asking.
"""

from __future__ import annotations

import hashlib
import json
import re
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from cloudhsm.aws.log_source import FoundGroup
from cloudhsm.base.aws_clock import AwsClock
from cloudhsm.base.counters import Counters
from cloudhsm.base.settings import Settings
from cloudhsm.trail.log_group import GroupId

VERSION = 1
# How a failure is called: a group's live window has the group's name alone.
DISCOVERY = "log_groups="
SWEEP, GAPS, HISTORY, REPLAYS = "sweep of ", "gaps of ", "history of ", "replays of "
PARTS = {
    "discovery": DISCOVERY,
    "sweep": SWEEP,
    "gaps": GAPS,
    "history": HISTORY,
    "replay": REPLAYS,
}
INPUT = "input"


def part_of(name: str) -> tuple[str, str]:
    """Which part of the work a failure is of, and of which log group or entry; "" for none."""
    if name == INPUT:
        return INPUT, ""
    for part, prefix in PARTS.items():
        if name.startswith(prefix):
            return part, name[len(prefix) :]
    return "live", name


@dataclass
class Failure:
    """What stands in the way of a group, since when, and when to try again.

    tries: runs in a row that failed. retry_ms: no call for this group before this instant.
    is_reported: by an event of its own; otherwise another part of the group's work was.
    """

    error: str
    since_ms: int
    tries: int = 1
    retry_ms: int = 0
    is_reported: bool = True


@dataclass
class InputState:
    """The memory of one input.

    asked:     what `groups` were discovered for; another setting asks anew.
    failures:  by what fails: INPUT for all of it, the name of a log group for its live
               window, the name with one of PARTS before it for its other work, an entry of
               log_groups with DISCOVERY before it.
    is_clock_reported: whether a difference between this host's clock and AWS's was reported.
    gone:      groups that were collected and are deleted, and since when, in milliseconds.
    turn:      which group comes first in the next run: its number, round and round.
    advised:   when each advisory was logged last, in milliseconds since 1970, by its text.
    """

    asked: str = ""
    discovered_ms: int = 0
    groups: list[FoundGroup] = field(default_factory=list)
    clock: AwsClock = field(default_factory=AwsClock)
    heartbeat_ms: int = 0
    counters: Counters = field(default_factory=Counters)
    failures: dict[str, Failure] = field(default_factory=dict)
    turn: int = 0
    advised: dict[str, int] = field(default_factory=dict)
    gone: list[tuple[GroupId, int]] = field(default_factory=list)
    is_clock_reported: bool = False

    def is_new_to(self, settings: Settings) -> bool:
        """Whether the groups that a stanza asks for were never looked for."""
        return self.asked != asked(settings)

    def to_json(self) -> dict[str, object]:
        """The document, with its version."""
        members = {name: value for name, value in vars(self).items() if name != "counters"}
        return {
            "version": VERSION,
            **members,
            "groups": [[asdict(group.id), group.retention_ms] for group in self.groups],
            "clock": self.clock.to_json(),
            "tally": self.counters.to_json(),
            "failures": {name: asdict(failure) for name, failure in self.failures.items()},
            "gone": [[asdict(group), since_ms] for group, since_ms in self.gone],
        }


def asked(settings: Settings) -> str:
    """What a discovery depends on, as a text to compare: where, what and as whom; no secret."""
    entries = [[selector.name, selector.is_prefix] for selector in settings.log_groups]
    login = settings.identity
    role = login.role and login.role.arn
    identity = [login.profile, login.credential, role, *login.linked_accounts]
    return json.dumps([settings.aws_region, settings.endpoint_url, entries, identity])


def _clock(document: dict[str, Any]) -> AwsClock:
    """Earlier builds kept the offset of the last response."""
    if "clock" not in document:
        offset_ms = int(document["clock_offset_ms"])
        return AwsClock(offset_ms, offset_ms)
    return AwsClock(**{str(name): int(ms) for name, ms in document["clock"].items()})


class InputFile:
    """Where the memory of one input is kept."""

    def __init__(self, folder: Path, stanza: str) -> None:
        readable = re.sub(r"[^A-Za-z0-9.-]+", "_", stanza)[:80]
        unique = hashlib.sha256(stanza.encode()).hexdigest()[:12]
        self.path = folder / f"{readable}-{unique}.input"

    @classmethod
    def at(cls, path: Path) -> InputFile:
        """What is kept in this file, whatever input it is of."""
        file = cls(path.parent, "")
        file.path = path
        return file

    def load(self) -> InputState:
        """What was remembered; an empty memory where nothing usable is there."""
        try:
            document = json.loads(self.path.read_bytes())
            if document["version"] != VERSION:
                return InputState()
            groups = [FoundGroup(GroupId(**group), age_ms) for group, age_ms in document["groups"]]
            return InputState(
                document["asked"],
                int(document["discovered_ms"]),
                groups,
                _clock(document),
                int(document["heartbeat_ms"]),
                Counters.from_json(document["tally"]),
                {name: Failure(**failure) for name, failure in document["failures"].items()},
                int(document.get("turn", 0)),
                {str(name): int(ms) for name, ms in document.get("advised", {}).items()},
                [(GroupId(**group), int(ms)) for group, ms in document.get("gone", [])],
                bool(document.get("is_clock_reported")),
            )
        except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError):
            return InputState()

    def save(self, state: InputState) -> bool:
        """Replace what was remembered; False where it cannot be written, and is forgotten."""
        temporary = self.path.with_suffix(".input-new")
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            temporary.write_text(json.dumps(state.to_json()), encoding="utf-8")
            temporary.replace(self.path)
        except OSError:
            with suppress(OSError):
                temporary.unlink()
            return False
        return True

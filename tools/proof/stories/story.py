"""What a story is: what happens, and which detections must find it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tools.proof.stories.cluster import DAY, MINUTE, Cluster
from tools.proof.stories.record_text import Layout

Script = Callable[[Cluster], None]

AT_ONCE = 10 * MINUTE
WITHIN_A_DAY = DAY
BOTH = (Layout.PUBLISHED, Layout.INFERRED)


@dataclass(frozen=True)
class Story:
    """One story. Times are seconds from the decisive moment.

    by: the detections of which one must report a finding; none: the story is benign, and every
    finding after `since` is a false one. visible: the action after which the attack can be
    recognized, as CloudWatch Logs shows it. within: how long after it. findings: how many there
    must be (users, sessions or keys of their own). exports: whether the cluster's history has them.
    since: where the story begins. first_use_within: the limit in a cluster without history, where
    first uses are reported once a day.
    """

    name: str
    text: str
    script: Script
    by: tuple[str, ...] = ()
    visible: float = 0
    within: float = AT_ONCE
    findings: int = 1
    exports: bool = True
    since: float = 0
    layouts: tuple[Layout, ...] = BOTH
    first_use_within: float = 0
    ceremony: bool = False

    @property
    def is_attack(self) -> bool:
        """Whether it must be found."""
        return bool(self.by) and not self.ceremony

    def limit(self, *, has_history: bool) -> float:
        """Seconds after `visible` in which a finding must be there."""
        return self.within if has_history else max(self.within, self.first_use_within)


class Stories:
    """A list of stories that scripts add themselves to."""

    def __init__(self) -> None:
        self.listed: list[Story] = []

    def add(
        self,
        *by: str,
        visible: float = 0,
        within: float = AT_ONCE,
        findings: int = 1,
        exports: bool = True,
        since: float = 0,
        layouts: tuple[Layout, ...] = BOTH,
        first_use_within: float = 0,
        ceremony: bool = False,
    ) -> Callable[[Script], Script]:
        """A decorator: the script's name and docstring are the story's."""

        def added(script: Script) -> Script:
            story = Story(
                name=script.__name__,
                text=(script.__doc__ or "").strip(),
                script=script,
                by=by,
                visible=visible,
                within=within,
                findings=findings,
                exports=exports,
                since=since,
                layouts=layouts,
                first_use_within=first_use_within,
                ceremony=ceremony,
            )
            self.listed.append(story)
            return script

        return added

"""Whether each story was found in time, and what the quiet clusters reported. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from emulator.eval.values import values_of
from tools.proof.stories.cluster import DAY, MOMENT
from tools.proof.stories.playing import Finding, Variant

_WEEK = 7 * DAY


@dataclass(frozen=True)
class Verdict:
    """One variant with these tables: the findings that count, and whether they are enough."""

    variant: Variant
    tables: str
    counted: tuple[Finding, ...]
    found: bool

    @property
    def key(self) -> str:
        """A line that names this variant."""
        return f"{self.variant.story.name}: {self.variant.label}, tables {self.tables}"

    @property
    def delay(self) -> float | None:
        """Seconds from the visible action to the first finding; 0 if it came before."""
        if not self.counted:
            return None
        return min(self.delay_of(finding) for finding in self.counted)

    def delay_of(self, finding: Finding) -> float:
        """Seconds from the visible action to this finding; 0 if it came before."""
        return max(0.0, finding.fired.run - MOMENT - self.variant.story.visible)


def verdict(variant: Variant, tables: str, findings: Iterable[Finding]) -> Verdict:
    """Of an attack or a ceremony: found in time. Of a benign story: no finding at all."""
    story = variant.story
    if not story.by:
        counted = [finding for finding in findings if finding.fired.run >= MOMENT + story.since]
        wrong = [f for f in counted if variant.has_history or f.stem not in _FIRST_USES]
        return Verdict(variant, tables, tuple(wrong), not wrong)
    # CloudWatch Logs shows a record a second after it was written.
    limit = MOMENT + story.visible + story.limit(has_history=variant.has_history) + 5
    counted = [
        finding
        for finding in findings
        if finding.stem in story.by and MOMENT + story.since <= finding.fired.run <= limit
    ]
    return Verdict(variant, tables, tuple(counted), _distinct(counted) >= story.findings)


# What is new at a cluster without history; a copied backup is reported without waiting for a day.
_FIRST_USES = frozenset({"first_uses_at_a_new_cluster", "backup_copied_or_deleted"})
# How two findings of one detection differ: who, in which session, with which key.
_WHO = ("user", "session_handle", "wrapping_key", "caller", "cluster_id")


def _distinct(findings: Sequence[Finding]) -> int:
    """How many different actors, sessions or keys the findings name."""
    named = set()
    for finding in findings:
        row = finding.fired.row
        rest = tuple(" ".join(values_of(row, name)) for name in _WHO)
        named |= {(actor, *rest) for actor in values_of(row, "actor") or ("",)}
    return len(named)


@dataclass(frozen=True)
class Rate:
    """Findings a week of so many clusters: in their first 30 days, and afterwards."""

    clusters: int
    first: float
    later: float


def rates(
    findings: Sequence[Finding], clusters: int, since: float, established: float, until: float
) -> list[Rate]:
    """For 1, 10 and 100 clusters, from those of `clusters`: what names no cluster counts once."""
    shared = [finding for finding in findings if not _is_of_one_cluster(finding)]
    own = [finding for finding in findings if _is_of_one_cluster(finding)]

    def weekly(group: Sequence[Finding], start: float, end: float) -> float:
        return sum(start <= item.fired.run < end for item in group) / ((end - start) / _WEEK)

    return [
        Rate(
            number,
            *(
                weekly(own, *period) * number / clusters + weekly(shared, *period)
                for period in ((since, established), (established, until))
            ),
        )
        for number in (1, 10, 100)
    ]


def _is_of_one_cluster(finding: Finding) -> bool:
    return any(values_of(finding.fired.row, name) for name in ("cluster_id", "hsm_id"))


def by_detection(findings: Iterable[Finding], start: float, end: float) -> Counter[str]:
    """How many findings each detection has from `start` to before `end`."""
    return Counter(item.stem for item in findings if start <= item.fired.run < end)

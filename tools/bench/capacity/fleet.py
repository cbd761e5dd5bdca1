"""Clusters and HSMs that write audit records: names and texts that follow from numbers alone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from random import Random

from tests.bin.fakes import audit_text
from tests.fake_aws.service import ACCOUNT, Arrival
from tests.fake_aws.trails import hsm_name

# How long a record is on its way from its timestamp until readers can see it. Not published.
LATEST_MS = 2_000
# What a user name may hold; the text of a record must arrive as it is.
_USERS = ("admin", "crypto-officer", "app_user", "a&<b>]]>", "\u202eroot")


@dataclass
class Fleet:
    """So many clusters with so many HSMs each, in one account and Region.

    waiting: the records that were written and not yet delivered: when each became visible
             (milliseconds), by `source` and text.
    """

    clusters: int
    hsms: int
    region: str
    seed: int = 1
    waiting: dict[tuple[str, str], int] = field(default_factory=dict)
    written: int = 0
    written_bytes: int = 0
    _sequences: dict[tuple[int, int], int] = field(default_factory=dict)

    @property
    def streams(self) -> int:
        return self.clusters * self.hsms

    def group(self, cluster: int) -> str:
        """The log group of a cluster."""
        return f"/aws/cloudhsm/cluster-{hsm_name(cluster).removeprefix('hsm-')}"

    def write(self, per_hsm: float, from_ms: int, to_ms: int) -> Iterator[list[Arrival]]:
        """Records of every HSM, visible from one instant to before the other: a list per cluster.

        per_hsm: records of each; a fraction is a chance of one more.
        """
        rng = Random(f"{self.seed}/{from_ms}")  # noqa: S311  (a schedule, not a secret)
        for cluster in range(self.clusters):
            arrivals: list[Arrival] = []
            for hsm in range(self.hsms):
                count = int(per_hsm) + (rng.random() < per_hsm % 1)
                moments = sorted(rng.randrange(from_ms, to_ms) for _ in range(count))
                arrivals += [self._record(cluster, hsm, moment, rng) for moment in moments]
            if arrivals:
                yield arrivals

    def _record(self, cluster: int, hsm: int, visible_ms: int, rng: Random) -> Arrival:
        sequence = self._sequences.get((cluster, hsm), 0)
        self._sequences[cluster, hsm] = sequence + 1
        at_ms = visible_ms - rng.randrange(LATEST_MS)
        text = audit_text(sequence, at_ms * 1000 - 1_500, user=rng.choice(_USERS))
        group, stream = self.group(cluster), hsm_name(cluster * self.hsms + hsm)
        self.waiting[f"{ACCOUNT}:{self.region}:{group}:{stream}", text] = visible_ms
        self.written += 1
        self.written_bytes += len(text.encode())
        return Arrival(group, stream, at_ms, text, visible_ms)

    def delivered(self, source: str, text: str) -> int | None:
        """When a record that was delivered became visible; None if none such was due."""
        return self.waiting.pop((source, text), None)

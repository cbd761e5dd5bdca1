"""A log group, and what Splunk is told of where a record came from."""

from __future__ import annotations

from dataclasses import dataclass

from cloudhsm.base.errors import Place
from cloudhsm.trail.record_identity import Kind

SOURCETYPES = {Kind.AUDIT: "aws:cloudhsm:audit", Kind.CERTIFICATE: "aws:cloudhsm:certificate"}

Origin = tuple[str, str, str]  # host, source, sourcetype


@dataclass(frozen=True)
class GroupId:
    """Which log group it is; `partition` is aws, aws-us-gov, aws-cn, ..."""

    partition: str
    account: str
    region: str
    name: str

    def source(self, stream: str) -> str:
        """The `source` of an event of this group."""
        return f"{self.account}:{self.region}:{self.name}:{stream}"

    def origin(self, stream: str, kind: Kind) -> Origin:
        """Where a record came from: its HSM has given the stream its name.

        Certificate-storage records are the cluster's.
        """
        host = self.cluster_id if kind is Kind.CERTIFICATE else stream
        return host, self.source(stream), SOURCETYPES[kind]

    @property
    def place(self) -> Place:
        """Where an error of this group is."""
        return Place(self.account, self.region, self.name)

    @property
    def arn(self) -> str:
        """As `logGroupIdentifier` takes it: without `:*` behind the name."""
        return f"arn:{self.partition}:logs:{self.region}:{self.account}:log-group:{self.name}"

    @property
    def cluster_id(self) -> str:
        """The last part of the group's name, by AWS's naming."""
        return self.name.rsplit("/", 1)[-1]

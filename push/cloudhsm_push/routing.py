"""What a stack passes on: log events of its own account and log groups, to its own index. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from cloudhsm_push.envelope import Envelope

# AWS's prefix of CloudHSM's log groups; no other may go into the stream, which has a log too.
ALL = "/aws/cloudhsm/"


class Routing(NamedTuple):
    """What an envelope does not have, and what it must match.

    account: of the stream, which has to be that of the log groups. log_groups: what their names
    begin with. splunk_index: empty for the index of the token.
    """

    partition: str
    region: str
    account: str
    splunk_index: str = ""
    log_groups: str = ALL

    def refusal(self, envelope: Envelope) -> str:
        """Why this stack does not pass on the envelope; empty for its own."""
        if envelope.owner != self.account:
            return f"the account is {envelope.owner[:40]!r} instead of {self.account}"
        group = envelope.log_group
        if not (group.startswith(ALL) and group.startswith(self.log_groups)):
            return f"the log group {group[:80]!r} does not begin with {self.log_groups}"
        return ""


def routing_from(stream_arn: str, environment: Mapping[str, str]) -> Routing:
    """From the ARN of the stream, and the variables that the template sets."""
    _, partition, _, region, account, _ = stream_arn.split(":", 5)
    index = environment.get("SPLUNK_INDEX", "")
    return Routing(partition, region, account, index, environment.get("LOG_GROUP_PREFIX") or ALL)

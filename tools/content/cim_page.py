"""Renders `docs/cim.md`: where each operation belongs in the Common Information Model, and why."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from tools.content.mappings import Activity, CimOutcome, Operation
from tools.content.markdown import table

_HEAD = """\
<!-- Generated from operations.yaml, cim_outcomes.yaml, activities.yaml: make generate -->

# CIM: where each operation belongs

One record is in one data model of Splunk's Common Information Model at most; the field `cim_model`
says in which (`Authentication`, `Change` or `none`), and the lookup `cloudhsm_cim` holds every
operation with every outcome and the reason. The tags are `authentication` (with `privileged` for
crypto officers) and `change` (with `account` for users). [fields.md](fields.md) tells which of our
fields fill those of the models, and what no record can tell.

- **Who**: in user management `user` is the account that is changed and `src_user` who changes it.
  A record of the older generation does not name the latter; one of the newer generation gives a
  number, `user_id`, and then that is `src_user`. Everywhere else `user` is who acts.
- **An attempt that failed** has the `action` that was attempted, and `status=failure`. Count
  changes with `status=success`.
- **Once per cluster**: every HSM records each login:
  `` `cloudhsm_audit` opcode=CN_LOGIN | `cloudhsm_login_once` ``.
- **Kept out on purpose**: ends of sessions, synchronisation inside a cluster, clock records, the
  setting up of connections.
"""
_ACTIVITIES = """
## Activities

What stands behind a record (`activity`): the first rule that holds, else what your table of known
users says (`application`, `person`: [enrichment.md](enrichment.md)), else `user`.
"""


def page(
    operations: Sequence[Operation], outcomes: Iterable[CimOutcome], rules: Iterable[Activity]
) -> str:
    """The page's text: the operations, what the outcomes mean, and what `activity` is made of."""
    parts = [
        _HEAD,
        "## Operations\n",
        *table(
            ("opcode", "model", "action", "object_category", "signature", "why"),
            map(_operation, operations),
        ),
        "\n## Outcomes\n",
        *table(
            ("model and outcome", "action", "status", "why"),
            ([row.place, row.action or "", row.status or "", row.reason] for row in outcomes),
        ),
        _ACTIVITIES,
        *table(
            ("activity", "if", "is one of", "why"),
            (
                [rule.activity, f"`{rule.field}`", ", ".join(rule.values), rule.reason]
                for rule in rules
            ),
        ),
    ]
    return "\n".join(parts) + "\n"


def _operation(operation: Operation) -> Sequence[str]:
    cim = operation.cim
    by_outcome = "the outcome" if cim.model == "Authentication" else ""
    return [
        f"`{operation.name}`",
        cim.model,
        cim.action or by_outcome,
        cim.object_category or "",
        cim.signature,
        cim.reason,
    ]

"""Renders `docs/cim.md`: where each operation belongs in the Common Information Model, and why."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from tools.content.mappings import Row

_HEAD = """\
<!-- Generated from mappings/cim.yaml, cim_outcomes.yaml and activities.yaml: make generate -->

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


def page(places: Sequence[Row], outcomes: Sequence[Row], rules: Sequence[Row]) -> str:
    """The page's text: the places, what the outcomes mean, and what `activity` is made of."""
    told = ("place", "action", "status", "reason")
    parts = [
        _HEAD,
        "## Operations\n",
        *_table(
            ("opcode", "model", "action", "object_category", "signature", "why"), _rows(places)
        ),
        "\n## Outcomes\n",
        *_table(
            ("model and outcome", "action", "status", "why"),
            ([row.text(name) for name in told] for row in outcomes),
        ),
        _ACTIVITIES,
        *_table(("activity", "if", "is one of", "why"), _rules(rules)),
    ]
    return "\n".join(parts) + "\n"


def _rows(places: Iterable[Row]) -> Iterator[Sequence[str]]:
    for row in places:
        yield [
            f"`{row.text('opcode')}`",
            row.text("model"),
            row.text("action") or ("the outcome" if row.text("model") == "Authentication" else ""),
            row.text("object_category"),
            row.text("signature"),
            row.text("reason"),
        ]


def _rules(rules: Iterable[Row]) -> Iterator[Sequence[str]]:
    for row in rules:
        values = row.text("values").replace(" ", ", ")
        yield [row.text("activity"), f"`{row.text('field')}`", values, row.text("reason")]


def _table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    yield f"| {' | '.join(columns)} |"
    yield f"| {' | '.join('---' for _ in columns)} |"
    for row in rows:
        yield f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |"

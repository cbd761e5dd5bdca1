"""docs/detections.md: what each detection means, what it showed in the proof, how to answer it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from tools.content.detections import metadata
from tools.content.detections.savedsearches_conf import cron
from tools.content.detections.schema import Detection

_SEVERITY_ORDER = ("critical", "high", "medium", "low", "informational")
_HEAD = """# Detections

<!-- Generated from detections/*.yml: change those, then run `make generate`. -->

Correlation searches for people who guard keys. All are shipped **disabled**: enable what you want
under *Settings > Searches, reports, and alerts*, with Enterprise Security under *Content
Management*. An enabled one works by itself as a triggered alert (add an email or another action
to it); with Enterprise Security it makes a notable event and adds risk.

## Before you enable any

1. **Index.** Create an index for CloudHSM, say `hsm`, name it in the input, and give the role
   that runs the searches access to it: *Settings > Indexes > New Index*, *Settings > Roles >
   (role) > Indexes*. Keep it as long as your auditors ask for (`frozenTimePeriodInSecs`).
2. **Index macro.** Set `cloudhsm_index` to `index=hsm` (*Settings > Advanced search > Search
   macros*, or `local/macros.conf`). Until then every search ends with an error that names the
   macro. Accounts that may write to that index can forge records: name only your inputs' index.
   For CloudTrail set `cloudhsm_cloudtrail_index` likewise; without CloudTrail, to `index=none`.
3. **Your tables** ([enrichment.md](enrichment.md)): applications that log in all day as known
   users, business hours, clusters.
4. **Exceptions** go into the filter macro of a detection, never into its search: an upgrade
   replaces searches and keeps your macros. For example
   `cloudhsm_user_created_filter` = `search NOT cluster_id=cluster-likphkxygsn`. Numbers are macros
   too.
5. **Tables.** Enable *AWS CloudHSM - Sessions, users and keys seen* and *AWS CloudHSM - Usual
   operations* together with the detections ([below](#tables-that-searches-keep)), run both once
   over 30 days, and confirm what your applications are there for.
6. **History.** What compares with the past needs it in the index: the habits of HSMs 14 days,
   users, exports and clusters 30 days, numbers of users 90 days.

## Alerts without Enterprise Security

Add the action *Send email* to a detection and enter a recipient. Subject and text are set: what
happened, what to do first, next steps, details, and links to the dashboard and the records. Set the
macro `cloudhsm_splunk_web` to the address of Splunk Web, in quotes, or links begin with `/app`.

Each result has these texts as fields, for webhooks and other actions: `alert_title`,
`alert_details` (one line a value), `do_first`, `next_steps`, `dashboard_link`, `records_link`.
The name of a cluster comes from your table of clusters. Severity is that of Splunk Web's list.

## How they run

Each run takes the slice of **index time** since the one before (some overlap, where several
records make one alert), in continuous schedule: a record that arrives a day late is judged when
it arrives, and no run is skipped. Records older than `events` when they arrive are not judged, so
that a backfill of a year does not alert for a year. Minutes are spread by the detection's id.

An alert has `cluster_id` and mostly `hsm_id`, `first_time` and `last_time` (epoch seconds), and
what its table below shows. A **drilldown** never carries a text that a user of an HSM may have
chosen: users are found again by `user_hash`, the SHA-256 of the name. It begins at the login of the
session, where the records or the table of sessions show it. A login, and a change of
users, is recorded by every HSM of a cluster and alerts once. Key handling that only brings the
HSMs of a cluster in step (`activity=cluster_sync`) has operations of its own, which no export
alert looks at.

A detection makes a **finding** for each result that is not throttled, or, if it is only a hint, an
**intermediate finding** (*risk only*), never both. *Several detections at one cluster* combines
them: several different detections, or 100 risk points, at one cluster within a day become one
finding with a timeline. Its own findings do not feed it.

Without Enterprise Security, the action *summary indexing* keeps the results of every detection in
the index `summary`, also of hints, and the same correlation reads them there. To list them:
`` `cloudhsm_alert_events` | table _time, source, alert_title, risk_actor ``. If you keep them in
another index, change that macro and the action.

## Tables that searches keep

No user is trusted. An export, import, attribute change, deletion or sharing of keys, a change of a
password, and a call of the CloudHSM API is silent only if it is **usual**: the same user at the
same cluster, or the same role, did it on at least 3 of the 30 days before. At a cluster that is
known for less than 14 days, first uses are collected into one finding a day (*First uses at a new
cluster*). An unusual number is reported in any case.

- `cloudhsm_seen`, written every 5 minutes by *Sessions, users and keys seen*: who logged in with
  which session of an HSM, since when users exist, which keys were imported or changed.
- `cloudhsm_usual_operations`, written once a day by *Usual operations*: who did what on how many
  days, and how often in the busiest hour and day.
- `cloudhsm_confirmed_operations`, written by you: operations that are planned.

```
| `cloudhsm_confirm_operation("batch", "cluster-likphkxygsn", "export", "nightly escrow")`
```

confirms one, until the user is created again. Operations: `export`, `import`, `public key import`,
`attribute change`, `deletion`, `sharing`, `officer login`, `password change of <user>`; in newer
records, users are numbers there. To confirm a call, give the ARN of the role (the user ARN for a
user), the cluster ID (the account ID for backups) and the call, such as `CreateHsm` or
`CopyBackupToRegion to eu-central-1`.

An older record of a key operation names no user: the login with the same HSM, reboot counter and
session does, however long ago it was. Where no login fits, the session itself is the actor. If the
table of usual operations was never built, nothing is usual.

## Inference

Where something is *inferred* - from time, order or session, since the record does not say it -
the detection says so.
"""


def page(detections: Sequence[Detection], techniques: Mapping[str, str]) -> str:
    """The whole page; `techniques` are the names of ATT&CK's by number."""
    ordered = sorted(detections, key=lambda d: (_SEVERITY_ORDER.index(d.severity), d.name.lower()))
    parts = [_HEAD, *_former_titles(ordered), *_aws(), *_proof(ordered)]
    for detection in ordered:
        parts.extend(_section(detection, techniques))
    return "\n".join(parts).rstrip("\n") + "\n"


def _former_titles(detections: Sequence[Detection]) -> Iterator[str]:
    yield """## Former titles

A detection that you turned on under a former title keeps running under it, with the current search.
A filter or threshold that you changed under its former name stays valid. The dashboard *Health* and
`| inputlookup cloudhsm_former_titles` list former titles. To change over, turn on the present title
and turn off the former one.

| former title | present title |
| --- | --- |"""
    for detection in detections:
        for name in detection.formerly:
            yield f"| {name} | [{detection.name}](#{_anchor(detection)}) |"
    yield ""


def _aws() -> Iterator[str]:
    yield """## AWS's own list

AWS's guidance *Security monitoring for AWS CloudHSM* names eight alarms. All are here:

| AWS | here |
| --- | --- |
| crypto officer created | Crypto officer created |
| crypto user created | User created |
| user deleted | User deleted |
| unknown user name, twice | Login with an unknown user name |
| wrong password, twice | Password guessing against one user (its threshold: 5) |
| `DeleteHsm` | HSM deleted |
| `CopyBackupToRegion` | Backup copied or deleted |
| `ModifyCluster` | Cluster modified |

AWS matches words, so a failed attempt to create a user alarms like a success, and a login counts
once per HSM.
"""


def _proof(detections: Sequence[Detection]) -> Iterator[str]:
    yield """## Proof

Each detection is run by its own schedule, throttling included, before a release: over its samples
(in both generations of records where it can be), over a week of the sample trail, which holds an
attack and most kinds of trouble (`python -m samples`), and over a quiet month of three clusters
with more than 200,000 records, known users and business hours entered (`python -m samples
--quiet`). The build fails if a number differs. *fires, silent*: samples.

Sixty stories of attacks, 22 of ordinary work and 5 ceremonies, written without the samples' own
writer, are run too: in both layouts, with and without history, with the tables empty and filled.
`make prove-detections` prints which detection finds each story after how many minutes, each miss,
and the findings a week of 1, 10 and 100 quiet clusters.
"""
    yield "| detection | fires | silent | sample trail | quiet month | why not none |"
    yield "| --- | ---: | ---: | ---: | ---: | --- |"
    for detection in detections:
        trail, month = detection.sample_trail, detection.quiet_month
        yield (
            f"| [{detection.name}](#{_anchor(detection)}) | {len(detection.fires)} | "
            f"{len(detection.silent)} | {trail.alerts} | {month.alerts} | {month.because or ''} |"
        )
    yield ""


def _section(detection: Detection, techniques: Mapping[str, str]) -> Iterator[str]:
    only = "" if detection.finding else " *Risk only.*"
    yield f"## {detection.name}\n\n*{detection.severity.capitalize()}.*{only} {detection.about}\n"
    yield f"{detection.why}\n"
    if detection.inference:
        yield f"**Inferred:** {detection.inference}\n"
    yield "```spl"
    yield detection.search.strip()
    yield "```\n"
    yield "Known false positives:\n"
    yield from (f"- {text}" for text in detection.false_positives)
    yield "\nWhat to do:\n"
    yield from (f"{number}. {text}" for number, text in enumerate(detection.response, 1))
    yield "\n| | |\n| --- | --- |"
    yield from (f"| {name} | {value} |" for name, value in _facts(detection, techniques))
    yield ""


def _facts(detection: Detection, techniques: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    yield "ID, version", f"{detection.id}, {detection.version} of {detection.date}"
    yield "status, type", f"{detection.status}, {detection.type}"
    yield "analytic story", detection.story
    yield "data source", ", ".join(metadata.data_sources(detection))
    yield "how to implement", metadata.how_to_implement(detection)
    yield "references", " ".join(f"<{page}>" for page in metadata.references(detection))
    schedule = detection.schedule
    window = f"records indexed in the last {schedule.slice}" if schedule.slice else ""
    over = ", ".join(filter(None, [window, f"events of {schedule.events}"]))
    yield "runs", f"every {schedule.every} (`{cron(detection)}`), over {over}"
    if detection.throttle:
        yield "throttled", f"{detection.throttle.period} by `{'`, `'.join(detection.throttle.by)}`"
    for name, threshold in detection.thresholds.items():
        macro = detection.threshold_macro(name)
        yield f"`{macro}`", f"{threshold.value}. {threshold.meaning}"
    yield "filter", f"`{detection.filter_macro}`"
    yield "risk", "; ".join(f"`{o.field}` ({o.type}) {o.score}" for o in detection.risk.objects)
    attack = [f"{number} {techniques[number]}" for number in detection.attack]
    yield "ATT&CK v19", ", ".join(attack) or "none"
    controls = {
        "PCI DSS 4.0.1": detection.controls.pci_dss,
        "NIST SP 800-53 r5": detection.controls.nist_800_53,
        "FIPS 140-3 (ISO/IEC 19790:2012)": detection.controls.fips_140,
    }
    yield "serves", "; ".join(f"{name} {', '.join(ids)}" for name, ids in controls.items() if ids)
    if detection.sample_trail.because:
        yield "sample trail", f"{detection.sample_trail.alerts}: {detection.sample_trail.because}"


def _anchor(detection: Detection) -> str:
    return detection.name.lower().replace(" ", "-")

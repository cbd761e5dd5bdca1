"""Writes the generated blocks of default/savedsearches.conf and default/macros.conf.

Alerts are shipped disabled. An enabled one works without Enterprise Security (a triggered alert; an
email where one is set), and with it as a correlation search with notable event and risk.
Settings: savedsearches.conf.spec; those of Enterprise Security as its own content uses them.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from uuid import UUID

from tools.content.conf_blocks import with_block
from tools.content.detections import alert_text, metadata
from tools.content.detections.schema import (
    SEVERITIES,
    TOKEN_NOTES,
    Detection,
    seconds,
    tokens,
)

BLOCK = "detections"
# A record can be searched some moments after the second that it was indexed in.
_SETTLING_MINUTES = 1
# The list in Splunk Web: 1 info, 2 low, 3 medium, 4 high, 5 critical.
_LOWEST_SEVERITY = 1
_MINUTES = {"5m": 5, "15m": 15, "1h": 60, "4h": 60, "1d": 60}


def saved_searches(
    text: str, detections: Iterable[Detection], former_techniques: Mapping[str, str]
) -> str:
    """`default/savedsearches.conf` with its block as it follows from the detections.

    former_techniques: the older IDs of ATT&CK techniques, by the present ones.
    """
    stanzas = [
        _stanza(detection, title, former_techniques)
        for detection in detections
        for title in (detection.title, *detection.former_titles)
    ]
    return with_block(text, BLOCK, _lines(stanzas))


def macros(text: str, detections: Iterable[Detection]) -> str:
    """`default/macros.conf` with its block as it follows from the detections."""
    return with_block(text, BLOCK, _lines(_macros(detection) for detection in detections))


def whole_search(detection: Detection) -> str:
    """The search as it is saved: with the texts of every alert, and the customer's filter."""
    return (
        f"{detection.search.strip()}\n| `cloudhsm_alert`"
        f"\n| {alert_text.alert_fields(detection)}\n| `{detection.filter_macro}`"
    )


def cron(detection: Detection) -> str:
    """When it runs: a minute that follows from its id, so that not all run at once."""
    every = detection.schedule.every
    minute = UUID(detection.id).int % _MINUTES[every]
    if every in {"5m", "15m"}:
        return f"{minute}-59/{_MINUTES[every]} * * * *"
    return {"1h": f"{minute} * * * *", "4h": f"{minute} */4 * * *", "1d": f"{minute} 5 * * *"}[
        every
    ]


def drilldown_search(detection: Detection) -> str:
    """The search of an alert, over the time of its records."""
    search = detection.drilldown.search.strip()
    macro, _, rest = search.partition(" ")
    times = "earliest=$drill_from$ latest=$drill_to$"
    notes = [f" ```{TOKEN_NOTES[name]}```" for name in tokens(search) if name in TOKEN_NOTES]
    return " ".join(f"{macro} {times} {rest}".split("\n")).strip() + "".join(notes)


def _stanza(
    detection: Detection, title: str, former_techniques: Mapping[str, str]
) -> Iterator[str]:
    """The saved search under its title, or under a former one: who turned that on keeps it."""
    yield f"[{title}]"
    yield "disabled = 1"
    renamed = "" if title == detection.title else f"Former title of {detection.title}. "
    yield f"description = {renamed}{detection.about}"
    yield f"search = {_continued(whole_search(detection))}"
    yield "enableSched = 1"
    yield f"cron_schedule = {cron(detection)}"
    # No run is skipped, or the records of its slice would never be judged.
    yield "realtime_schedule = 0"
    yield f"dispatch.earliest_time = -{detection.schedule.events}@{_snap(detection)}"
    # In seconds, so that `cloudhsm_run_at` finds the moment of the run: a day may have 23 hours.
    yield "dispatch.latest_time = +2592000s"
    if detection.schedule.slice:
        minutes = round(seconds(detection.schedule.slice) / 60)
        yield f"dispatch.index_earliest = -{minutes + _SETTLING_MINUTES}m@m"
        yield f"dispatch.index_latest = -{_SETTLING_MINUTES}m@m"
    yield from ("counttype = number of events", "relation = greater than", "quantity = 0")
    # savedsearches.conf.spec, alert.suppress.fields: throttling by fields is for alerts per result.
    yield f"alert.digest_mode = {0 if detection.throttle else 1}"
    yield "alert.track = 1"
    yield f"alert.severity = {_LOWEST_SEVERITY + SEVERITIES.index(detection.severity)}"
    if detection.throttle:
        yield "alert.suppress = 1"
        yield f"alert.suppress.fields = {','.join(detection.throttle.by)}"
        yield f"alert.suppress.period = {detection.throttle.period}"
    yield from _email(detection)
    yield "action.correlationsearch.enabled = 1"
    yield f"action.correlationsearch.label = {title}"
    annotations = _annotations(detection, former_techniques)
    yield f"action.correlationsearch.annotations = {_json(annotations)}"
    yield from _enterprise_security(detection)


def _email(detection: Detection) -> Iterator[str]:
    """The e-mail, once an administrator adds that action: plain text, one result each."""
    yield f"action.email.subject.alert = {detection.severity.capitalize()}: $result.alert_title$"
    yield "action.email.useNSSubject = 1"
    yield "action.email.content_type = plain"
    yield from ("action.email.sendresults = 0", "action.email.inline = 0")
    yield from ("action.email.include.search = 0", "action.email.include.trigger = 0")
    yield from ("action.email.include.view_link = 0", "action.email.include.results_link = 1")
    lines = [
        "$result.alert_title$",
        "",
        "Do first: $result.do_first$",
        *(["", "Then:", "$result.next_steps$"] if len(detection.response) > 1 else []),
        "",
        "$result.alert_details$",
        "",
        f"Why it matters: {detection.why}",
        "",
        "Dashboard: $result.dashboard_link$",
        f"{detection.drilldown.name}: $result.records_link$",
    ]
    yield "action.email.message.alert = " + "\\\n".join(lines)


def _enterprise_security(detection: Detection) -> Iterator[str]:
    # An event-based detection, as against one that groups findings.
    yield "action.correlationsearch.detection_type = ebd"
    yield f"action.correlationsearch.metadata = {_json(metadata.metadata(detection))}"
    if not detection.correlates:
        # Kept for the correlation, also where no index has findings.
        yield "action.summary_index = 1"
        yield "action.summary_index._name = summary"
    # One detection makes a finding or an intermediate finding, never both.
    yield from _notable(detection) if detection.finding else _risk(detection)


def _risk(detection: Detection) -> Iterator[str]:
    yield "action.risk = 1"
    yield f"action.risk.param._risk = {_json([*_risk_objects(detection), *_threats(detection)])}"
    yield "action.risk.param._risk_score = 0"
    yield "action.risk.param._risk_message = $alert_title$"
    yield "action.risk.param.verbose = 0"


def _risk_objects(detection: Detection) -> list[dict[str, str | int]]:
    return [
        {"risk_object_field": item.field, "risk_object_type": item.type, "risk_score": item.score}
        for item in detection.risk.objects
    ]


def _threats(detection: Detection) -> list[dict[str, str]]:
    if not alert_text.has_source_address(detection):
        return []
    return [{"threat_object_field": "threat_address", "threat_object_type": "ip_address"}]


def _notable(detection: Detection) -> Iterator[str]:
    yield "action.notable = 1"
    # Without it, the column Entity of a finding is empty in Enterprise Security 8.
    entities = [*_risk_objects(detection), *_threats(detection)]
    yield f"action.notable.param._entities = {_json(entities)}"
    yield "action.notable.param.rule_title = $alert_title$"
    yield f"action.notable.param.rule_description = {detection.about} {detection.why}"
    yield f"action.notable.param.security_domain = {detection.domain}"
    yield f"action.notable.param.severity = {detection.severity}"
    drilldown = {
        "name": detection.drilldown.name,
        "search": drilldown_search(detection),
        "earliest_offset": "$info_min_time$",
        "latest_offset": "$info_max_time$",
    }
    yield f"action.notable.param.drilldown_searches = {_json([drilldown])}"
    steps = "\n".join(f"{number}. {text}" for number, text in enumerate(detection.response, 1))
    yield f"action.notable.param.next_steps = {_json({'version': 1, 'data': steps})}"


def _annotations(
    detection: Detection, former_techniques: Mapping[str, str]
) -> dict[str, list[str]]:
    """By framework. mitre_attack is Enterprise Security's name, the others are our own (its nist
    means the categories of the Cybersecurity Framework).
    """
    controls = detection.controls
    older = [former_techniques[item] for item in detection.attack if item in former_techniques]
    frameworks = {
        "mitre_attack": [*detection.attack, *older],
        "analytic_story": [detection.story],
        "nist_800_53": list(controls.nist_800_53),
        "pci_dss": list(controls.pci_dss),
        "fips_140": list(controls.fips_140),
    }
    return {name: values for name, values in frameworks.items() if values}


def _macros(detection: Detection) -> Iterator[str]:
    yield f'# {detection.name}: what to leave out, for example: search NOT user="batch"'
    yield from _macro_of_names(detection.macros_of("filter"), "search *")
    for name, threshold in detection.thresholds.items():
        yield f"# {detection.name}: {threshold.meaning}"
        yield from _macro_of_names(detection.macros_of(name), str(threshold.value))


def _macro_of_names(names: Sequence[str], definition: str) -> Iterator[str]:
    """A macro; after a rename it is defined by that of the former name, which may be changed in
    local/macros.conf.
    """
    for name, former in zip(names, (*names[1:], None)):
        yield f"[{name}]"
        yield f"definition = `{former}`" if former else f"definition = {definition}"


def _lines(parts: Iterable[Iterable[str]]) -> Iterator[str]:
    for number, part in enumerate(parts):
        if number:
            yield ""
        yield from part


def _continued(text: str) -> str:
    return " \\\n    ".join(line.strip() for line in text.splitlines())


def _snap(detection: Detection) -> str:
    return "d" if detection.schedule.events.endswith("d") else "m"


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)

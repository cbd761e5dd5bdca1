"""The texts of an alert as SPL: title, details, what to do, links.

Each is an eval expression. Texts of records come in by macros that show plain characters only, so
that no value can look like another line of an e-mail.
"""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import quote

from tools.content.detections.schema import PLAIN_IN_MESSAGES, VIEWS, Detection, parts

# The labels of fields in an alert's details, with the macro that shows it if it is no plain word.
_TIMELINE = "cloudhsm_detail_lines"
_SENTENCE, _SECONDS = "cloudhsm_detail_text", "cloudhsm_detail_time"
LABELS: dict[str, str | tuple[str, str]] = {
    "account": "AWS account",
    "activity": "Activity",
    "actor": "Done by",
    "actor_user_id": "Done by user number",
    "aws_account_id": "AWS account",
    "backup_id": "Backups",
    "call_outcome": "Outcome of the calls",
    "caller": "Caller",
    "calls": "Calls",
    "caught_up": "Caught up",
    "changed_user_id": "User number",
    "changes": "Changes",
    "cluster_id": "Cluster ID",
    "cluster_ids": "Cluster IDs",
    "detections": "Different detections",
    "destination_region": "Destination Region",
    "error": ("Error", _SENTENCE),
    "eventName": "API call",
    "exported_key": "Exported key",
    "exports": "Exports",
    "failures": "Failed logins",
    "first_sequence": "First missing number",
    "host": "Collecting host",
    "hsm_id": "HSM",
    "hsms": "HSMs that recorded it",
    "imports": "Imports",
    "input": "Input",
    "key_handle": "Key handles",
    "keys": "Keys",
    "last_sequence": "Last missing number",
    "log_group": "Log group",
    "log_stream": "Log stream",
    "logins": "Logins that worked",
    "longest_pause": ("Longest pause before", _SECONDS),
    "message": ("Message", _SENTENCE),
    "missing": "Missing records",
    "next_step": ("Next step", _SENTENCE),
    "object_handle": "Object handles",
    "opcode": "Operation",
    "operation": "Operation",
    "operation_kind": "Kind of operation",
    "operations": "Operations",
    "outcome": "Outcome",
    "part": "Affected component",
    "reboot_counter": "Reboot counter",
    "reboot_counter_before": "Reboot counter before",
    "points": "Risk points",
    "records": "Records",
    "refusals": "Refusals",
    "region": "AWS Region",
    "repeated": "Repeated records",
    "response_class": "Reason of the refusals",
    "retention_days": "Retention in days",
    "session_handle": "Sessions",
    "settled_age_s": ("Age of what is completely read", _SECONDS),
    "shares": "Changes of sharing",
    "silent_for": ("Inactive for", _SECONDS),
    "source_backup_id": "Source backup",
    "sources": "Sources",
    "src": "Source address",
    "src_user": "Done by user",
    "summary": ("First uses", _SENTENCE),
    "target_user_id": "User number",
    "texts": "Different texts",
    "throttled": "Throttled calls",
    "timeline": ("Timeline", _TIMELINE),
    "trust": "Trust of the source",
    "user": "User",
    "user_before": "Earlier user",
    "user_ids": "Shared with users",
    "user_type": "User type",
    "users": "Users",
    "usual_day": "Usual number, busiest day",
    "usual_days": "Days with this operation, of the 30 before",
    "usual_hour": "Usual number, busiest hour",
    "version": "Version of the add-on",
    "wrapping_key": "Wrapping key",
    "wrapping_known": ("Wrapping key known", _SENTENCE),
}


def alert_fields(detection: Detection) -> str:
    """The eval command that gives a result the texts of an alert."""
    fields = {
        "alert_title": title(detection),
        "alert_details": f"mvappend({', '.join(_details(detection))})",
        "do_first": _quoted(detection.response[0]),
        "next_steps": _next_steps(detection),
        "dashboard_link": _view_link(detection),
        "records_link": _search_link(detection),
    }
    fields |= _entities(detection)
    return "eval " + ", ".join(f"{name}={text}" for name, text in fields.items() if text)


def _entities(detection: Detection) -> dict[str, str]:
    """The fields of Enterprise Security's risk and threat objects that not every alert has."""
    risk = detection.risk
    return {
        "risk_actor": f"`cloudhsm_risk_actor({risk.actor})`" if risk.actor else "",
        "victim": risk.victim or "",
        "threat_address": "`cloudhsm_addresses(src)`" if has_source_address(detection) else "",
    }


def has_source_address(detection: Detection) -> bool:
    """Whether its alerts have the address of the client, in src."""
    return "src" in detection.shows


def title(detection: Detection) -> str:
    """The message with the values of a result, as an expression."""
    pieces: list[str] = []
    for text, name, form in parts(detection.risk.message):
        pieces += [_quoted(text)] if text else []
        pieces += [_value(name, form)] if name else []
    return " . ".join(pieces)


def _value(name: str, form: str | None) -> str:
    name = "cluster_shown" if name == "cluster_id" else name
    if form == "duration":
        return f"`cloudhsm_duration({name})`"
    if form:
        one, _, many = form.partition(":")
        return f'`cloudhsm_counted({name}, "{one}", "{many}")`'
    plain = name in PLAIN_IN_MESSAGES
    return f'coalesce({name}, "unknown")' if plain else f"`cloudhsm_shown({name})`"


def _details(detection: Detection) -> Iterator[str]:
    yield "`cloudhsm_detail_cluster`"
    for name in detection.shows:
        label = LABELS[name]
        macro = "cloudhsm_detail"
        if isinstance(label, tuple):
            label, macro = label
        if name == detection.risk.victim:
            label = "Affected user"
        yield f'`{macro}("{label}", {name})`'
    yield '"First: " . first_seen'
    yield '"Last: " . last_seen'


def _next_steps(detection: Detection) -> str:
    """The steps after the first; none if there is one step only."""
    steps = [f"{number}. {text}" for number, text in enumerate(detection.response[1:], 2)]
    if not steps:
        return ""
    return _quoted(steps[0]) if len(steps) == 1 else f"mvappend({', '.join(map(_quoted, steps))})"


def _view_link(detection: Detection) -> str:
    of_user = "_of_user" if VIEWS[detection.view] and "user" in detection.shows else ""
    return f"`cloudhsm_view_link{of_user}({detection.view})`"


def _search_link(detection: Detection) -> str:
    """The address of the drilldown search; a macro in a quoted text would be expanded, so that the
    search is encoded here and only values are put in.
    """
    pieces = ["`cloudhsm_splunk_web`"]
    encoded = '"/app/TA-aws-cloudhsm/search?q='
    for text, name, _form in parts(f"search {' '.join(detection.drilldown.search.split())}"):
        encoded += quote(text, safe="")
        if name:
            pieces += [f'{encoded}"', f'coalesce(mvindex({name}, 0), "unknown")']
            encoded = '"'
    pieces += [f'{encoded}&earliest="', "drill_from", '"&latest="', "drill_to"]
    return " . ".join(pieces)


def _quoted(text: str) -> str:
    """A text as a string of an eval expression; without the backquotes of macros."""
    text = text.replace("`", "").replace("\\", "\\\\").replace('"', '\\"')
    return f'"{text}"'

"""Saved searches: the settings of savedsearches.conf, and that each search compiles.

Source: savedsearches.conf.spec.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from emulator.conf.conf_file import Conf, Stanza
from emulator.conf.macros import Macros
from emulator.errors import ConfError, EmulatorError
from emulator.spl.pipeline import check

# What does not change the results of a search: when it runs, what happens then, how it is shown.
# (emulator.spl.alerts reads those that decide when it alerts.) `action.notable`, `action.risk` and
# `action.correlationsearch` belong to Splunk Enterprise Security.
_IGNORED = frozenset(
    {
        "disabled",
        "realtime_schedule",
        "schedule_window",
        "counttype",
        "relation",
        "quantity",
        "alert.digest_mode",
        "alert.severity",
        "alert.suppress",
        "alert.suppress.fields",
        "alert.suppress.period",
        "alert.track",
        "action.correlationsearch.annotations",
        "action.correlationsearch.detection_type",
        "action.correlationsearch.enabled",
        "action.correlationsearch.label",
        "action.correlationsearch.metadata",
        "action.notable",
        "action.notable.param._entities",
        "action.notable.param.drilldown_searches",
        "action.notable.param.next_steps",
        "action.notable.param.rule_description",
        "action.notable.param.rule_title",
        "action.notable.param.security_domain",
        "action.notable.param.severity",
        "action.risk",
        "action.summary_index",
        "action.summary_index._name",
        "action.risk.param._risk",
        "action.risk.param._risk_message",
        "action.risk.param._risk_score",
        "action.risk.param.verbose",
        "dispatch.index_earliest",
        "dispatch.index_latest",
        "description",
        "enableSched",
        "cron_schedule",
        "dispatch.earliest_time",
        "dispatch.latest_time",
        "dispatch.ttl",
        "action.email",
        "action.email.content_type",
        "action.email.format",
        "action.email.include.results_link",
        "action.email.include.search",
        "action.email.include.trigger",
        "action.email.include.view_link",
        "action.email.inline",
        "action.email.message.alert",
        "action.email.sendcsv",
        "action.email.sendresults",
        "action.email.subject",
        "action.email.subject.alert",
        "action.email.useNSSubject",
        "request.ui_dispatch_app",
    }
)
_SAVED = re.compile(r'\|\s*savedsearch\s+(?:"([^"]*)"|(\S+))')


def saved_searches(conf: Conf, macros: Macros) -> dict[str, str]:
    """Name to text of every saved search.

    Raises EmulatorError with file, stanza and line for an unknown setting and for a search that
    does not compile.
    """
    searches = {stanza.name: _search(stanza, macros) for stanza in conf.with_defaults()}
    for stanza in conf.with_defaults():
        for name in named_in(searches[stanza.name]):
            if name not in searches:
                raise ConfError(f"there is no saved search [{name}]", stanza.location)
    return searches


def named_in(search: str) -> Iterable[str]:
    """The saved searches that a search runs by name."""
    return [quoted or plain for quoted, plain in _SAVED.findall(search)]


def _search(stanza: Stanza, macros: Macros) -> str:
    for key, setting in stanza.settings.items():
        if key != "search" and key not in _IGNORED:
            raise ConfError(f"the emulator does not know {key} in a saved search", setting.location)
    if "search" not in stanza.settings:
        raise ConfError("a saved search needs a search", stanza.location)
    setting = stanza.settings["search"]
    try:
        check(setting.value, macros)
    except EmulatorError as error:
        raise error.at(setting.location) from error
    return setting.value

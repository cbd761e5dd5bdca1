"""What Splunk makes of the inputs' own log files, written by the collector's own formatter."""

from __future__ import annotations

import logging

import pytest

from cloudhsm.base.errors import pair
from cloudhsm.splunk import log_file
from emulator.app import App
from emulator.event import IndexedEvent

STANZA = "aws_cloudhsm://prod"
FOLDER = "/opt/splunk/var/log/splunk"
AT = 1_795_374_000.5


def line(message: str) -> str:
    record = logging.LogRecord("cloudhsm", logging.ERROR, "f", 1, message, None, None)
    record.created = AT
    return log_file._FileFormatter(STANZA).format(record)


@pytest.fixture
def events(app: App) -> list[IndexedEvent]:
    source = f"{FOLDER}/{log_file.file_name(STANZA)}"
    messages = ["what=one", pair("what", "two\nlines " * 2000), "what=three"]
    text = "".join(f"{line(message)}\n" for message in messages)
    return [*app.index_text(text, sourcetype="x-too_small", source=source, host="h")]


def test_each_line_is_one_complete_event(events: list[IndexedEvent]) -> None:
    assert len(events) == 3
    assert events[0].raw.endswith("input=aws_cloudhsm://prod what=one")
    assert " cut=" in events[1].raw
    assert len(events[1].raw) < 10_000


def test_its_time_is_utc_in_milliseconds(events: list[IndexedEvent]) -> None:
    assert {event.time_usecs for event in events} == {int(AT * 1_000_000)}


@pytest.mark.parametrize(
    ("path", "applies"),
    [
        (f"{FOLDER}/{log_file.file_name(STANZA)}", True),
        (f"{FOLDER}/{log_file.file_name('aws_cloudhsm://Ein Name')}.4", True),
        ("C:\\Program Files\\Splunk\\var\\log\\splunk\\ta_aws_cloudhsm_prod.log", True),
        (f"{FOLDER}/splunkd.log", False),
        ("111122223333:us-east-1:/aws/cloudhsm/cluster-likphkxygsn:hsm-nwbbiqbj4jk", False),
    ],
)
def test_the_stanza_is_for_these_files_only(app: App, path: str, applies: bool) -> None:
    assert bool(app.props.matching("unknown", "h", path)) is applies


def test_a_quoted_value_has_the_escapes_that_splunk_takes_back(app: App) -> None:
    (stanza,) = (stanza for stanza in app.props.patterns if "ta_aws_cloudhsm_" in stanza.name)
    assert stanza.settings["KV_MODE"].value == "auto_escaped"
    assert line(pair("what", 'say "no" \\ x')).endswith(r'what="say \"no\" \\ x"')


def test_no_line_is_longer_than_what_splunk_keeps(app: App) -> None:
    (stanza,) = (stanza for stanza in app.props.patterns if "ta_aws_cloudhsm_" in stanza.name)
    assert int(stanza.settings["TRUNCATE"].value) > log_file.MAX_LINE + 100

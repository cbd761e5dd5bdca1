from __future__ import annotations

import io
import xml.etree.ElementTree as ET
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from splunklib.modularinput import Event as SplunkEvent
from splunklib.modularinput import EventWriter as SplunkEventWriter

from cloudhsm.base.errors import OutputClosed
from cloudhsm.splunk.event_writer import Event, EventWriter, is_carried, visible
from tests.bin.fakes import handed_over

ANY_TEXT = st.text(st.characters(exclude_categories=[]))
# Plain pages, pages with markup and pages with anything go different ways.
TEXTS = st.one_of(st.text("ab: \n"), st.text("a\r\n"), st.text("a<&>\"'\t\n]"), st.text(), ANY_TEXT)


def written(*events: Event, index: str | None = None) -> str:
    output = io.BytesIO()
    writer = EventWriter(output, index)
    writer.write(events)
    writer.close()
    return output.getvalue().decode()


def an_event(text: str = "x", time_usecs: int = 1513717277140812) -> Event:
    return Event(
        time_usecs, text, "hsm-a", "1:us-east-1:/aws/cloudhsm/c:hsm-a", "aws:cloudhsm:audit"
    )


def test_an_event_is_complete_and_never_unbroken() -> None:
    assert written(an_event("a < b"), index="hsm") == (
        "<stream><event><time>1513717277.140812</time><data>a &lt; b</data><host>hsm-a</host>"
        "<source>1:us-east-1:/aws/cloudhsm/c:hsm-a</source>"
        "<sourcetype>aws:cloudhsm:audit</sourcetype><index>hsm</index></event>\n</stream>\n"
    )


def test_without_an_index_splunk_chooses() -> None:
    assert "<index>" not in written(an_event())


def test_a_run_without_events_prints_a_well_formed_stream() -> None:
    assert written() == "<stream></stream>\n"


def test_no_events_are_no_output() -> None:
    output = io.BytesIO()
    EventWriter(output, None).write([])
    assert output.getvalue() == b""


@pytest.mark.parametrize(("usecs", "text"), [(5, "0.000005"), (1_000_000, "1.000000")])
def test_microseconds_keep_six_digits(usecs: int, text: str) -> None:
    assert f"<time>{text}</time>" in written(an_event(time_usecs=usecs))


@given(st.lists(TEXTS))
def test_an_xml_parser_reads_back_what_was_visible(texts: list[str]) -> None:
    stream = ET.fromstring(written(*map(an_event, texts)))
    assert [event.findtext("data") or "" for event in stream] == [*map(visible, texts)]


def children(stream: str) -> list[dict[str, str]]:
    """The elements of each event, whatever their order; no attributes."""
    parsed = ET.fromstring(stream)
    return [{child.tag: child.text or "" for child in event} for event in parsed]


EVENTS = st.builds(
    Event,
    st.integers(0, 2**53),
    # splunklib writes what no XML parser accepts, and lets a parser read CR as LF.
    TEXTS.map(lambda text: visible(text).replace("\r", "")),
    st.sampled_from(["hsm-a", "cluster-<b>"]),
    st.text("a:/&\u00fc", min_size=1, max_size=5),
    st.sampled_from(["aws:cloudhsm:audit", "aws:cloudhsm:certificate"]),
)


@given(st.lists(EVENTS), st.sampled_from(["main", "h & m", None]))
def test_splunklib_writes_the_same_events(events: list[Event], index: str | None) -> None:
    """Apart from `unbroken`, and `<done/>`, which ends an unbroken event."""
    output = io.StringIO()
    theirs = SplunkEventWriter(output)
    for one in events:
        theirs.write_event(
            SplunkEvent(
                data=one.text,
                time=f"{one.time_usecs // 1_000_000}.{one.time_usecs % 1_000_000:06d}",
                host=one.host,
                source=one.source,
                sourcetype=one.sourcetype,
                index=index,
                done=False,
            )
        )
    theirs.close()
    assert children(written(*events, index=index)) == children(output.getvalue() or "<stream/>")


@given(st.lists(TEXTS, max_size=4))
def test_a_page_returns_which_of_its_texts_xml_cannot_carry_as_they_are(texts: list[str]) -> None:
    writer = EventWriter(io.BytesIO(), None)
    senders = ["a"] * len(texts)
    altered = writer.write_page([0] * len(texts), texts, senders, {"a": ("h", "s", "t")})
    assert altered == [index for index, text in enumerate(texts) if not is_carried(text)]


def test_each_event_of_a_page_has_the_origin_of_its_sender() -> None:
    output = io.BytesIO()
    writer = EventWriter(output, None)
    origins = {"a": ("hsm-a", "s:a", "t"), "b": ("hsm-b", "s:b", "u")}
    writer.write_page([1, 2, 3], ["x", "y", "z"], ["a", "b", "a"], origins)
    writer.close()
    assert [(one["host"], one["source"], one["sourcetype"]) for one in handed_over(output)] == [
        origins["a"],
        origins["b"],
        origins["a"],
    ]


@given(ANY_TEXT)
def test_what_can_be_carried_is_what_needs_no_change(text: str) -> None:
    assert is_carried(text) == (visible(text) == text)


@given(st.text(st.characters(min_codepoint=32, max_codepoint=0xD7FF)))
def test_text_that_xml_can_carry_is_not_touched(text: str) -> None:
    assert visible(text) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x00\x1b[31m", "\\u0000\\u001b[31m"),
        ("\ud800", "\\ud800"),
        ("\ufffe\uffff", "\\ufffe\\uffff"),
        ("\t\r\n\x7f\U0001f511", "\t\r\n\x7f\U0001f511"),
    ],
)
def test_what_xml_cannot_carry_becomes_visible(text: str, shown: str) -> None:
    assert visible(text) == shown


def test_a_stanza_cannot_smuggle_markup_through_its_index_or_host() -> None:
    event = an_event()._replace(host="</host><index>main</index>")
    text = written(event, index="a<b")
    assert "<index>a&lt;b</index>" in text
    assert text.count("<index>") == 1


class _ClosedPipe(io.BytesIO):
    """What splunkd has closed: the failure shows at the write, or, when buffered, at the flush."""

    def __init__(self, fails_at: str) -> None:
        super().__init__()
        self._fails_at = fails_at

    def write(self, data: Any) -> int:  # noqa: ANN401  (as BytesIO has it)
        self._fail_at("write")
        return len(data) - (self._fails_at == "part of a write")

    def flush(self) -> None:
        self._fail_at("flush")

    def _fail_at(self, step: str) -> None:
        if step == self._fails_at:
            raise BrokenPipeError(32, "Broken pipe")


@pytest.mark.parametrize("step", ["write", "part of a write", "flush"])
def test_a_closed_pipe_is_named_and_not_mistaken_for_success(step: str) -> None:
    writer = EventWriter(_ClosedPipe(step), None)
    with pytest.raises(OutputClosed, match="Splunk does not take events any more"):
        _write_and_flush(writer)


def _write_and_flush(writer: EventWriter) -> None:
    writer.write([an_event()])
    writer.flush()

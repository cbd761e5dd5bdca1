"""Assumption 7; Developing Modular Inputs, "Set up streaming", XML streaming mode."""

from __future__ import annotations

import io
from xml.sax.saxutils import escape

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator.errors import StreamError
from emulator.index_time.input_stream import StreamedEvent, streamed_events

_META = "<host>h</host><source>s</source><sourcetype>st</sourcetype>"


def _stream(*events: str) -> str:
    return f"<stream>{''.join(events)}</stream>"


def _event(data: str = "raw", more: str = "", attributes: str = "") -> str:
    return f"<event{attributes}>{more}<data>{data}</data>{_META}</event>"


def test_an_event_has_the_values_of_its_elements() -> None:
    stream = _stream(
        "<event><time>1513717277.140812</time><data>a\nb</data><host>hsm-y</host>"
        "<source>1:x</source><sourcetype>st</sourcetype><index>main2</index></event>\n",
        _event(attributes=' stanza="aws_cloudhsm://x" unbroken="1"', more="<done/>"),
    )

    assert list(streamed_events(stream)) == [
        StreamedEvent("a\nb", 1_513_717_277_140_812, "hsm-y", "1:x", "st", "main2", False, False),
        StreamedEvent("raw", None, "h", "s", "st", "main", True, True),
    ]


@pytest.mark.parametrize(
    ("text", "usecs"),
    [("5", 5_000_000), ("5.1", 5_100_000), ("0.000001", 1), (" 7 ", 7_000_000)],
)
def test_time_is_exact_to_the_microsecond(text: str, usecs: int) -> None:
    (event,) = streamed_events(_stream(_event(more=f"<time>{text}</time>")))

    assert event.usecs == usecs


@pytest.mark.parametrize(
    "wrap", [str, str.encode, lambda s: io.StringIO(s), lambda s: io.BytesIO(s.encode())]
)
def test_text_bytes_and_files_are_read(wrap: object) -> None:
    assert callable(wrap)
    events = list(streamed_events(wrap(_stream(_event("é &lt;&amp;&#13;\n<![CDATA[<x>]]>")))))

    assert [event.data for event in events] == ["é <&\r\n<x>"]


def test_events_come_before_the_stream_ends() -> None:
    class Pipe(io.StringIO):
        """Gives a part per reading, and never ends."""

        parts = iter(["<stream>", _event("one"), "<event>"])

        def read(self, _size: int | None = -1, /) -> str:
            return next(self.parts)

    assert next(streamed_events(Pipe())).data == "one"


@pytest.mark.parametrize("end", ["<event><data>cut", "", "<event", "</strea"])
def test_a_truncated_stream_gives_its_complete_events_then_raises(end: str) -> None:
    events = streamed_events("<stream>\n" + _event("one") + _event("two") + "\n" + end)

    assert [next(events).data, next(events).data] == ["one", "two"]
    with pytest.raises(StreamError, match=r"line 3: .* after 2 complete events"):
        next(events)


@pytest.mark.parametrize(
    ("stream", "message"),
    [
        ("", "no element found after 0 complete events"),
        ("plain text", "line 1: syntax error"),
        ("<stream>\x01</stream>", "not well-formed"),
        ("<events></events>", "<events> is not known in the start"),
        ("<stream><evnt/></stream>", "<evnt> is not known in stream"),
        (_stream("<event><dta/></event>"), "<dta> is not known in stream/event"),
        (_stream("<event><data><b/></data></event>"), "<b> is not known in stream/event/data"),
        (_stream(f"<event>{_META}</event>"), "event 1 has no <data>"),
        (_stream("<event><data>x</data></event>"), "event 1 has no <host>: the collector must"),
        (_stream(_event(more="<host>x</host>")), "<host> occurs twice in one event"),
        (_stream(_event(more="<time>1.1234567</time>")), "not seconds with at most 6 decimals"),
        (_stream(_event(more="<time>now</time>")), "not seconds"),
        (_stream(_event(more="<time>-1</time>")), "not seconds"),
        (_stream(_event(attributes=' unbroken="yes"')), 'unbroken="yes"'),
        (_stream(_event(attributes=' done="1"')), "unknown attributes: done"),
        (_stream("stray"), "text between the elements of stream: 'stray'"),
        ('<!DOCTYPE x [<!ENTITY a "b">]><stream/>', "document type declaration"),
    ],
)
def test_what_splunkd_would_not_take_raises(stream: str, message: str) -> None:
    with pytest.raises(StreamError, match=message):
        list(streamed_events(stream))


@given(
    st.lists(
        st.text(alphabet=st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), max_size=20)
        .map(lambda text: text.replace("\ufffe", "").replace("\uffff", "")),
        max_size=4,
    )
)  # fmt: skip
def test_text_comes_back_as_it_was(texts: list[str]) -> None:
    stream = _stream(*(_event(escape(text)) for text in texts))

    assert [event.data for event in streamed_events(stream)] == texts

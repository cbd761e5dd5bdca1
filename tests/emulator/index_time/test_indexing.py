"""Assumptions 2 to 8; props.conf.spec, "Line breaking" and "Timestamp extraction configuration"."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator.app import App
from emulator.errors import EmulatorError
from emulator.event import IndexedEvent
from emulator.index_time.indexing import broken
from emulator.regex import compile_regex

MakeApp = Callable[..., App]
_NOW = 1_514_000_000_000_000
_DAY = 86_400_000_000
_T = "151390000"  # and one digit more are seconds shortly before now
_T5 = 1_513_900_005_000_000
_BASE = "[st]\nSHOULD_LINEMERGE = false\nKV_MODE = none\n"
_TIMED = _BASE + "TIME_PREFIX = t=\nTIME_FORMAT = %s\nMAX_DAYS_AGO = 10951\n"
_META = "<host>h</host><source>s</source><sourcetype>st</sourcetype>"


def _index(app: MakeApp, text: str, settings: str = _TIMED) -> list[IndexedEvent]:
    events = app(props=settings).index_text(
        text, sourcetype="st", source="s", host="h", clock=lambda: _NOW
    )
    return list(events)


def _raws(app: MakeApp, text: str, breaker: str) -> list[str]:
    settings = f"{_BASE}DATETIME_CONFIG = CURRENT\n{breaker}\n"
    return [event.raw for event in _index(app, text, settings)]


# --- line breaking


@pytest.mark.parametrize(
    ("breaker", "text", "raws"),
    [
        ("", "a\nb\r\n\n\nc\n", ["a", "b", "c"]),
        (r"LINE_BREAKER = ([\r\n]+)(?=T:)", "T: 1\nx\nT: 2\ny", ["T: 1\nx", "T: 2\ny"]),
        (r"LINE_BREAKER = ([\r\n]+)(?=Time:)", "\nTime: 1\n\n", ["Time: 1\n\n"]),
        (r"LINE_BREAKER = end(\n)begin", "1 end\nbegin 2", ["1 end", "begin 2"]),
        (r"LINE_BREAKER = (?:one|two)([\r\n]+)", "one\ntwo\nx\ny", ["one", "two", "x\ny"]),
        (r"LINE_BREAKER = end(\n)begin|end2(\n)begin2|begin3",
         "end\nbegin end2\nbegin2 begin3!", ["end", "begin end2", "begin2 ", "begin3!"]),
        (r"LINE_BREAKER = (--)", "a--b----c", ["a", "b", "c"]),
        (r"LINE_BREAKER = ^(\n)", "a\nb", ["a\nb"]),
        (r"LINE_BREAKER = ()(?=<)", "<a><b>", ["<a>", "<b>"]),
        ("", "", []),
    ],
)  # fmt: skip
def test_the_first_group_is_dropped_and_divides_events(
    app: MakeApp, breaker: str, text: str, raws: list[str]
) -> None:
    """props.conf.spec, LINE_BREAKER, with its example for branched expressions."""
    assert _raws(app, text, breaker) == raws


@given(
    st.lists(st.text(alphabet="aé\n", max_size=3000), max_size=6),
    st.integers(0, 40_000),
)
def test_breaking_in_windows_is_breaking_at_once(pieces: list[str], filling: int) -> None:
    text = "".join(
        f"#{piece}{'x' * (filling // (number + 1))}\n" for number, piece in enumerate(pieces)
    )
    expected = text.replace("\n#", "\0#").split("\0")  # fmt: skip

    assert list(broken(text, compile_regex(r"(\n)(?=#)"))) == expected


def test_a_lookbehind_sees_in_front_of_its_window() -> None:
    pieces = list(broken(";" * 100_000, compile_regex("(?<=;)(;)")))

    assert pieces == [";"] + [""] * 99_999


@pytest.mark.parametrize("breaker", [r"([\r\n]+)(?=Time:)", r"([\r\n]+)"])
@pytest.mark.parametrize("before", range(16_300, 16_400, 9))
def test_a_break_across_the_end_of_a_window_is_one_break(before: int, breaker: str) -> None:
    text = "x" * before + "\n" * 90 + "Time: y"

    assert list(broken(text, compile_regex(breaker))) == ["x" * before, "Time: y"]


def test_a_big_file_and_a_big_event_break_in_linear_time() -> None:
    started = time.perf_counter()
    small = "Time: 1\n" + "é" * 200 + "\n"

    pieces = list(broken(small * 5000 + "x" * 2_000_000, compile_regex(r"([\r\n]+)(?=Time:|x)")))
    assert len(pieces) == 5001
    assert time.perf_counter() - started < 5


def test_truncate_counts_bytes_and_cuts_at_a_character(app: MakeApp) -> None:
    """props.conf.spec, TRUNCATE: rounded down when it would land mid-character."""
    assert _raws(app, "abcdef", "TRUNCATE = 5") == ["abcde"]
    assert _raws(app, "éééé", "TRUNCATE = 5") == ["éé"]
    assert _raws(app, "é" * 6000, "TRUNCATE = 0") == ["é" * 6000]
    assert _raws(app, "é" * 6000, "") == ["é" * 5000]


def test_line_merging_is_refused_when_it_is_set_and_when_it_is_the_default(app: MakeApp) -> None:
    with pytest.raises(EmulatorError, match=r"props\.conf:2 \[st\]: SHOULD_LINEMERGE = true"):
        app(props="[st]\nSHOULD_LINEMERGE = true\nKV_MODE = none\n")
    with pytest.raises(EmulatorError, match="sourcetype st: SHOULD_LINEMERGE is true by default"):
        _index(app, "a", "[st]\nKV_MODE = none\n")


# --- timestamps


def test_the_time_is_read_after_the_prefix(app: MakeApp) -> None:
    assert [event.time_usecs for event in _index(app, f"x=1 t={_T}5\nt={_T}6")] == [
        _T5,
        _T5 + 1_000_000,
    ]


def test_microseconds_continue_after_the_seconds(app: MakeApp) -> None:
    """Assumption 5."""
    settings = _TIMED.replace("= %s\n", "= %s%6N\n").replace("= t=", "= usecs:")
    text = "Time: 12/19/17 21:01:17.140812, usecs:1513717277140812\n"

    (event,) = _index(app, text, settings)
    assert event.time_usecs == 1_513_717_277_140_812


def test_a_readable_time_takes_the_zone_of_tz(app: MakeApp) -> None:
    settings = _BASE + "TIME_FORMAT = %m/%d/%y %H:%M:%S.%6N\nTZ = America/New_York\n"

    (event,) = _index(app, "12/19/17 16:01:17.140812 x", settings)
    assert event.time_usecs == 1_513_717_277_140_812


@pytest.mark.parametrize(("lookahead", "is_read"), [(7, False), (10, True), (0, True), (-1, True)])
def test_the_time_is_looked_for_within_the_lookahead(
    app: MakeApp, lookahead: int, is_read: bool
) -> None:
    """props.conf.spec, MAX_TIMESTAMP_LOOKAHEAD: counted from the prefix, 0 and -1 are no limit."""
    settings = _BASE + "TIME_PREFIX = t=\nTIME_FORMAT = %Y-%m-%d\nTZ = UTC\n"
    settings += f"MAX_TIMESTAMP_LOOKAHEAD = {lookahead}\n"

    (event,) = _index(app, "x" * 200 + "t=2017-12-19", settings)
    assert (event.time_usecs == 1_513_641_600_000_000) is is_read


@pytest.mark.parametrize("second", ["no time", "t=x", "t=99999999999"])
def test_an_event_without_a_usable_time_takes_the_last_one_or_now(
    app: MakeApp, second: str
) -> None:
    """Getting Data In, "How timestamp assignment works"."""
    assert [event.time_usecs for event in _index(app, f"{second}\nt={_T}5\n{second}")] == [
        _NOW, _T5, _T5,
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("settings", "days", "accepted"),
    [
        ("", -1999, True),
        ("", -2001, False),
        ("", 1, True),
        ("", 3, False),
        ("MAX_DAYS_AGO = 10951", -2001, True),
        ("MAX_DAYS_AGO = 1", -2, False),
        ("MAX_DAYS_HENCE = 5", 3, True),
        ("MAX_DAYS_HENCE = 0", 1, False),
    ],
)
def test_times_too_far_away_are_not_taken(
    app: MakeApp, settings: str, days: int, accepted: bool
) -> None:
    """props.conf.spec, MAX_DAYS_AGO (2000) and MAX_DAYS_HENCE (2)."""
    usecs = _NOW + days * _DAY
    props = f"{_BASE}TIME_FORMAT = %s%6N\n{settings}\n"

    (event,) = _index(app, str(usecs), props)
    assert event.time_usecs == (usecs if accepted else _NOW)


@pytest.mark.parametrize("config", ["CURRENT", "NONE"])
def test_without_timestamp_extraction_the_time_is_now(app: MakeApp, config: str) -> None:
    (event,) = _index(app, f"t={_T}5", f"{_TIMED}DATETIME_CONFIG = {config}\n")

    assert event.time_usecs == _NOW


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ("TIME_FORMAT = %Y-%m-%d", r":4 \[st\]: the time has no zone and TZ is not set"),
        ("TIME_FORMAT = %j", r":4 \[st\]: time format '%j': %j is not modelled"),
        ("TIME_PREFIX = (", r":4 \[st\]: bad regex"),
        ("LINE_BREAKER = x", r":4 \[st\]: LINE_BREAKER needs a capturing group"),
        ("TRUNCATE = -1", "write a whole number of 0"),
        ("MAX_DAYS_AGO = 10952", "the highest legal value is 10951"),
        ("MAX_DAYS_HENCE = 10951", "the highest legal value is 10950"),
        ("TZ = Mars", r":4 \[st\]: unknown time zone 'Mars'"),
        ("DATETIME_CONFIG = /etc/datetime.xml", "only NONE and CURRENT"),
        ("LINE_BREAKER = (\\n) \\\n x", "over several lines is ambiguous"),
    ],
)
def test_faulty_settings_raise_at_load_time_with_their_location(
    app: MakeApp, settings: str, message: str
) -> None:
    with pytest.raises(EmulatorError, match=message):
        app(props=f"{_BASE}{settings}\n")


def test_splunk_s_own_recognition_of_times_is_refused(app: MakeApp) -> None:
    with pytest.raises(EmulatorError, match="no TIME_FORMAT"):
        _index(app, "2017-12-19 a", _BASE)


# --- modular inputs


def _events(app: MakeApp, *events: str, settings: str = _TIMED) -> list[IndexedEvent]:
    stream = f"<stream>{''.join(events)}</stream>"
    return list(app(props=settings).index_modular_input(stream, clock=lambda: _NOW))


def test_a_complete_event_is_not_broken_and_its_time_wins(app: MakeApp) -> None:
    """Assumption 7."""
    (event,) = _events(app, f"<event><time>7.5</time><data>t=5\nt=6\n</data>{_META}</event>")

    assert event == IndexedEvent("t=5\nt=6\n", 7_500_000, "h", "s", "st", "main")


def test_a_complete_event_without_a_time_has_it_extracted(app: MakeApp) -> None:
    (event,) = _events(app, f"<event><data>t={_T}5</data>{_META}<index>i</index></event>")

    assert (event.time_usecs, event.index) == (_T5, "i")


def test_a_complete_event_is_truncated_and_an_empty_one_stays(app: MakeApp) -> None:
    """Assumption 7."""
    settings = _TIMED + "TRUNCATE = 3\n"
    events = _events(
        app,
        f"<event><time>1</time><data>abcdef</data>{_META}</event>",
        f"<event><time>1</time><data/>{_META}</event>",
        settings=settings,
    )

    assert [event.raw for event in events] == ["abc", ""]


def test_unbroken_text_is_joined_up_to_done_and_broken(app: MakeApp) -> None:
    """Assumption 7."""
    start = '<event unbroken="1">'
    events = _events(
        app,
        f"{start}<data>t={_T}1\nt={_T}</data>{_META}</event>",
        f"{start}<data>2\n</data>{_META}<done/></event>",
        f"{start}<time>9</time><data>t={_T}3\nt={_T}4</data>{_META}</event>",
    )

    assert [(event.raw, event.time_usecs // 1_000_000) for event in events] == [
        (f"t={_T}1", int(f"{_T}1")), (f"t={_T}2", int(f"{_T}2")), (f"t={_T}3", 9), (f"t={_T}4", 9),
    ]  # fmt: skip


def test_complete_events_need_no_line_merging_setting_but_unbroken_ones_do(app: MakeApp) -> None:
    settings = "[st]\nKV_MODE = none\n"
    complete = f"<event><time>1</time><data>a</data>{_META}</event>"

    assert len(_events(app, complete, settings=settings)) == 1
    with pytest.raises(EmulatorError, match="SHOULD_LINEMERGE is true by default"):
        _events(app, complete.replace("<event>", '<event unbroken="1">'), settings=settings)


def test_a_cut_stream_raises_after_its_complete_events(app: MakeApp) -> None:
    event = f"<event><time>1</time><data>a</data>{_META}</event>"
    events = app(props=_TIMED).index_modular_input(f"<stream>{event}<event>")

    assert next(events).raw == "a"
    with pytest.raises(EmulatorError, match="after 1 complete events"):
        next(events)

"""Time formats, by the Search Reference, "Date and time format variables"."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator.errors import EmulatorError
from emulator.eval.time_format import compile_time_format, write_time, zone_of

_USECS = 1_513_717_277_140_812
_UTC = zone_of("UTC")


@pytest.mark.parametrize(
    ("form", "text"),
    [
        ("%s%6N", "1513717277140812"),
        ("%s.%6N", "1513717277.140812, and more"),
        ("%m/%d/%y %H:%M:%S.%6N", "12/19/17 21:01:17.140812"),
        ("%Y-%m-%dT%H:%M:%S.%6N%z", "2017-12-19T22:01:17.140812+0100"),
        ("%Y-%m-%dT%H:%M:%S.%N%z", "2017-12-19T21:01:17.140812Z"),
        ("%F %T.%6Q", "2017-12-19 21:01:17.140812"),
        ("%d %b %Y %I:%M:%S.%f %p %Z", "19 Dec 2017 09:01:17.140812 PM UTC"),
    ],
)
def test_one_instant_in_many_formats(form: str, text: str) -> None:
    """Assumption 5 for digits without a separator."""
    assert compile_time_format(form).read(text, _UTC) == _USECS


@pytest.mark.parametrize(
    ("form", "text", "usecs"),
    [
        ("%s", "1513717277", 1_513_717_277_000_000),
        ("%s%3N", "1513717277140", 1_513_717_277_140_000),
        ("%Y-%m-%d", "2017-12-19", 1_513_641_600_000_000),
        ("%y-%m-%d", "68-01-01", 3_092_601_600_000_000),
        ("%y-%m-%d", "70-01-02", 86_400_000_000),
        ("%Y-%m-%d %I %p", "1970-01-01 12 AM", 0),
        ("%Y-%e-%m", "1970- 1-01", 0),
    ],
)
def test_other_instants(form: str, text: str, usecs: int) -> None:
    assert compile_time_format(form).read(text, _UTC) == usecs


@pytest.mark.parametrize(
    ("form", "text"),
    [
        ("%s", "15137172771408129"),
        ("%s%6N", "15137172771408129999999"),
        ("%m/%d/%y", "13/40/17"),
        ("%m/%d/%y", "02/31/17"),
        ("%m/%d/%y", "on 12/19/17"),
        ("%Y-%m-%d", ""),
    ],
)
def test_a_text_that_does_not_start_with_such_a_time_has_none(form: str, text: str) -> None:
    assert compile_time_format(form).read(text, _UTC) is None


def test_a_time_without_a_zone_takes_the_one_that_is_given() -> None:
    read = compile_time_format("%Y-%m-%d %H:%M:%S").read

    assert read("2017-12-19 21:01:17", zone_of("Europe/Berlin")) == 1_513_713_677_000_000
    assert not compile_time_format("%Y-%m-%d").has_zone
    assert compile_time_format("%s").has_zone


@pytest.mark.parametrize(
    ("form", "message"),
    [
        ("%H:%M", "no full date"),
        ("%j", "%j is not modelled"),
        ("%s%4N", "lone or unmodelled"),
        ("%s %s", "variable twice"),
        ("%3Y-%m-%d", "%3Y is not modelled"),
        ("%s%", "lone or unmodelled"),
    ],
)
def test_formats_that_are_not_modelled_are_refused(form: str, message: str) -> None:
    with pytest.raises(EmulatorError, match=message):
        compile_time_format(form)


def test_an_unknown_zone_is_refused() -> None:
    with pytest.raises(EmulatorError, match="unknown time zone 'Mars/Olympus'"):
        zone_of("Mars/Olympus")


@pytest.mark.parametrize(
    ("form", "text"),
    [
        ("%F %T", "2017-12-19 21:01:17"),
        ("%s.%3N", "1513717277.140"),
        ("%y %e %b %I %p", "17 19 Dec 09 PM"),
        ("%9N %Q %f", "140812000 140 140812"),
        ("%H%M%S%z %Z %%", "210117+0000 UTC %"),
    ],
)
def test_writing(form: str, text: str) -> None:
    assert write_time(_USECS, form) == text


@given(st.integers(0, 4_000_000_000_000_000))
def test_what_was_written_reads_back(usecs: int) -> None:
    for form in ("%s.%6N", "%s%6N", "%Y-%m-%d %H:%M:%S.%6N %z"):
        assert compile_time_format(form).read(write_time(usecs, form), _UTC) == usecs

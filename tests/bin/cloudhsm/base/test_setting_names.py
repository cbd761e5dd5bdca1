"""A misspelt setting is found, with the name that was meant."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloudhsm.base.arguments import ARGUMENTS
from cloudhsm.base.errors import SettingError
from cloudhsm.base.setting_names import unknown
from cloudhsm.base.settings import Settings, parse, parse_form

NOW_MS = 1_790_000_000_000
REGION = {"aws_region": "us-east-1"}


def settings(**parameters: str) -> Settings:
    return parse("aws_cloudhsm://x", {**REGION, **parameters}, NOW_MS)


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("regoin", "aws_region"),
        ("region", "aws_region"),
        ("aws_regions", "aws_region"),
        ("role_arm", "role_arn"),
        ("rolearn", "role_arn"),
        ("externalid", "external_id"),
        ("log_group", "log_groups"),
        ("Log_Groups", "log_groups"),
        ("proxy_ulr", "proxy_url"),
        ("ca-bundle", "ca_bundle"),
        ("aws_credentials", "aws_credential"),
    ],
)
def test_a_near_miss_of_an_identity_setting_stops_the_input(name: str, meant: str) -> None:
    with pytest.raises(SettingError, match=f"{name} is not a setting .* did you mean {meant}"):
        settings(**{name: "x"})


@pytest.mark.parametrize(
    ("name", "meant"), [("log_levels", "log_level"), ("start_tme", "start_time"), ("owner", None)]
)
def test_any_other_unknown_setting_is_an_advisory_and_rejected_on_save(
    name: str, meant: str | None
) -> None:
    (error,) = settings(**{name: "x"}).advisories
    assert error.place.setting == name
    assert (meant is None) == ("did you mean" not in error.what)
    with pytest.raises(SettingError, match=f"{name} is not a setting"):
        parse_form("x", {**REGION, name: "x"}, NOW_MS)


@pytest.mark.parametrize(
    "name",
    [
        *("index", "interval", "host", "sourcetype", "disabled", "queue", "_TCP_ROUTING"),
        *("python.version", "python.required", "_meta", "persistentQueueSize", "start_by_shell"),
        *ARGUMENTS,
    ],
)
def test_names_of_ours_and_of_splunk_are_known(name: str) -> None:
    assert unknown([name]) == ()


def test_an_empty_setting_is_no_setting() -> None:
    assert settings(owner=" ").unknown == ()


@given(st.text(max_size=30))
def test_any_name_is_known_or_has_an_error(name: str) -> None:
    for setting in unknown([name]):
        assert name[:100] in setting.error().what


@pytest.mark.parametrize("interval", ["0.5", "5", "9.9"])
def test_an_interval_below_ten_seconds_is_rejected_on_save(interval: str) -> None:
    with pytest.raises(SettingError, match="is shorter than 10 s"):
        parse_form("x", {**REGION, "interval": interval}, NOW_MS)
    assert settings(interval=interval).interval_s == float(interval)


@pytest.mark.parametrize("interval", ["", "10", "60", "*/5 * * * *", "-1"])
def test_other_intervals_and_schedules_are_saved(interval: str) -> None:
    assert parse_form("x", {**REGION, "interval": interval}, NOW_MS).stanza == "aws_cloudhsm://x"


@pytest.mark.parametrize("name", ["", " x", "x ", "a\nb", "a[b", "x]", "\x1b[31m", "x" * 101])
def test_an_input_name_that_no_stanza_can_have_is_rejected_on_save(name: str) -> None:
    with pytest.raises(SettingError, match="name of the input cannot be used"):
        parse_form(name, REGION, NOW_MS)


@pytest.mark.parametrize("name", ["prod", "pay eu", "pay/eu", "prüf-日本", "x" * 100])
def test_other_input_names_are_saved(name: str) -> None:
    assert parse_form(name, REGION, NOW_MS).stanza == f"aws_cloudhsm://{name}"

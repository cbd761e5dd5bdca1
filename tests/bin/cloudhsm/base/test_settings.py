from __future__ import annotations

import pytest

from cloudhsm.base.errors import SettingError
from cloudhsm.base.settings import GroupSelector, Settings, parse

NOW_MS = 1_790_000_000_000  # 2026-09-21T13:33:20Z
DAY_MS = 86_400_000


def settings(**parameters: str) -> Settings:
    return parse("aws_cloudhsm://x", {"aws_region": "us-east-1", **parameters}, NOW_MS)


def test_only_the_region_is_required() -> None:
    assert settings() == Settings(
        stanza="aws_cloudhsm://x",
        aws_region="us-east-1",
        log_groups=(GroupSelector("/aws/cloudhsm/", is_prefix=True),),
        start_time="-30d",
        horizon_ms=DAY_MS,
        endpoint_url=None,
        interval_s=60,
        index=None,
    )


def test_an_empty_parameter_is_as_good_as_none() -> None:
    assert (
        settings(log_groups=" ", start_time="", lateness_horizon="", endpoint_url="") == settings()
    )


@pytest.mark.parametrize(
    ("text", "start_ms"),
    [
        ("all", 0),
        ("now", NOW_MS),
        ("-30d", NOW_MS - 30 * DAY_MS),
        ("-12h", NOW_MS - DAY_MS // 2),
        ("-90m", NOW_MS - 5_400_000),
        ("-2w", NOW_MS - 14 * DAY_MS),
        ("-9999999w", 0),
        ("2026-01-31", 1_769_817_600_000),
        ("2026-01-31T08:00:00Z", 1_769_846_400_000),
        ("2026-01-31T08:00:00+02:00", 1_769_839_200_000),
        ("2026-01-31T08:00:00.250", 1_769_846_400_250),
        ("1960-01-01", 0),
    ],
)
def test_a_start_time_is_an_instant_in_utc(text: str, start_ms: int) -> None:
    assert settings(start_time=text).start_ms(NOW_MS) == start_ms


def test_names_and_prefixes_are_told_apart() -> None:
    name, prefix, folder = settings(log_groups="/a/b, /a/c*\n/a/d/ /a/b").log_groups
    assert [name.matches(group) for group in ("/a/b", "/a/bb")] == [True, False]
    assert [prefix.matches(group) for group in ("/a/c", "/a/cc", "/a/b")] == [True, True, False]
    assert folder == GroupSelector("/a/d/", is_prefix=True)


@pytest.mark.parametrize(
    "url",
    [
        "https://vpce-1.logs.us-east-1.vpce.amazonaws.com",
        "http://127.0.0.1:5000",
        "http://localhost",
        "http://[::1]:1",
    ],
)
def test_an_endpoint_is_https_or_loopback(url: str) -> None:
    assert settings(endpoint_url=url).endpoint_url == url


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("60", 60), ("0.5", 0.5), ("*/5 * * * *", 60), ("-1", 60), ("nan", 60), ("inf", 60)],
)
def test_an_interval_that_is_no_number_of_seconds_counts_as_a_minute(
    text: str, seconds: float
) -> None:
    assert settings(interval=text).interval_s == seconds


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("aws_region", ""),
        ("aws_region", "Virginia"),
        ("aws_region", "us-east-1.evil.example"),
        ("log_groups", "/aws/cloudhsm/clu ster$"),
        ("log_groups", "/aws/*/x"),
        ("log_groups", ","),
        ("start_time", "2026-W40"),
        ("start_time", "20260131"),
        ("start_time", "yesterday"),
        ("start_time", "31.01.2026"),
        ("start_time", "2026-02-30"),
        ("start_time", "2026-09-25"),
        ("start_time", "-0d"),
        ("endpoint_url", "http://logs.example"),
        ("endpoint_url", "ftp://127.0.0.1"),
        ("endpoint_url", "https://"),
        ("endpoint_url", "https://[::1"),
        ("endpoint_url", "https://h:port"),
        ("endpoint_url", "https://my_host"),
        ("endpoint_url", "https://a b"),
        ("endpoint_url", "https://x..y"),
        ("endpoint_url", "https://-h"),
        ("endpoint_url", "https://\u00e9.example"),
        ("endpoint_url", "https://h\n.example"),
        ("endpoint_url", "https://user:secret@h.example"),
        ("lateness_horizon", "24"),
        ("lateness_horizon", "30m"),
        ("lateness_horizon", "31d"),
    ],
)
def test_a_wrong_value_names_its_setting_and_says_what_is_allowed(setting: str, value: str) -> None:
    with pytest.raises(SettingError) as caught:
        settings(**{setting: value})
    assert caught.value.place.setting == setting
    assert caught.value.next_step
    assert "\n" not in caught.value.line()
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("store", ["file", "kvstore"])
def test_states_are_kept_where_the_setting_says(store: str) -> None:
    assert settings(state_store=store).state_store == store


def test_an_unknown_store_is_refused_with_those_that_exist() -> None:
    with pytest.raises(SettingError, match=r"'disk' is not a store.*Write file, or kvstore"):
        settings(state_store="disk")

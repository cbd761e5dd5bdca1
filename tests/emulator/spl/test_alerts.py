"""savedsearches.conf.spec: the settings of a scheduled alert."""

from __future__ import annotations

from pathlib import Path

import pytest

from emulator.conf.conf_file import read_conf
from emulator.errors import EmulatorError
from emulator.spl.alerts import Throttling, TimeRange, alerts

BASE = {
    "search": "index=a",
    "cron_schedule": "3-59/5 * * * *",
    "realtime_schedule": "0",
    "counttype": "number of events",
    "relation": "greater than",
    "quantity": "0",
    "alert.digest_mode": "1",
    "dispatch.earliest_time": "-7d@d",
    "dispatch.latest_time": "+30d",
    "dispatch.index_earliest": "-6m@m",
    "dispatch.index_latest": "-1m@m",
}


def conf_with(folder: Path, **changes: str | None) -> Path:
    settings = {**BASE, **{key.replace("__", "."): value for key, value in changes.items()}}
    lines = [f"{key} = {value}" for key, value in settings.items() if value is not None]
    path = folder / "savedsearches.conf"
    path.write_text("\n".join(["[A]", *lines, "", "[Report]", "search = index=b", ""]))
    return path


def test_an_alert_runs_on_its_cron_schedule(tmp_path: Path) -> None:
    """Assumption 60."""
    alert = alerts(read_conf(conf_with(tmp_path)))["A"]
    assert alert.runs(0, 1000) == [180, 480, 780]
    assert alert.runs(180, 481) == [180, 480]


def test_a_report_is_no_alert(tmp_path: Path) -> None:
    assert list(alerts(read_conf(conf_with(tmp_path)))) == ["A"]


def test_times_and_index_times_are_seen_from_the_run(tmp_path: Path) -> None:
    alert = alerts(read_conf(conf_with(tmp_path)))["A"]
    assert alert.index_times.at(1_000_000) == (999_600 // 60 * 60, 999_900)
    assert alert.times.at(1_000_000) == (345_600, 3_592_000)
    assert TimeRange("", "").at(5) == (0, None)


def test_throttling_is_by_fields_and_for_a_while(tmp_path: Path) -> None:
    path = conf_with(
        tmp_path,
        alert__digest_mode="0",
        alert__suppress="1",
        alert__suppress__fields="a, b",
        alert__suppress__period="15m",
    )
    assert alerts(read_conf(path))["A"].throttling == Throttling(("a", "b"), 900)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"quantity": "5"}, "quantity = 0 only"),
        ({"realtime_schedule": "1"}, "realtime_schedule = 0 only"),
        ({"alert__digest_mode": None}, "alert.digest_mode = 1 only"),
        ({"cron_schedule": None}, "needs a cron_schedule"),
        ({"cron_schedule": "61 * * * *"}, "cron_schedule = 61"),
        ({"dispatch__index_earliest": "-6x"}, "the emulator does not model the unit"),
        ({"alert__suppress": "1"}, "alert.suppress.fields and a period"),
        (
            {
                "alert__digest_mode": "0",
                "alert__suppress": "1",
                "alert__suppress__fields": "a",
                "alert__suppress__period": "long",
            },
            "alert.suppress.fields and a period",
        ),
        (
            {
                "alert__suppress": "1",
                "alert__suppress__fields": "a",
                "alert__suppress__period": "1h",
            },
            "alert.digest_mode = 0 only",
        ),
    ],
)
def test_what_is_not_modelled_is_refused_with_its_location(
    tmp_path: Path, changes: dict[str, str | None], message: str
) -> None:
    with pytest.raises(EmulatorError, match=r"savedsearches\.conf:\d+ \[A\]") as caught:
        alerts(read_conf(conf_with(tmp_path, **changes)))
    assert message in str(caught.value)

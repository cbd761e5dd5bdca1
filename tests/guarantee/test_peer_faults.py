"""What other collectors of CloudWatch Logs do and lose records by, and that this one does not.

Each case has an L number in the catalogue of docs/guarantee.md.
"""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Callable
from datetime import datetime, timezone
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from cloudhsm.aws.cloudwatch_logs import CloudWatchLogs
from cloudhsm.aws.rate_limit import RateLimiter
from cloudhsm.base.settings import parse
from cloudhsm.base.shutdown import Stop
from cloudhsm.collect.collector import Collector
from cloudhsm.collect.read_ahead import sequential
from cloudhsm.splunk.event_writer import EventWriter
from cloudhsm.state.file_store import FileStateStore
from cloudhsm.state.input_cache import InputFile
from cloudhsm.trail.log_group import GroupId
from tests.bin.fakes import DAY_MS, HOUR_MS, NOW_MS, Pipe, audit_text, handed_over
from tests.fake_aws.calls import Call
from tests.fake_aws.faults import Faults, share
from tests.fake_aws.in_process import every_client, no_waiting
from tests.fake_aws.service import REGION, Service
from tests.fake_aws.trails import GROUP, hsm_name
from tests.fake_aws.wire import Answer, Refusal

STANZA = "aws_cloudhsm://x"
MINUTE_MS = 60_000
_KEYS = {"AWS_ACCESS_KEY_ID": "AKIAEXAMPLE", "AWS_SECRET_ACCESS_KEY": "not-a-secret"}


class Stubborn(Service):
    """A service that refuses every page for as long as it is told to; the rest works."""

    refusal: Refusal | None = None

    def _answer(self, call: Call) -> Answer:
        if self.refusal is not None and call.operation == "FilterLogEvents":
            raise self.refusal
        return super()._answer(call)


class Input:
    """One input over one log group, run after run, in virtual time."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.told: list[dict[str, Any]] = []
        self.service = Stubborn(1, NOW_MS, Faults(), ms_per_request=3)
        self.service.add_group(GROUP)
        self.parameters = {
            "aws_region": REGION,
            "start_time": f"{datetime.fromtimestamp(NOW_MS / 1000 - 864_000, timezone.utc):%FT%TZ}",
        }
        self._numbers: dict[str, int] = {}

    def put(self, at_ms: int, stream: str = hsm_name(1), visible_ms: int | None = None) -> str:
        """The next record of an HSM; returns its text."""
        number = self._numbers[stream] = self._numbers.get(stream, -1) + 1
        text = audit_text(number, at_ms * 1000)
        self.service.put(GROUP, stream, at_ms, text, visible_ms=visible_ms)
        return text

    def run(self, minutes: float = 1, skew_ms: int = 0) -> list[str]:
        """The records that a run handed over, in order; then time passes.

        What the input says of itself is added to `told`.
        """
        pipe = Pipe()
        with (
            every_client(self.service),
            no_waiting(self.service, skew_ms),
            mock.patch.dict(os.environ, _KEYS),
            mock.patch.object(os, "fsync"),  # nobody pulls the plug here
        ):
            self._collect(EventWriter(pipe, None))
        self.service.advance(round(minutes * MINUTE_MS))
        events = handed_over(pipe)
        own = [event for event in events if event["sourcetype"] == "aws:cloudhsm:collector"]
        self.told += [json.loads(event["data"]) for event in own]
        return [event["data"] for event in events if event not in own]

    def _collect(self, writer: EventWriter) -> None:
        settings = parse(STANZA, self.parameters, self.service.now_ms)
        clock: Callable[[], float] = time.monotonic
        logs = CloudWatchLogs(settings)
        logs.pace = RateLimiter(10, clock, time.sleep)  # in virtual time too
        Collector(
            settings,
            logs,
            FileStateStore(self.folder),
            InputFile(self.folder, STANZA),
            writer,
            Stop(),
            "splunk-1",
            clock,
            read=sequential,
        ).run()
        writer.close()


@pytest.fixture
def one(tmp_path: Path) -> Input:
    return Input(tmp_path)


@pytest.mark.parametrize("late_ms", [20 * MINUTE_MS, 23 * HOUR_MS])
def test_a_record_that_becomes_visible_late_is_handed_over_once_as_all_others_l2(
    one: Input, late_ms: int
) -> None:
    at_ms = NOW_MS + MINUTE_MS
    written = [one.put(at_ms, visible_ms=at_ms + late_ms)]
    got = []
    for _ in range(30):
        written.append(one.put(one.service.now_ms))
        got += one.run(minutes=60)
    assert sorted(got) == sorted(written)


def test_a_slow_stream_loses_nothing_to_a_fast_one_l6(one: Input) -> None:
    slow = one.put(NOW_MS - HOUR_MS, hsm_name(2), visible_ms=NOW_MS + 2 * HOUR_MS)
    got = []
    for _ in range(12):
        one.put(one.service.now_ms, hsm_name(1))
        got += one.run(minutes=60)
    assert got.count(slow) == 1


def test_short_runs_over_bursts_and_empty_pages_lose_and_repeat_nothing_l3_l4_l9(
    one: Input,
) -> None:
    written = [one.put(NOW_MS - 5 * DAY_MS + 170 * (n // 3)) for n in range(60)]
    one.service.faults = Faults(page_events=2, empty_page=share(0.3), latency_s=0.2)
    one.parameters["interval"] = "2"
    got = []
    for _ in range(100):
        got += one.run(minutes=0.05)
    assert sorted(got) == sorted(written)


def test_the_live_window_comes_before_history_l7(one: Input) -> None:
    for number in range(30):
        one.put(NOW_MS - 5 * DAY_MS + number * HOUR_MS)
    fresh = one.put(NOW_MS - MINUTE_MS)
    one.service.faults = Faults(page_events=1)
    assert one.run()[0] == fresh


def test_a_stream_is_read_whatever_its_metadata_says_l8(one: Input) -> None:
    one.service.faults = Faults(stale_ms=DAY_MS)
    old = one.put(NOW_MS - DAY_MS)
    assert one.run() == [old]
    fresh = [one.put(one.service.now_ms, hsm_name(number)) for number in (1, 2)]
    assert sorted(one.run()) == sorted(fresh)


def test_an_event_that_aws_dates_ahead_of_its_clock_is_handed_over_at_once_l13(one: Input) -> None:
    ahead = one.put(NOW_MS + HOUR_MS, visible_ms=NOW_MS)
    assert one.run() == [ahead]


def test_every_one_of_more_streams_than_a_listing_or_a_filter_holds_is_read_l14(
    one: Input,
) -> None:
    written = [one.put(NOW_MS - MINUTE_MS, hsm_name(number)) for number in range(130)]
    assert sorted(one.run()) == sorted(written)


@pytest.mark.parametrize(
    "refusal",
    [
        Refusal("ThrottlingException", "Rate exceeded"),  # L15
        Refusal("ServiceUnavailableException", "try later", 503),  # L5
        Refusal("ExpiredTokenException", "The security token included is expired"),  # L21
        Refusal("AccessDeniedException", "not authorized"),
    ],
    ids=lambda refusal: refusal.code,
)
def test_what_could_not_be_read_is_read_later_l5_l15_l21(one: Input, refusal: Refusal) -> None:
    written = [one.put(NOW_MS - days * DAY_MS) for days in (9, 5, 3, 0)]
    one.service.refusal = refusal
    assert one.run(minutes=30) == []
    one.service.refusal = None
    assert sorted(one.run()) == sorted(written)


def test_the_tail_of_a_replaced_hsm_arrives_beside_its_successor_l16(one: Input) -> None:
    one.put(NOW_MS - HOUR_MS, hsm_name(1))
    one.put(NOW_MS - MINUTE_MS, hsm_name(2))
    one.run()
    now_ms = one.service.now_ms
    both = [one.put(now_ms, hsm_name(1)), one.put(now_ms, hsm_name(2))]
    assert sorted(one.run()) == sorted(both)


def test_a_state_that_was_altered_but_can_be_read_is_not_trusted_l19(one: Input) -> None:
    one.run()
    one.run()
    (path,) = one.folder.glob("*.state")
    whole = path.read_bytes()
    altered = re.sub(rb'(?<="settled_ms":)1', b"2", whole)  # thirty years ahead
    assert altered != whole
    path.write_bytes(altered)
    late = one.put(NOW_MS)
    got = one.run()
    assert got == [late]
    assert "state_recovered" in {told["event"] for told in one.told}


@pytest.mark.parametrize("skew_ms", [-3 * DAY_MS, 3 * DAY_MS])
def test_a_host_whose_clock_is_wrong_loses_nothing_l22(one: Input, skew_ms: int) -> None:
    one.run(skew_ms=skew_ms)
    at_ms = one.service.now_ms
    fresh, late = one.put(at_ms), one.put(at_ms, visible_ms=at_ms + 20 * HOUR_MS)
    got = []
    for _ in range(25):
        got += one.run(minutes=60, skew_ms=skew_ms)
    assert sorted(got) == sorted([fresh, late])


def test_two_records_of_one_number_are_both_handed_over(one: Input) -> None:
    texts = [audit_text(7, NOW_MS * 1000 + usecs) for usecs in (0, 1)]
    for text in texts:
        one.service.put(GROUP, hsm_name(1), NOW_MS, text)
        assert one.run() == [text]


def test_groups_of_one_name_in_two_accounts_or_regions_have_their_own_positions_l18(
    tmp_path: Path,
) -> None:
    identities = [
        GroupId(partition, account, region, GROUP)
        for partition in ("aws", "aws-cn")
        for account in ("111122223333", "444455556666")
        for region in ("us-east-1", "eu-central-1")
    ]
    store = FileStateStore(tmp_path)
    assert len({store.path(group) for group in identities}) == len(identities)


def test_nothing_but_reading_is_ever_asked_for_l23(one: Input) -> None:
    one.put(NOW_MS - DAY_MS)
    for _ in range(3):
        one.run(minutes=700)
    asked = {request.operation for request in one.service.requests}
    assert asked == {"DescribeLogGroups", "FilterLogEvents"}


def test_the_shipped_model_of_the_service_knows_no_call_that_changes_anything_l23() -> None:
    logs = CloudWatchLogs(parse(STANZA, {"aws_region": REGION}, NOW_MS))
    known = logs._logs.meta.service_model.operation_names
    assert [name for name in known if not name.startswith(("Describe", "Filter", "Get"))] == []

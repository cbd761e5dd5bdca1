"""Faults that lose records, as small changes to `bin/`: each swaps one rule for a faulty one.

Most are how other collectors of CloudWatch Logs work, or worked when their fault was reported: an L
number is a row of the catalogue in docs/guarantee.md. The others break a rule that is ours.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

OURS = "-"

_CLOUDWATCH = "bin/cloudhsm/aws/cloudwatch_logs.py"
_CLIENT = "bin/cloudhsm/aws/logs_client.py"
_CLOCK = "bin/cloudhsm/base/aws_clock.py"
_SHUTDOWN = "bin/cloudhsm/base/shutdown.py"
_PARSER = "bin/cloudhsm/aws/page_parser.py"
_GROUP = "bin/cloudhsm/collect/group_collector.py"
_READER = "bin/cloudhsm/collect/window_reader.py"
_OPEN = "bin/cloudhsm/collect/open_group.py"
_EVENTS = "bin/cloudhsm/collect/collector_events.py"
_COLLECTOR = "bin/cloudhsm/collect/collector.py"
_LIST = "bin/cloudhsm/collect/group_list.py"
_FAILURES = "bin/cloudhsm/collect/run_failures.py"
_PLAN = "bin/cloudhsm/trail/window_plan.py"
_WINDOWS = "bin/cloudhsm/trail/windows.py"
_LEDGER = "bin/cloudhsm/trail/gap_ledger.py"
_REVIEW = "bin/cloudhsm/trail/gap_review.py"
_STORE = "bin/cloudhsm/state/file_store.py"
_WRITER = "bin/cloudhsm/splunk/event_writer.py"
_KV = "bin/cloudhsm/state/kv_store.py"
_SEEN = "bin/cloudhsm/trail/seen_ids.py"

_PEERS = "tests/guarantee/test_peer_faults.py::test_"
_LATER = _PEERS + "what_could_not_be_read_is_read_later_l5_l15_l21"
_RESUMED = _PEERS + "short_runs_over_bursts_and_empty_pages_lose_and_repeat_nothing_l3_l4_l9"
_L2 = _PEERS + "a_record_that_becomes_visible_late_is_handed_over_once_as_all_others_l2"
_L6 = _PEERS + "a_slow_stream_loses_nothing_to_a_fast_one_l6"
_L7 = _PEERS + "the_live_window_comes_before_history_l7"
_L8 = _PEERS + "a_stream_is_read_whatever_its_metadata_says_l8"
_L13 = _PEERS + "an_event_that_aws_dates_ahead_of_its_clock_is_handed_over_at_once_l13"
_L14 = _PEERS + "every_one_of_more_streams_than_a_listing_or_a_filter_holds_is_read_l14"
_L16 = _PEERS + "the_tail_of_a_replaced_hsm_arrives_beside_its_successor_l16"
_L18 = _PEERS + "groups_of_one_name_in_two_accounts_or_regions_have_their_own_positions_l18"
_L19 = _PEERS + "a_state_that_was_altered_but_can_be_read_is_not_trusted_l19"
_L22 = _PEERS + "a_host_whose_clock_is_wrong_loses_nothing_l22"
_TWICE = _PEERS + "two_records_of_one_number_are_both_handed_over"
_ABOUT_AWS = "tests/bin/cloudhsm/aws/test_cloudwatch_logs.py"
_ABOUT_COLLECTOR = "tests/bin/cloudhsm/collect/test_collector.py"
_ABOUT_ENDS = (
    "tests/guarantee/test_ends.py::test_"
    "a_gap_that_was_told_is_judged_though_the_run_died_right_behind_the_telling"
)
_ABOUT_PLAN = "tests/bin/cloudhsm/trail/test_window_plan.py"
_ABOUT_LEDGER = "tests/bin/cloudhsm/trail/test_gap_ledger.py"
_ABOUT_ISOLATION = "tests/bin/cloudhsm/collect/test_isolation.py"
_FUTURE = (
    "tests/guarantee/test_catalogue.py::test_l28_a_mark_in_the_future_is_reported_and_set_back"
)
_PIPE = "bin/cloudhsm/splunk/pipe.py"
_CLOSED_PIPE = (
    "tests/bin/cloudhsm/splunk/test_pipe.py::test_"
    "a_reader_that_left_is_an_error_though_it_had_read_everything"
)
_ABOUT_INPUT = (
    "tests/bin/test_aws_cloudhsm.py::test_"
    "a_disk_with_room_for_less_than_the_next_state_repeats_no_page"
)


class AnchorMissing(Exception):
    """The text that a mutant replaces is not in its file exactly once."""


class Mutant(NamedTuple):
    """One swapped rule.

    fault: what the collector now does. number: of the catalogue, or OURS.
    old:   text that occurs exactly once in the file.
    killers: tests of which one must fail, as pytest takes them; by default those of the file.
    """

    name: str
    number: str
    fault: str
    file: str
    old: str
    new: str
    killers: tuple[str, ...] = ()

    @property
    def tests(self) -> tuple[str, ...]:
        """The killers; `tests` mirrors the tree, so that the tests of a file are found by it."""
        path = Path(self.file)
        return self.killers or (f"tests/{path.parent}/test_{path.name}",)

    def applied(self, source: str) -> str:
        """The file's text with the fault; raises AnchorMissing."""
        count = source.count(self.old)
        if count != 1:
            raise AnchorMissing(
                f"mutant {self.name}: its text occurs {count} times in {self.file}, not once; "
                f"adapt it in tools/proof/mutants.py: {self.old!r}"
            )
        return source.replace(self.old, self.new)

    def apply(self, root: Path) -> None:
        """Change a copy of the tree; raises AnchorMissing."""
        path = root / self.file
        path.write_text(self.applied(path.read_text(encoding="utf-8")), encoding="utf-8")


_READING = (
    Mutant(
        "empty-page-is-the-end",
        "L1",
        "an empty page ends the window, its token is thrown away",
        _CLOUDWATCH,
        "            last_ms = times[-1]\n",
        "            last_ms = times[-1]\n            answer = answer if page else {}\n",
    ),
    Mutant(
        "repeated-token-is-the-end",
        "L10",
        "a page token that comes twice ends the window",
        _CLOUDWATCH,
        "            if token in used:\n                raise _TokenUnusable\n",
        "            if token in used:\n                return\n",
    ),
    Mutant(
        "refused-token-is-the-end",
        "L11",
        "a page token that expired ends the window",
        _CLOUDWATCH,
        "                raise _TokenUnusable from error\n",
        '                return {"events": []}\n',
    ),
    Mutant(
        "end-is-exclusive",
        "L12",
        "the last millisecond of a window is not asked for",
        _CLOUDWATCH,
        '"endTime": end_ms,',
        '"endTime": end_ms - (end_ms > start_ms),',
    ),
    Mutant(
        "throttling-is-an-empty-page",
        "L15",
        "a throttled call counts as a page without events",
        _CLOUDWATCH,
        "                raise _TokenUnusable from error\n            raise\n",
        "                raise _TokenUnusable from error\n"
        '            if "Throttling" in error.what:\n'
        '                return {"events": []}\n'
        "            raise\n",
        (_LATER,),
    ),
    Mutant(
        "failure-is-an-empty-page",
        "L5",
        "a call that failed, with a 5xx for example, counts as a page without events",
        _CLOUDWATCH,
        "                raise _TokenUnusable from error\n            raise\n",
        '                raise _TokenUnusable from error\n            return {"events": []}\n',
        (_LATER,),
    ),
    Mutant(
        "expired-credentials-are-the-end",
        "L21",
        "credentials that expire in the middle end the window",
        _CLOUDWATCH,
        '            return self._call("FilterLogEvents", request, "events", group.place)\n',
        "            from cloudhsm.base.errors import CredentialsError\n\n"
        '            return self._call("FilterLogEvents", request, "events", group.place)\n'
        "        except CredentialsError:\n"
        '            return {"events": []}\n',
        (_LATER,),
    ),
    Mutant(
        "cut-body-is-an-empty-page",
        "L5",
        "an answer whose body was cut short counts as a page without events, as botocore has it",
        _CLIENT,
        "            if isinstance(answer.get(member), list):\n                return answer\n",
        "            return {member: [], **answer}\n",
        (_ABOUT_AWS,),
    ),
    Mutant(
        "unknown-members-are-an-error",
        "L24",
        "an object inside an event makes its page unreadable",
        _PARSER,
        "        except (LookupError, TypeError):  # a member of an event is an object, too\n"
        "            pass\n",
        "        except (LookupError, TypeError):\n            raise AssertionError from None\n",
    ),
    Mutant(
        "one-bad-event-costs-its-page",
        "L25",
        "an event that is not complete makes its page unreadable",
        _PARSER,
        '        return members or _one_by_one(body.decode(errors="surrogateescape"))\n',
        "        return members or {}\n",
    ),
    Mutant(
        "any-type-is-believed",
        "L25",
        "a timestamp that is no integer reaches the state",
        _PARSER,
        "    if any({*map(type, column)} != types for column, types in zip(columns, _TYPES)):\n"
        "        return None\n",
        "",
    ),
    Mutant(
        "an-event-outside-its-window-moves-the-position",
        "L25",
        "an event that lies outside of the window that was asked for moves the position",
        _CLOUDWATCH,
        "    if page and not start_ms <= min(page.times_ms) <= max(page.times_ms) <= end_ms:\n",
        "    if False:\n",
    ),
    Mutant(
        "one-date-is-believed",
        "L28",
        "one response with a Date far ahead counts as AWS's time",
        _CLOCK,
        "        if self.offset_ms - self.confirmed_ms <= LIMIT_MS:\n            self.confirmed",
        "        if True:\n            self.confirmed",
    ),
    Mutant(
        "dates-of-one-run-confirm-each-other",
        "L28",
        "two wrong Dates within a second confirm each other",
        _CLOCK,
        "        return not is_new and date_ms",
        "        return date_ms",
    ),
    Mutant(
        "a-mark-in-the-future-stays",
        "L28",
        "a settled mark that is in the future is believed",
        _GROUP,
        "            self._undo_future()\n",
        "            pass\n",
        (_FUTURE,),
    ),
    Mutant(
        "a-deleted-stream-is-a-deleted-group",
        "L29",
        "a log stream that does not exist any more counts as its log group",
        _CLOUDWATCH,
        "                if stream is None:\n                    raise\n",
        "                raise\n",
    ),
    Mutant(
        "an-unlisted-group-is-dropped",
        "L29",
        "a log group that a listing leaves out is not read any more, without a report",
        _LIST,
        "        known = {group.id: group for group in self.state.groups "
        "if group.id not in gone}\n",
        "        known: dict[GroupId, FoundGroup] = {}\n",
        (_ABOUT_ISOLATION,),
    ),
    Mutant(
        "a-gone-group-keeps-its-gaps",
        "L29",
        "the gaps of a deleted log group stay open for ever",
        _GROUP,
        "        self.state.untold += changes\n        self.state.progress.rereads.clear()\n",
        "        self.state.progress.rereads.clear()\n",
        (_ABOUT_ISOLATION,),
    ),
    Mutant(
        "what-failed-last-is-tried-first",
        "L30",
        "work that always fails comes first in every run, and ends the group's part of it",
        _FAILURES,
        "        return max(failed)[1] if failed else None\n",
        "        return None\n",
        (_ABOUT_ISOLATION,),
    ),
    Mutant(
        "one-bad-row-hides-all-groups",
        "L30",
        "a row of DescribeLogGroups that cannot be read hides the other groups",
        _CLOUDWATCH,
        "                except ServiceFailure as error:\n"
        "                    failures.append(error)\n                    continue\n",
        "                except ServiceFailure:\n                    raise\n",
    ),
    Mutant(
        "calls-have-no-deadline",
        "L31",
        "a response that never ends stops all log groups",
        _SHUTDOWN,
        "        if self.is_network_over:\n            raise NetworkTimeOver\n",
        "",
    ),
    Mutant(
        "every-step-tries-a-dead-endpoint",
        "L31",
        "an endpoint that cannot be reached is tried again for every group and step",
        _COLLECTOR,
        '            self._is_cut_off |= getattr(error, "concerns_every_call", False)\n',
        "",
        (_ABOUT_ISOLATION,),
    ),
    Mutant(
        "a-listing-has-no-end",
        "L31",
        "a listing with ever new tokens is followed for ever",
        _CLOUDWATCH,
        "            if is_over():\n",
        "            if False:\n",
    ),
    Mutant(
        "order-is-believed",
        OURS,
        "a page that is out of order moves the position all the same",
        _CLOUDWATCH,
        "                raise _OutOfOrder\n",
        "                pass\n",
    ),
    Mutant(
        "host-clock",
        "L22",
        "this host's clock says what is now",
        _CLIENT,
        "        return self.clock.now_ms(_local_ms())\n",
        "        return _local_ms()\n",
        (_L22,),
    ),
)

_POSITIONS = (
    Mutant(
        "last-event-plus-1-ms",
        "L3",
        "reading resumes a millisecond behind the last event",
        _WINDOWS,
        "self.kind.advance(page.times_ms[-1])",
        "self.kind.advance(page.times_ms[-1] + 1)",
        (_RESUMED,),
    ),
    Mutant(
        "whole-seconds",
        "L9",
        "positions are rounded to seconds",
        _WINDOWS,
        "self.kind.advance(page.times_ms[-1])",
        "self.kind.advance(round(page.times_ms[-1], -3))",
        (_RESUMED,),
    ),
    Mutant(
        "empty-page-jumps-to-the-end",
        "L4",
        "an empty page moves the position to the end of the window",
        _READER,
        "        counters.empty_pages += not page\n",
        "        counters.empty_pages += not page\n"
        "        if not page:\n            window.kind.advance(window.end_ms)\n",
        (_RESUMED,),
    ),
    Mutant(
        "failed-call-moves-the-position",
        "L5",
        "a window whose call failed counts as read",
        _READER,
        "        except (CloudHsmError, StopRequested):\n",
        "        except CloudHsmError:\n            return 0, None\n"
        "        except StopRequested:\n",
        (_LATER,),
    ),
    Mutant(
        "newest-event-moves-the-group",
        "L6",
        "the newest event of any stream moves the one position of the group",
        _WINDOWS,
        "            self.kind.advance(page.times_ms[-1])\n",
        "            self.kind.advance(page.times_ms[-1])\n"
        "            memory.progress.settled_ms = page.times_ms[-1]\n",
        (_L6,),
    ),
    Mutant(
        "short-overlap-only",
        "L2",
        "nothing is read again but the last 15 minutes",
        _PLAN,
        "    return progress.sweep is not None or last is None or now_ms - last",
        "    return progress.sweep is not None or last is None or last - now_ms",
        (_L2,),
    ),
    Mutant(
        "window-ends-now",
        "L13",
        "events that AWS dates ahead of now are never asked for in time",
        _PLAN,
        "AHEAD_MS = 2 * 3_600_000\n",
        "AHEAD_MS = 0\n",
        (_L13,),
    ),
    Mutant(
        "settled-at-once",
        "L2",
        "a complete sweep settles all until now",
        _WINDOWS,
        "max(progress.settled_ms, self.settled_before)",
        "max(progress.settled_ms, self.started_ms)",
        (_ABOUT_PLAN,),
    ),
    Mutant(
        "poll-settles",
        "L2",
        "a poll moves the settled mark",
        _WINDOWS,
        "        progress.polled_ms = now_ms\n",
        "        progress.polled_ms = progress.settled_ms = now_ms\n",
        (_ABOUT_PLAN,),
    ),
    Mutant(
        "cut-sweep-settles",
        OURS,
        "a sweep that was cut short settles what it did not read",
        _READER,
        "            self._group.has_moved |= "
        "windows[number].kind.give_up_for_now(windows[number])\n",
        "            self._finish(windows[number], begun_ms)\n",
        (_ABOUT_COLLECTOR,),
    ),
    Mutant(
        "history-first",
        "L7",
        "history is read before the live window",
        _COLLECTOR,
        "                    self._taken(GroupCollector.poll, group)\n",
        "                    self._taken(GroupCollector.catch_up, group)\n"
        "                    self._taken(GroupCollector.poll, group)\n",
        (_L7,),
    ),
    Mutant(
        "stale-metadata-is-trusted",
        "L8",
        "only streams that were known before are read, as an old listing has them",
        _READER,
        "        fresh = page.only(window.take(page, memory))\n",
        "        fresh = page.only(window.take(page, memory))\n"
        "        listed = {stream for stream, _ in self._state.ledger.epochs} or {*fresh.streams}\n"
        "        fresh = fresh.only([one in listed for one in fresh.streams])\n",
        (_L8,),
    ),
    Mutant(
        "first-page-of-streams",
        "L14",
        "only the 50 streams of the first page of a listing are read",
        _READER,
        "        fresh = page.only(window.take(page, memory))\n",
        "        fresh = page.only(window.take(page, memory))\n"
        "        listed = sorted({*fresh.streams})[:50]\n"
        "        fresh = fresh.only([one in listed for one in fresh.streams])\n",
        (_L14,),
    ),
    Mutant(
        "one-stream-only",
        "L14",
        "only the first stream of a page is taken",
        _READER,
        "        fresh = page.only(window.take(page, memory))\n",
        "        fresh = page.only(window.take(page, memory))\n"
        "        fresh = fresh.only([one == fresh.streams[0] for one in fresh.streams])\n",
        (_L14,),
    ),
    Mutant(
        "old-stream-is-dropped",
        "L16",
        "once an HSM was replaced, the tail of its old stream is left out",
        _READER,
        "        fresh = page.only(window.take(page, memory))\n",
        "        fresh = page.only(window.take(page, memory))\n"
        "        newest = max(fresh.streams, default='')\n"
        "        fresh = fresh.only([one == newest for one in fresh.streams])\n",
        (_L16,),
    ),
    Mutant(
        "failures-wait-for-ever",
        OURS,
        "a wrong clock can keep a failed group waiting for years",
        _FAILURES,
        "        return 0 < failure.retry_ms - self.now_ms() <= _LONGEST_BACKOFF_MS\n",
        "        return 0 < failure.retry_ms - self.now_ms()\n",
        (_ABOUT_COLLECTOR,),
    ),
    Mutant(
        "one-failure-stops-all",
        OURS,
        "a group that fails takes the others with it",
        _COLLECTOR,
        "            self._failures.add(name, error)\n        except Exception as error:",
        "            raise\n        except Exception as error:",
    ),
    Mutant(
        "earlier-start-is-ignored",
        OURS,
        "an earlier start_time adds nothing",
        _PLAN,
        "    if start_ms >= progress.start_ms:\n",
        "    if start_ms:\n",
    ),
)

_REPEATS = (
    Mutant(
        "sequence-number-is-the-identity",
        OURS,
        "a record whose number is known is dropped as a repeat",
        _READER,
        "        fresh = page.only(window.take(page, memory))\n",
        "        fresh = page.only(window.take(page, memory))\n"
        "        known = identify_all(fresh.texts)\n"
        "        fresh = fresh.only([\n"
        "            not self._state.ledger.holds(stream, known.of(place))\n"
        "            for place, stream in enumerate(fresh.streams)\n"
        "        ])\n",
        (_TWICE,),
    ),
    Mutant(
        "text-is-the-identity",
        OURS,
        "of two events with one text the second is dropped as a repeat",
        _WINDOWS,
        "        fresh = self.kind.fresh(page, memory)\n",
        "        from dataclasses import replace\n\n"
        "        fresh = self.kind.fresh(replace(page, ids=page.texts), memory)\n",
        (_ABOUT_COLLECTOR,),
    ),
    Mutant(
        "ids-are-forgotten-early",
        OURS,
        "event ids are forgotten while a sweep can still meet them",
        _PLAN,
        "    return min(progress.settled_ms, now_ms - horizon_ms)\n",
        "    return now_ms\n",
        (_L2,),
    ),
    Mutant(
        "ids-are-kept-for-ever",
        OURS,
        "the state grows with history",
        _READER,
        "            state.seen.forget_before("
        "window_plan.oldest_needed(progress, begun_ms, horizon_ms))\n",
        "",
        (_ABOUT_COLLECTOR,),
    ),
    Mutant(
        "boundary-is-forgotten",
        "L3",
        "where reading resumes, the events of that millisecond are taken for new",
        _WINDOWS,
        "            return [*self.boundary.fresh(ids[:cut], times[:cut]), *young]\n",
        "            return [*[True] * cut, *young]\n",
        (_RESUMED,),
    ),
    Mutant(
        "repeats-save-no-position",
        OURS,
        "a run that is cut among pages of repeats reads them again for ever",
        _READER,
        "again for ever.\n            self._group.has_moved = True\n",
        "again for ever.\n            pass\n",
        (_ABOUT_COLLECTOR,),
    ),
    Mutant(
        "replay-meets-the-memory",
        OURS,
        "a replay leaves out what was handed over before",
        _WINDOWS,
        "        return self.boundary.fresh(page.ids, page.times_ms)\n",
        "        return memory.seen.fresh(page.ids, page.times_ms)\n",
        (_ABOUT_COLLECTOR,),
    ),
)

_VERDICTS = (
    Mutant(
        "gap-inside-unread-time",
        OURS,
        "a gap is judged while what lies between its neighbours is still unread",
        _REVIEW,
        "            if not self.ledger.is_covered(left_ms, hole.after.at_ms):\n",
        "            if False:\n",
        (_ABOUT_LEDGER,),
    ),
    Mutant(
        "no-last-look",
        OURS,
        "a gap is called absent without another look",
        _REVIEW,
        "    if not gap.last_look:\n        return Verdict.PENDING\n",
        "",
        (_ABOUT_LEDGER,),
    ),
    Mutant(
        "gap-told-before-it-is-remembered",
        OURS,
        "what changed about gaps is handed over first and saved afterwards",
        _READER,
        "        if changes:\n"
        "            self._state.untold += changes\n"
        "            self._group.save()\n",
        "        self._state.untold += changes\n",
        (_ABOUT_ENDS,),
    ),
    Mutant(
        "head-without-a-look",
        OURS,
        "the missing first numbers of a stream are taken to be older than start_time",
        _REVIEW,
        "    if horizon.start_ms > 0 and gap.held_before is None:\n"
        "        return Verdict.PENDING\n",
        "    if horizon.start_ms > 0 and gap.held_before is None:\n"
        "        return Verdict.BEFORE_START\n",
        (_ABOUT_COLLECTOR,),
    ),
    Mutant(
        "retention-is-ignored",
        "L17",
        "what retention deleted before it could be read is called absent at the source",
        _REVIEW,
        "    if horizon.retention_ms and hole.before.at_ms <",
        "    if False and hole.before.at_ms <",
        (_ABOUT_LEDGER,),
    ),
    Mutant(
        "carried-on-from-any-earlier-counter",
        OURS,
        "a counter continues the smallest earlier number, so numbers that came are missing",
        _LEDGER,
        "            before = self._lasts[smaller - 1]\n",
        "            before = self._lasts[0]\n",
        (_ABOUT_LEDGER,),
    ),
    Mutant(
        "restarted-counter-is-carried-on",
        OURS,
        "a counter that began again is expected to continue its own numbers",
        _LEDGER,
        "        if smaller and counter not in self._counters:\n",
        "        if smaller:\n",
        (_ABOUT_LEDGER,),
    ),
    Mutant(
        "head-follows-the-last-epoch-entered",
        OURS,
        "the head of an epoch is looked for after whichever earlier epoch began last",
        _LEDGER,
        "        if self._youngest is None or last.usecs > self._youngest.usecs:\n",
        "        if True:\n",
        (_ABOUT_LEDGER,),
    ),
    Mutant(
        "restart-is-a-conflict",
        OURS,
        "numbers that begin again are taken for numbers used twice",
        _LEDGER,
        "        if mark.usecs > known.max_usecs + CLOCK_SLACK_USECS:\n",
        "        if False:\n",
    ),
    Mutant(
        "conflict-is-not-told",
        OURS,
        "a number that two records bear is not told",
        _LEDGER,
        "            self.conflict_run = new\n        return Anomaly.SEQUENCE_CONFLICT\n",
        "            self.conflict_run = new\n        return None\n",
    ),
    Mutant(
        "any-jump-is-believed",
        OURS,
        "one damaged number far ahead opens a gap of millions",
        _LEDGER,
        "MAX_JUMP = 1_000_000\n",
        "MAX_JUMP = 1 << 64\n",
    ),
)

_STATE = (
    Mutant(
        "saved-before-written",
        "L19",
        "the position is saved before its records are handed over",
        _OPEN,
        "        self._file.stage(self.state)\n        if findings is not None:\n",
        "        self._file.save(self.state)\n        self._file.stage(self.state)\n"
        "        if findings is not None:\n",
        (_ABOUT_COLLECTOR,),
    ),
    Mutant(
        "saved-before-flushed",
        "L19",
        "the position is saved while its records are still in a buffer of this process",
        _OPEN,
        "        self.run.writer.flush()\n        self._file.commit()\n",
        "        self._file.commit()\n        self.run.writer.flush()\n",
        (_ABOUT_COLLECTOR,),
    ),
    Mutant(
        "what-the-pipe-has-counts-as-read",
        "L26",
        "the position is saved as soon as the kernel has taken what splunkd has not read",
        _PIPE,
        "            while self._unread():\n",
        "            while False:\n",
    ),
    Mutant(
        "a-closed-pipe-counts-as-read",
        "L26",
        "the position is saved although splunkd has closed its end of the pipe",
        _PIPE,
        "        if poll.poll(0):\n",
        "        if False:\n",
        (_CLOSED_PIPE,),
    ),
    Mutant(
        "delivered-before-there-is-room",
        "L27",
        "a page is delivered before it is known that the state that remembers it fits on the disk",
        _OPEN,
        "        self._file.stage(self.state)\n"
        "        if findings is not None:\n"
        "            events = self.reporter.page("
        "now_usecs, findings, self._write_records(findings))\n",
        "        if findings is not None:\n"
        "            events = self.reporter.page("
        "now_usecs, findings, self._write_records(findings))\n"
        "        self.run.writer.flush()\n"
        "        self._file.stage(self.state)\n",
        (_ABOUT_INPUT,),
    ),
    Mutant(
        "corrupt-state-begins-anew",
        "L19",
        "without a whole state reading begins anew",
        _STORE,
        "        raise StateCorrupt(\n",
        "        return Loaded(None)\n        raise StateCorrupt(\n",
    ),
    Mutant(
        "newer-state-is-overwritten",
        "L19",
        "the state of a newer version is taken for one's own",
        _STORE,
        '        if header["version"] > VERSION:\n',
        "        if False:\n",
    ),
    Mutant(
        "checksum-is-ignored",
        "L19",
        "a state that was damaged but can be parsed is trusted",
        _STORE,
        '        if hashlib.sha256(document).hexdigest() != header["sha256"]:\n',
        "        if False:\n",
        (_L19,),
    ),
    Mutant(
        "damaged-state-pushes-out-the-whole-one",
        "L19",
        "after a recovery, the whole generation is replaced by the damaged one",
        _STORE,
        "            if self._current_is_whole:",
        "            if True:",
    ),
    Mutant(
        "no-lock",
        "L18",
        "two processes may collect one group at the same time",
        _STORE,
        "        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)\n",
        "        fcntl.flock(file, fcntl.LOCK_UN)\n",
    ),
    Mutant(
        "twins-are-allowed",
        "L18",
        "two inputs may share the position of one group in turn",
        _OPEN,
        "    if state.stanza != settings.stanza and",
        "    if False and",
        (_ABOUT_COLLECTOR,),
    ),
    Mutant(
        "position-by-name-only",
        "L18",
        "groups of one name in two accounts or Regions share a position",
        _STORE,
        '        identity = f"{group.partition}:{group.account}:{group.region}:{group.name}"\n',
        "        identity = group.name\n",
        (_L18,),
    ),
)

_TEXT = (
    Mutant(
        "text-is-stripped",
        "L20",
        "blanks around a record's text are removed",
        _WRITER,
        "<data>{text}",
        "<data>{text.strip()}",
    ),
    Mutant(
        "text-is-truncated",
        "L20",
        "text is cut at 10,000 characters, as Splunk's TRUNCATE does",
        _WRITER,
        "<data>{text}",
        "<data>{text[:10_000]}",
        (_ABOUT_COLLECTOR,),
    ),
    Mutant(
        "text-is-one-line",
        "L20",
        "the lines of a record are joined",
        _WRITER,
        "<data>{text}",
        "<data>{' '.join(text.splitlines())}",
    ),
    Mutant(
        "carriage-return-is-lost",
        "L20",
        "a carriage return is read back as a line feed",
        _WRITER,
        '.replace("\\r", "&#13;")',
        "",
    ),
    Mutant(
        "control-characters-vanish",
        "L20",
        "what XML cannot carry is left out without a trace",
        _WRITER,
        '_NOT_XML.sub(lambda match: f"\\\\u{ord(match[0]):04x}", text)',
        '_NOT_XML.sub("", text)',
    ),
    Mutant(
        "altered-records-are-not-told",
        "L20",
        "a record that had to be altered is handed over without its original",
        _EVENTS,
        "        for index in sorted({*altered, *blank}):\n",
        "        for index in ():\n",
        (_ABOUT_COLLECTOR,),
    ),
)

_MANY = (
    Mutant(
        "groups-without-a-turn-starve",
        OURS,
        "a run that has no time for all groups begins one group further, not where the last ended",
        _LIST,
        "next((index for index, group in turned if group.id in unreached), 1)\n",
        "1\n",
        (_ABOUT_COLLECTOR,),
    ),
    Mutant(
        "rested-ids-are-forgotten",
        OURS,
        "ids that were not saved yet are lost when a group makes room for others",
        _SEEN,
        "        self.text()\n        self._set = None\n",
        "        self._set = None\n",
    ),
    Mutant(
        "a-refused-slot-counts",
        OURS,
        "a save that KV Store refused, since another host has taken over, is taken for one",
        _KV,
        "        if not self.slots.insert(document):\n            self._was_refused(document)\n",
        "        self.slots.insert(document)\n",
    ),
    Mutant(
        "a-claim-counts-unseen",
        OURS,
        "a host owns a group as soon as it wrote its claim, whatever its view of KV Store",
        _KV,
        '        self.append("claim", barrier=int(barrier))\n        self._confirm()\n',
        '        self.append("claim", barrier=int(barrier))\n',
    ),
    Mutant(
        "no-barrier-is-kept",
        OURS,
        "the claim that stops a process which was paused for long is deleted with other old slots",
        _KV,
        '            "$or": [{"barrier": 0}, {"at_ms": {"$lt": old_ms}}],\n',
        "",
    ),
    Mutant(
        "who-stands-by-takes-over",
        OURS,
        "a host takes a group over while its owner is at work",
        _KV,
        "abs(ago_ms) >= newest",
        "abs(ago_ms) >= 0 * newest",
    ),
)

MUTANTS = (*_READING, *_POSITIONS, *_REPEATS, *_VERDICTS, *_STATE, *_TEXT, *_MANY)

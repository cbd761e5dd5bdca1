"""Kill the collector of the built package again and again, and see that no record is lost.

    python -m tools.proof.kill_loop [--kills 40] [--seed N] [--records 20000] [--faults NAMES]

The package is built once and its modular input started as splunkd would start it, against a fake
CloudWatch Logs in another process, whose virtual time moves on during this time and which gets new
records, some of them visible late. Most runs end by SIGKILL at a random moment, some by SIGTERM.
Then runs end on their own until nothing is left to read, and `judge` compares what was delivered
with what CloudWatch Logs has. Exits with 1 if anything fails.

Faults that throttle make the collector slow down, as they should: ask for fewer records with them.
The schedule follows from the seed; the step at which a signal reaches the process does not.
"""

from __future__ import annotations

import json
import os
import re
import select
import signal
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ET
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import NamedTuple

from samples.command_parser import CommandParser
from tests.bin.fakes import audit_text
from tests.fake_aws.control import Control
from tests.fake_aws.faults import Faults, named
from tests.fake_aws.service import Arrival
from tests.fake_aws.trails import GROUP, Missing, Trail, audit_trail, hsm_name
from tools.build import package
from tools.build.package import PackagingProblem
from tools.build.vendor import VendoringProblem
from tools.demo import local_aws, splunkd
from tools.processes import NotServing, serving

STANZA = "aws_cloudhsm://soak"
COLLECTOR = "aws:cloudhsm:collector"
ABSENT = "absent_at_source"
SMALL_PAGES = "L3-pages-of-three"  # so that there are many writes to be killed in
CALLS_PER_SECOND = 100
TERM_S = 5.0
WHOLE_S = 120.0
DAYS = 7.0
MINUTE_MS, HOUR_MS, DAY_MS = 60_000, 3_600_000, 86_400_000
# Late, but within the lateness horizon, which is an hour here.
LATEST_MS = 50 * MINUTE_MS
TERMS, EARLY_KILLS = 0.15, 0.1
MOST_SETTLING_RUNS = 40
SHOWN = 5
_END = b"</event>"
_KEY = re.compile(
    r"Time: [^\n]*, usecs:(?P<usecs>\d+)\n"
    r"Sequence No : (?P<sequence>0x[0-9a-f]+)\n"
    r"Reboot counter : (?P<counter>0x[0-9a-f]+)\n"
)


class KillLoopError(Exception):
    """The soak could not be carried out, or a promise was broken; the message states how."""


class Record(NamedTuple):
    """A record as CloudWatch Logs has it, or as it was delivered."""

    stream: str
    text: str

    @property
    def key(self) -> str:
        """`hsm_id|reboot_counter|sequence_no|usecs`, by which repeats are removed."""
        head = _KEY.match(self.text)
        if head is None:
            return f"{self.stream}|{self.text}"
        return f"{self.stream}|{head['counter']}|{head['sequence']}|{head['usecs']}"

    @property
    def number(self) -> Missing | None:
        """Its position in the numbering of its HSM."""
        head = _KEY.match(self.text)
        if head is None:
            return None
        return Missing(self.stream, int(head["counter"], 16), int(head["sequence"], 16))


class Verdict(NamedTuple):
    """What the collector reported about a range of numbers, both ends included."""

    stream: str
    reboot_counter: int
    first: int
    last: int
    verdict: str


class ProcessRun(NamedTuple):
    """One process: how it ended (kill, term or its own end) and what it had delivered by then."""

    ending: str
    records: Sequence[Record] = ()
    verdicts: Sequence[Verdict] = ()


@dataclass(frozen=True)
class LoopOptions:
    """What to soak."""

    kills: int
    seed: int
    records: int
    faults: str
    python: str = sys.executable

    @property
    def named_faults(self) -> str:
        return f"{SMALL_PAGES},{self.faults}" if self.faults else SMALL_PAGES

    @property
    def knobs(self) -> Faults:
        """Raises ValueError for a name that is no fault's."""
        return named(self.named_faults, self.seed)

    @property
    def horizon_ms(self) -> int:
        """The faults' own lateness goes up to a day."""
        return HOUR_MS if self.knobs.late is None else DAY_MS

    @property
    def lost_share(self) -> float:
        return min(0.05, 0.002 + 5 / self.records)


def judge(
    put: Collection[Record], lost: Collection[Missing], runs: Sequence[ProcessRun], page: int
) -> list[str]:
    """What fails, as lines for people; nothing if all is well.

    put:   every record that can be read at the source, the last ones put after the last kill.
    lost:  numbers that HSMs gave and no one can ever read.
    runs:  the processes in their order.
    page:  the most records that the source gives out at once.
    """
    expected = {record.key: record for record in put}
    delivered = [record for run in runs for record in run.records]
    keys = {record.key for record in delivered}
    wrong = [record.key for record in delivered if expected.get(record.key) != record]
    problems = [
        *_listed("lost", sorted(expected.keys() - keys)),
        *_listed("delivered, but not like that at the source", sorted({*wrong})),
        *_surplus(runs, page),
    ]
    last = last_verdicts(runs)
    readable = {record.number for record in put}
    absent = {number for number, verdict in last.items() if verdict == ABSENT}
    unjudged = [number for number in _noticeable(lost, put) if last.get(number) != ABSENT]
    return [
        *problems,
        *_listed(
            "reported as absent, but present at the source", sorted(map(str, absent & readable))
        ),
        *_listed(
            "reported as absent, but given by no HSM",
            sorted(map(str, absent - readable - {*lost})),
        ),
        *_listed(
            f"lost at the source, but the last verdict is not {ABSENT}",
            sorted(f"{number}: {last.get(number)}" for number in unjudged),
        ),
    ]


def last_verdicts(runs: Sequence[ProcessRun]) -> dict[Missing, str]:
    """The last verdict on each number that was ever reported as missing."""
    return {
        Missing(verdict.stream, verdict.reboot_counter, number): verdict.verdict
        for run in runs
        for verdict in run.verdicts
        for number in range(verdict.first, verdict.last + 1)
    }


def repeats_of(runs: Sequence[ProcessRun]) -> list[int]:
    """How many records each process delivered that had been delivered before."""
    counts: list[int] = []
    seen: set[str] = set()
    for run in runs:
        before = len(seen)
        seen.update(record.key for record in run.records)
        counts.append(len(run.records) - (len(seen) - before))
    return counts


def _surplus(runs: Sequence[ProcessRun], page: int) -> Iterator[str]:
    """At every moment at most a page per kill so far; a page may show again only some runs later.

    A process that is killed cannot have repeated because of its own end.
    """
    allowed = repeated = 0
    for number, (run, count) in enumerate(zip(runs, repeats_of(runs)), 1):
        repeated += count
        if repeated > allowed:
            yield (
                f"{repeated} repeats by the end of process {number}, where kills explain {allowed}"
            )
            return
        allowed += page if run.ending == "kill" else 0


def _noticeable(lost: Collection[Missing], put: Collection[Record]) -> Iterator[Missing]:
    """Numbers after the last one that can be read leave no trace."""
    highest: Counter[tuple[str, int]] = Counter()
    for number in filter(None, (record.number for record in put)):
        counter = number.stream, number.reboot_counter
        highest[counter] = max(highest[counter], number.sequence)
    for number in lost:
        if number.sequence < highest[number.stream, number.reboot_counter]:
            yield number


def _listed(what: str, lines: Sequence[str]) -> list[str]:
    if not lines:
        return []
    rest = f", and {len(lines) - SHOWN} more" if len(lines) > SHOWN else ""
    return [f"{len(lines)} {what}: {', '.join(lines[:SHOWN])}{rest}"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Returns 0, or 1 with lines that state what failed."""
    options = _options(arguments)
    begun = time.monotonic()
    try:
        with tempfile.TemporaryDirectory(prefix="cloudhsm-soak-") as folder:
            loop = _run_loop(options, Path(folder))
    except (KillLoopError, NotServing, PackagingProblem, VendoringProblem) as error:
        print(f"soak failed (seed {options.seed}): {error}")
        return 1
    problems = [*loop.problems]
    problems += judge(loop.put, loop.lost, loop.runs, options.knobs.page_events)
    print(_figures(loop, time.monotonic() - begun))
    for problem in problems:
        print(f"soak failed (seed {options.seed}): {problem}")
    return 1 if problems else 0


def _options(arguments: Sequence[str] | None) -> LoopOptions:
    parser = CommandParser(
        prog="python -m tools.proof.kill_loop",
        description=__doc__,
    )
    parser.add_argument("--kills", type=int, default=40, help="processes to kill")
    parser.add_argument("--seed", type=int, help="of the schedule; by default a new one each time")
    parser.add_argument("--records", type=int, default=20_000, help="at the source to begin with")
    parser.add_argument("--faults", default="", help="names as of tests.fake_aws, with commas")
    parser.add_argument(
        "--python", default=sys.executable, help="the interpreter that runs the input"
    )
    parsed = parser.parse_args(arguments)
    if parsed.kills < 1 or parsed.records < 1:
        parser.error("--kills and --records must be at least 1")
    seed = int.from_bytes(os.urandom(4), "big") if parsed.seed is None else parsed.seed
    options = LoopOptions(parsed.kills, seed, parsed.records, parsed.faults, parsed.python)
    try:
        named(options.named_faults, seed)
    except ValueError as error:
        parser.error(f"--faults: {error}")
    return options


def _figures(loop: _KillLoop, seconds: float) -> str:
    endings = Counter(run.ending for run in loop.runs)
    repeats = repeats_of(loop.runs)
    verdicts = Counter(last_verdicts(loop.runs).values())
    figures = {
        "seed": loop.options.seed,
        "kills": endings["kill"],
        "terms": endings["term"],
        "runs": len(loop.runs),
        "records": len(loop.put),
        "put_meanwhile": loop.source.fresh,
        "repeats": sum(repeats),
        "largest_repeat": max(repeats, default=0),
        "page": loop.options.knobs.page_events,
        "lost_at_source": len(loop.lost),
        **{f"numbers_{verdict}": count for verdict, count in sorted(verdicts.items())},
        "slowest_term_s": f"{loop.slowest_term_s:.2f}",
        "seconds": f"{seconds:.0f}",
    }
    return "soak: " + " ".join(f"{name}={value}" for name, value in figures.items())


class _Source:
    """The fake CloudWatch Logs, and HSMs that go on writing where their trail ended."""

    def __init__(self, control: Control, trail: Trail, rng: Random) -> None:
        self.lost = [*trail.missing]
        self.fresh = 0
        self.control = control
        self._rng = rng
        self._next: dict[str, tuple[Missing, int]] = {}
        for arrival in trail.arrivals:
            self._count(Record(arrival.stream, arrival.message))
        for number in trail.missing:
            last, usecs = self._next.get(number.stream, (number, 0))
            self._next[number.stream] = (
                max(last, number, key=lambda missing: missing.sequence),
                usecs,
            )
        new = Missing(hsm_name(rng.randrange(1 << 40)), 1, -1)
        self._next[new.stream] = new, 0

    def _count(self, record: Record) -> None:
        number = record.number
        if number is not None:
            usecs = int(record.key.rpartition("|")[2])
            last, latest = self._next.get(record.stream, (number, usecs))
            last = max(last, number, key=lambda missing: missing.sequence)
            self._next[record.stream] = last, max(usecs, latest)

    def burst(self) -> None:
        """Some records of one HSM, now: lost, late or at once."""
        stream = self._rng.choice([*self._next])
        now_ms = self.control.now_ms()
        arrivals = []
        for _ in range(self._rng.randint(1, 6)):
            arrival = self._record(stream, now_ms)
            if self._rng.random() < 0.1:
                number = Record(stream, arrival.message).number
                self.lost += [] if number is None else [number]
                continue
            late_ms = self._rng.randrange(LATEST_MS) if self._rng.random() < 0.5 else 0
            arrivals.append(arrival._replace(visible_ms=now_ms + late_ms))
        self._put(arrivals)

    def last_words(self) -> None:
        """One more record of every HSM, so that each number lost before is noticed."""
        now_ms = self.control.now_ms()
        arrivals = [self._record(stream, now_ms) for stream in self._next]
        self._put([arrival._replace(visible_ms=now_ms) for arrival in arrivals])

    def _record(self, stream: str, now_ms: int) -> Arrival:
        last, latest = self._next[stream]
        number = Missing(stream, last.reboot_counter, last.sequence + 1)
        usecs = max(latest + 137, now_ms * 1000)
        self._next[stream] = number, usecs
        user = self._rng.choice(("admin", "a&<b>]]>", "\u202e\U0001f511", "</event>"))
        counter = hex(number.reboot_counter)
        text = audit_text(number.sequence, usecs, reboot_counter=counter, user=user)
        return Arrival(GROUP, stream, now_ms, text)

    def _put(self, arrivals: Sequence[Arrival]) -> None:
        self.fresh += len(arrivals)
        self.control.put(arrivals)

    def visible(self) -> list[Record]:
        events = self.control.events(GROUP)
        return [Record(event["logStream"], event["message"]) for event in events]


@dataclass
class _KillLoop:
    """The options, the source of the records, and what has happened so far."""

    options: LoopOptions
    source: _Source
    document: str
    app: Path
    folder: Path
    rng: Random
    runs: list[ProcessRun] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    put: list[Record] = field(default_factory=list)
    slowest_term_s: float = 0.0
    last_log: str = ""

    @property
    def lost(self) -> list[Missing]:
        return self.source.lost

    def kill_in_a_loop(self) -> None:
        """Raises KillLoopError where processes end before they can be killed."""
        kills = 0
        # A backlog that lasts until the last kill.
        longest_s = min(2.0, self.options.records / (3 * CALLS_PER_SECOND) / self.options.kills)
        for _ in range(20 * self.options.kills):
            self._let_things_happen()
            ending = "term" if self.rng.random() < TERMS else "kill"
            self._live(ending, self.rng.uniform(0, longest_s))
            kills += self.runs[-1].ending == "kill"
            if kills == self.options.kills:
                return
        raise KillLoopError(f"only {kills} processes lived long enough to be killed")

    def settle(self) -> None:
        """Run until everything is read, and for as long as gaps can be open.

        Raises KillLoopError when that does not come.
        """
        control, horizon_ms = self.source.control, self.options.horizon_ms
        self.source.last_words()
        end_ms = control.now_ms() + 2 * horizon_ms
        for _ in range(MOST_SETTLING_RUNS):
            control.advance(horizon_ms // 3)
            self._live("whole", WHOLE_S)
            # Beyond what `caught_up` knows: the source itself must have shown everything.
            is_shown = control.next_arrival_ms() is None and control.now_ms() > end_ms
            if is_shown and self._is_quiet():
                self.put = self.source.visible()
                return
        raise KillLoopError(
            f"{MOST_SETTLING_RUNS} undisturbed runs did not catch up; the last log: "
            f"{self.last_log[-600:]}"
        )

    def _is_quiet(self) -> bool:
        line = self.last_log
        is_done = "caught_up=yes" in line and "pending_gaps=0" in line
        return is_done and not self.runs[-1].records

    def _let_things_happen(self) -> None:
        if self.rng.random() < 0.4:
            self.source.burst()
        if self.rng.random() < 0.3:
            unit_ms = self.rng.choice((MINUTE_MS, HOUR_MS))
            self.source.control.advance(int(self.rng.uniform(0, 6) * unit_ms))

    def _live(self, ending: str, seconds: float) -> None:
        """One process, ended so many seconds after its start-up unless it ends before."""
        printed = bytearray()
        most = self._most_bytes(ending, seconds)
        with tempfile.TemporaryFile(dir=self.folder) as log:
            command = [self.options.python, str(self.app / "bin" / "aws_cloudhsm.py")]
            variables = local_aws.environment()
            with splunkd.started(command, self.document, log, variables) as (process, stdout):
                if ending == "kill" and self.rng.random() < EARLY_KILLS:
                    time.sleep(self.rng.uniform(0, 0.3))
                else:
                    _wait_until_stoppable(process)
                has_ended = _read(stdout, printed, seconds, most)
                if ending == "whole" and not has_ended:
                    raise KillLoopError(f"a process did not end within {seconds:.0f} s")
                if has_ended or process.poll() is not None:
                    ending = "whole"
                    _read(stdout, printed, TERM_S)
                else:
                    self._end(process, stdout, printed, ending)
                if process.wait() == -signal.SIGKILL:
                    ending = "kill"  # also where SIGTERM was of no use
                elif ending == "kill":
                    ending = "whole"  # on its own, in the moment before the signal
            log.seek(0)
            self.last_log = log.read().decode(errors="replace")
        self._check_exit(ending, process.wait())
        self.runs.append(run_of(ending, bytes(printed)))

    def _most_bytes(self, ending: str, seconds: float) -> int:
        """Half of the kills come after so many bytes, when the pipe may have run full."""
        if ending == "whole" or self.rng.random() < 0.5:
            return sys.maxsize
        return 1 + int(self.rng.random() * seconds * 3 * CALLS_PER_SECOND * 600)

    def _end(
        self, process: subprocess.Popen[bytes], stdout: int, printed: bytearray, ending: str
    ) -> None:
        begun = time.monotonic()
        process.send_signal(signal.SIGKILL if ending == "kill" else signal.SIGTERM)
        if not _read(stdout, printed, TERM_S):
            self.problems.append(f"process {len(self.runs) + 1} did not end in {TERM_S:.0f} s")
            process.kill()
        process.wait()
        if ending == "term":
            self.slowest_term_s = max(self.slowest_term_s, time.monotonic() - begun)

    def _check_exit(self, ending: str, status: int) -> None:
        """Where faults are asked for, a run may fail; the next one makes up for it."""
        may_be = {0, 1} if self.options.faults else {0}
        if status not in ({-signal.SIGKILL} if ending == "kill" else may_be):
            problem = f"exited with {status} ({ending}): {self.last_log[-600:]}"
            self.problems.append(f"process {len(self.runs) + 1} {problem}")


def _run_loop(options: LoopOptions, folder: Path) -> _KillLoop:
    """Raises KillLoopError, NotServing, PackagingProblem, VendoringProblem."""
    package.unpacked(package.build_without_page(), folder)
    rng = Random(options.seed)  # noqa: S311  (a schedule, not a secret)
    now_ms = time.time_ns() // 1_000_000
    served = _served_by(options, now_ms)
    with serving("tests.fake_aws", *served, log=folder / "fake-aws.log") as url:
        trail = audit_trail(
            options.seed,
            options.records,
            now_ms - int(DAYS * DAY_MS),
            now_ms,
            lost_share=options.lost_share,
        )
        source = _Source(Control(url), trail, rng)
        parameters = _parameters(options, url)
        document = splunkd.configuration(STANZA, parameters, folder / "checkpoints")
        loop = _KillLoop(options, source, document, folder / package.APP_ID, folder, rng)
        loop.kill_in_a_loop()
        loop.settle()
    return loop


def _parameters(options: LoopOptions, url: str) -> Mapping[str, str]:
    return {
        "aws_region": "us-east-1",
        "endpoint_url": url,
        "start_time": f"-{int(DAYS) + 1}d",
        "lateness_horizon": f"{options.horizon_ms // HOUR_MS}h",
        "calls_per_second": str(CALLS_PER_SECOND),
        "interval": "60",
    }


def _served_by(options: LoopOptions, now_ms: int) -> Iterator[object]:
    """The options of the fake CloudWatch Logs, which is a process of its own."""
    yield from ("--seed", options.seed, "--events", options.records, "--days", DAYS)
    yield from ("--lost-share", options.lost_share, "--faults", options.named_faults)
    yield from ("--now-ms", now_ms, "--speed", 0)


def _wait_until_stoppable(process: subprocess.Popen[bytes]) -> None:
    """Until the process catches SIGTERM, as in `/proc`; before that it would just die."""
    status = Path(f"/proc/{process.pid}/status")
    while process.poll() is None:
        with suppress(OSError):
            caught = re.search(r"^SigCgt:\s*([0-9a-f]+)", status.read_text(), re.MULTILINE)
            if caught and int(caught[1], 16) >> (signal.SIGTERM - 1) & 1:
                return
        time.sleep(0.002)


def _read(
    pipe: int,
    printed: bytearray,
    seconds: float,
    most: int = sys.maxsize,
) -> bool:
    """Append what the process prints, for so long and to so many bytes; whether it ended."""
    deadline = time.monotonic() + seconds
    while len(printed) < most:
        left = deadline - time.monotonic()
        if left <= 0 or not select.select([pipe], [], [], left)[0]:
            return False
        chunk = os.read(pipe, min(1 << 16, most - len(printed)))
        if not chunk:
            return True
        printed += chunk
    return False


def run_of(ending: str, printed: bytes) -> ProcessRun:
    """What splunkd would have of a process: an event that is cut in its middle does not count."""
    whole = printed[: printed.rfind(_END) + len(_END)] if _END in printed else b"<stream>"
    records: list[Record] = []
    verdicts: list[Verdict] = []
    for event in ET.fromstring(whole + b"</stream>"):  # noqa: S314  (our own output)
        host, text = event.findtext("host") or "", event.findtext("data") or ""
        if event.findtext("sourcetype") != COLLECTOR:
            records.append(Record(host, text))
            continue
        report = json.loads(text)
        if report["event"] in ("gap_opened", "gap_closed"):
            verdicts.append(_verdict(report))
    return ProcessRun(ending, records, verdicts)


def _verdict(event: Mapping[str, str]) -> Verdict:
    return Verdict(
        event["log_stream"],
        int(event["reboot_counter"], 16),
        _number(event["first_sequence"]),
        _number(event["last_sequence"]),
        event["verdict"],
    )


def _number(value: str | int) -> int:
    return value if isinstance(value, int) else int(value, 0)


if __name__ == "__main__":
    sys.exit(main())

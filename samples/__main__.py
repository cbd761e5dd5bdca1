"""`python -m samples`: a trail as JSON lines, one CloudWatch log event each."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from datetime import datetime, timedelta, timezone

from samples.command_parser import CommandParser
from samples.quiet_month import QUIET_DAYS, QuietMonth
from samples.simulator import Simulation

_DEFAULT_SEED = 7
_DEFAULT_DAYS = 7.0
_INTERRUPTED = 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Write a trail, or the facts about it, to standard output; the exit code."""
    parser = _parser()
    options = parser.parse_args(arguments)
    try:
        simulation = _simulation(options)
    except ValueError as error:
        parser.error(str(error))
    try:
        _write(simulation, facts_only=options.facts)
        sys.stdout.flush()
    except BrokenPipeError:
        # The reader closed the pipe.
        _abandon_output()
    except OSError as error:
        _abandon_output()
        sys.stderr.write(f"{parser.prog}: error: cannot write standard output: {error.strerror}\n")
        return 1
    except KeyboardInterrupt:
        return _INTERRUPTED
    return 0


def last_monday(now: datetime) -> datetime:
    """The latest Monday 08:30 not after `now`: the end of trails of complete weeks."""
    monday = (now - timedelta(days=now.weekday())).replace(
        hour=8, minute=30, second=0, microsecond=0
    )
    return monday if monday <= now else monday - timedelta(weeks=1)


def last_month_end(now: datetime) -> datetime:
    """The latest end not after `now` of 30 days that begin on a Monday 08:30: a Wednesday."""
    length = timedelta(days=QUIET_DAYS)
    return last_monday(now - length) + length


def _simulation(options: argparse.Namespace) -> Simulation | QuietMonth:
    now = datetime.now(timezone.utc)
    if options.quiet:
        return QuietMonth(options.seed, options.end or last_month_end(now), options.volume)
    end = options.end or last_monday(now)
    return Simulation(options.seed, end, options.days, options.volume)


def _write(simulation: Simulation | QuietMonth, *, facts_only: bool) -> None:
    for event in simulation.stream():
        if not facts_only:
            sys.stdout.write(event.to_json() + "\n")
    if facts_only:
        sys.stdout.write(simulation.facts.to_json() + "\n")


def _abandon_output() -> None:
    # Otherwise Python reports the error again when it flushes at exit.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _parser() -> CommandParser:
    parser = CommandParser(prog="python -m samples", description=__doc__)
    parser.add_argument("--seed", type=int, default=_DEFAULT_SEED, help="default: %(default)s")
    parser.add_argument(
        "--days",
        type=float,
        default=_DEFAULT_DAYS,
        help="length, at least 1/24; default: %(default)s",
    )
    parser.add_argument(
        "--end",
        type=_instant,
        help="ISO 8601 with a time zone; default: the latest Monday 08:30 UTC, of a quiet month"
        " Wednesday, so that week-ends are real ones",
    )
    parser.add_argument(
        "--volume", type=float, default=1.0, help="times as much as usual; default: %(default)s"
    )
    parser.add_argument(
        "--quiet",
        action="store_true",
        help="30 days of three clusters on which nothing is wrong; --days does not count",
    )
    parser.add_argument(
        "--facts", action="store_true", help="write only what is in the trail, as JSON"
    )
    return parser


def _instant(text: str) -> datetime:
    try:
        instant = datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError:
        message = f"not an ISO 8601 time such as 2026-03-02T08:30:00Z: {text!r}"
        raise argparse.ArgumentTypeError(message) from None
    return instant


if __name__ == "__main__":
    sys.exit(main())

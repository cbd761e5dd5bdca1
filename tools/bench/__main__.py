"""Measure the collector next to other programs: same machine, same server, same run.

    python -m tools.bench [PART...] [--records N] [--rounds N]

Parts: speed, scheme, requests, latency, memory, normalization, command, views. All programs are
whole processes, started in turn; what they print is read and counted as splunkd would. Only
`normalization` and `views`, the costs of the search-time configuration and of the dashboards, run
in this process. Absolute figures depend on the machine: the ratios of the pairs are what to
compare. `memory` reads fifty times the records and takes minutes; it runs only where it is named.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence

from samples.command_parser import CommandParser
from tools.bench import parts
from tools.bench.command import command
from tools.bench.normalization import normalization
from tools.bench.parts import Extent
from tools.bench.programs import BenchProblem, Python, pythons
from tools.bench.views import views

Part = Callable[[Python, Extent], Iterator[str]]

PARTS: Mapping[str, Part] = {
    "speed": parts.speed,
    "scheme": parts.scheme,
    "requests": parts.requests,
    "latency": parts.latency,
    "memory": parts.memory,
    "normalization": normalization,
    "command": command,
    "views": views,
}
QUICK = tuple(name for name in PARTS if name != "memory")


def main(arguments: Sequence[str] | None = None) -> int:
    """Prints a line per figure and interpreter; returns 1 where a figure would mean nothing."""
    parser = CommandParser(prog="python -m tools.bench", description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"of {', '.join(PARTS)}")
    parser.add_argument("--records", type=int, default=200_000)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args(arguments)
    unknown = [name for name in options.parts if name not in PARTS]
    if unknown:
        parser.error(f"no part is called {unknown[0]!r}; there are {', '.join(PARTS)}")
    try:
        interpreters = [*pythons()]
        for name in options.parts or QUICK:
            for python in interpreters:
                for line in PARTS[name](python, Extent(options.records, options.rounds)):
                    print(f"{name}, Python {python.version}: {line}", flush=True)
    except BenchProblem as problem:
        print(f"error: {problem}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

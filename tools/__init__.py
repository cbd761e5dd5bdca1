"""What makes, checks, measures and shows the add-on. Development only.

The packages, from the top: imports go only downward.

===============  ============================================================================
generate         `make generate`
troubleshooting  the table of docs/troubleshooting.md
bench            `make bench`, `make growth`, `make capacity`: how fast, how large, how much
checks           what every change must pass: gates, browser, tests on Splunk's Pythons
proof            the guarantee under attack; detections over a quiet month
demo             the add-on running on this machine: a local AWS, and a stand-in for splunkd
build            environments, libraries, package, release
processes        programs that tools start
content          what is generated from mappings/, detections/ and dashboards/
===============  ============================================================================
"""

from __future__ import annotations

import errno
import sys
from pathlib import Path
from types import TracebackType

# Shipped code is imported from here, wherever Python was started.
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "bin"))

# Faults of the machine, with what to do; a traceback would not help.
_NEXT_STEPS = {
    errno.ENOSPC: "free some disk space",
    errno.EDQUOT: "free some of your disk quota",
    errno.EROFS: "copy the checkout to a folder that can be written",
    errno.EACCES: "run it as the owner of the checkout",
}


def _report(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """One line for Ctrl-C and for faults of the machine; a traceback for everything else."""
    if issubclass(kind, KeyboardInterrupt):
        print("interrupted; run the same command to start again", file=sys.stderr)
    elif isinstance(error, OSError) and error.errno in _NEXT_STEPS:
        step = _NEXT_STEPS[error.errno]
        print(f"error: {error}: {step}, then run the same command again", file=sys.stderr)
    else:
        sys.__excepthook__(kind, error, trace)


sys.excepthook = _report

"""The records of a file, in whatever container: see the package `containers`."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import partial

from cloudhsm.siem.containers.byte_streams import Bytes, decoded, unpacked
from cloudhsm.siem.containers.event_names import NO_NAMES, Names
from cloudhsm.siem.containers.found import Found, Origin, Report, source_and_host
from cloudhsm.siem.containers.record_heads import MOST_RECORD
from cloudhsm.siem.containers.segments import Reading, items

_ID = r"[0-9A-Za-z]{11,32}"
_FILE = re.compile(
    rf"(?:.*[/\\])?(?:(?P<cluster>cluster-{_ID})[/\\])?(?P<stream>(?:hsm|cluster)-{_ID})"
    r"(?:\.[\w.-]{1,40}|[/\\][^/\\]*)?",
    re.DOTALL,
)

__all__ = ["Found", "Origin", "Report", "records"]


def records(
    file: Bytes,
    origin: Origin,
    report: Report | None = None,
    reopen: Callable[[], Bytes] | None = None,
) -> Iterator[Found]:
    """The records of a file, opened for reading bytes, at constant memory.

    origin: what is known of it; this wins over what the file has. report: gets what is not printed.
    reopen: opens the file once more, to find names that come after the events; without it, what
    follows is copied to a temporary file for that. Raises UnreadFormat and OSError.
    """
    own = Report() if report is None else report
    known = origin.known()

    def again(open_file: Callable[[], Bytes]) -> Iterator[str]:
        return decoded(unpacked(open_file(), origin.file, Report()))

    reading = Reading(origin.file, own, partial(again, reopen) if reopen else None)
    chunks = decoded(unpacked(file, origin.file, own))
    names_before, source_before = known, source_and_host(known)
    for number, event in enumerate(items(chunks, names_of_path(origin.file), reading), 1):
        text, names, arrived, line = event
        if names is not names_before:
            names_before, source_before = names, source_and_host(known.over(names))
        if len(text) <= MOST_RECORD:
            yield Found(text, source_before, line or number, arrived)
        else:
            for at in range(0, len(text), MOST_RECORD):
                piece = text[at : at + MOST_RECORD]
                yield Found(piece, source_before, line or number, arrived)


def names_of_path(path: str) -> Names:
    """The names in a path, as an export to S3 lays its files out; what a file has comes before it.

    The HSM is the file's name, or its folder's; the cluster is the folder above that.
    """
    file = _FILE.fullmatch(path)
    return Names(group=file["cluster"] or "", stream=file["stream"]) if file else NO_NAMES

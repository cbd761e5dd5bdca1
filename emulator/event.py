"""An event as stored in an index, before any search-time step."""

from __future__ import annotations

from dataclasses import dataclass

from emulator.eval.values import FieldValue

METADATA_FIELDS = ("_raw", "_time", "host", "source", "sourcetype", "index")


@dataclass(frozen=True)
class IndexedEvent:
    """`time_usecs` counts microseconds since the epoch.

    indexed_at: epoch seconds, where a search is to know when the event was indexed.
    """

    raw: str
    time_usecs: int
    host: str
    source: str
    sourcetype: str
    index: str
    indexed_at: float | None = None

    def fields(self) -> dict[str, FieldValue]:
        """The fields a search starts from; `_time` in seconds, as `epoch_seconds` has it."""
        fields: dict[str, FieldValue] = {
            "_raw": self.raw,
            "_time": epoch_seconds(self.time_usecs),
            "host": self.host,
            "source": self.source,
            "sourcetype": self.sourcetype,
            "index": self.index,
        }
        if self.indexed_at is not None:
            fields["_indextime"] = f"{self.indexed_at:.0f}"
        return fields


def epoch_seconds(usecs: int) -> str:
    """Microseconds since 1970 as seconds, with six decimals where needed."""
    seconds, micros = divmod(abs(usecs), 1_000_000)
    return f"{'-' * (usecs < 0)}{seconds}" + (f".{micros:06d}" if micros else "")

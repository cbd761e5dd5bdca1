"""The known hits, as numbers by file and word, which may only become smaller."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Container, Iterable, Iterator, Mapping
from pathlib import Path

from tools.checks.prose.words import Hit

Counts = Mapping[str, Mapping[str, int]]  # by path, then by word


def counted(hits: Iterable[Hit]) -> dict[str, dict[str, int]]:
    """Numbers by path and word, sorted."""
    numbers = Counter((hit.path, hit.word) for hit in hits)
    counts: dict[str, dict[str, int]] = {}
    for (path, word), number in sorted(numbers.items()):
        counts.setdefault(path, {})[word] = number
    return counts


def read(path: Path) -> Counts | None:
    """A baseline; None if there is no file. Raises ValueError with what is wrong in it."""
    if not path.exists():
        return None
    try:
        counts = json.loads(path.read_text(encoding="utf-8"))
        total(counts)
    except (ValueError, TypeError, AttributeError) as error:
        raise ValueError(f"{path}: is no baseline ({error}); restore it from git") from error
    return dict(counts)


def rendered(counts: Counts) -> str:
    """A line for each file, so that a change of one file is a change of one line."""
    lines = (f"{json.dumps(path)}: {json.dumps(words)}" for path, words in counts.items())
    return "{\n" + ",\n".join(lines) + "\n}\n"


def new_hits(hits: Iterable[Hit], known: Counts) -> Iterator[Hit]:
    """The hits of each file and word of which there are more than the baseline has.

    Which of them is the new one cannot be known, so all are reported.
    """
    listed = list(hits)
    now = counted(listed)
    for hit in listed:
        if now[hit.path][hit.word] > known.get(hit.path, {}).get(hit.word, 0):
            yield hit


def total(counts: Counts) -> Counter[str]:
    """Hits by word, over all files."""
    totals: Counter[str] = Counter()
    for words in counts.values():
        totals.update({word: int(number) for word, number in words.items()})
    return totals


def grown(now: Counts, known: Counts, files: Container[str]) -> list[str]:
    """The words of which some file has more hits than before.

    Hits may move to another file only where the old one is no longer among `files`.
    """
    moved = total({path: words for path, words in known.items() if path not in files})
    more: Counter[str] = Counter()
    for path, words in now.items():
        for word, number in words.items():
            more[word] += max(0, number - known.get(path, {}).get(word, 0))
    return [word for word, number in sorted(more.items()) if number > moved[word]]

"""Reports words that are not the field's, and detection titles that are too long.

    python -m tools.checks.prose            compare with the baseline
    python -m tools.checks.prose --write    write the baseline, where no word became more frequent
    python -m tools.checks.prose --all      report the known hits too

words.yaml lists the words and what to write instead, allowed.yaml the uses that were reviewed,
baseline.json the number of known hits by file. A file may have fewer hits than the baseline, never
more; what was reworded is taken out of the baseline with --write.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from tools.checks.prose import baseline
from tools.checks.prose.passages import is_read, passages
from tools.checks.prose.words import Hit, WordList
from tools.content.mappings import MappingError

ROOT = Path(__file__).resolve().parents[3]
FOLDER = Path("tools", "checks", "prose")
BASELINE = FOLDER / "baseline.json"
# Not our words: data of tests, facts of standards, names of a release.
LEFT_OUT = (
    "mappings/published/",
    "mappings/standards/",
    "tests/default/golden/",
    "tests/guarantee/released/",
    "tests/tools/checks/prose/",
)


class ProseProblem(Exception):
    """The texts cannot be read; the message names the file and the reason."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Returns 1 where there are hits that the baseline does not have, or one that is too large."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.checks.prose",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--write", action="store_true", help="write the baseline")
    parser.add_argument("--all", action="store_true", help="report known hits too")
    parser.add_argument("--root", type=Path, default=ROOT, help="the checkout")
    options = parser.parse_args(arguments)
    try:
        hits = list(found(options.root))
        known = baseline.read(options.root / BASELINE)
    except (MappingError, ProseProblem, OSError, ValueError) as error:
        print(f"prose: {error}", file=sys.stderr)
        return 1
    if options.write:
        return _write(options.root, hits, known)
    return _compare(hits, known, report_all=options.all)


def found(root: Path) -> Iterator[Hit]:
    """Every hit in the files that git tracks or would track, in the order of paths and lines."""
    words = WordList(root / FOLDER)
    for name in _files(root):
        try:
            text = (root / name).read_text(encoding="utf-8")
            hits = [hit for passage in passages(name, text) for hit in words.hits(name, passage)]
        except (ValueError, SyntaxError) as error:
            raise ProseProblem(f"{name}: {error}") from error
        yield from sorted(hits)


def _files(root: Path) -> list[str]:
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise ProseProblem(f"git ls-files failed: {done.stderr.strip()}; run it in a git checkout")
    listed = sorted(set(done.stdout.split("\0")) - {""})
    readable = (name for name in listed if is_read(name) and not name.startswith(LEFT_OUT))
    return [name for name in readable if (root / name).is_file()]


def _compare(hits: Sequence[Hit], known: baseline.Counts, *, report_all: bool) -> int:
    new = list(baseline.new_hits(hits, known))
    for hit in hits if report_all else new:
        print(hit, file=sys.stderr)
    now, before = len(hits), sum(baseline.total(known).values())
    print(f"prose: {now} hits of {before} in the baseline, {len(new)} in texts with new ones")
    if new:
        print(
            "prose: write the better word, or add the use with its reason to "
            f"{FOLDER.as_posix()}/allowed.yaml",
            file=sys.stderr,
        )
        return 1
    if now < before:
        print(f"prose: {before - now} fewer: run make prose", file=sys.stderr)
        return 1
    return 0


def _write(root: Path, hits: Sequence[Hit], known: baseline.Counts) -> int:
    now = baseline.counted(hits)
    if known and (words := baseline.grown(now, known)):
        print(
            f"prose: more hits than in the baseline of {', '.join(words)}; reword them first",
            file=sys.stderr,
        )
        return 1
    (root / BASELINE).write_text(baseline.rendered(now), encoding="utf-8")
    print(f"prose: {len(hits)} hits in {BASELINE.as_posix()}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

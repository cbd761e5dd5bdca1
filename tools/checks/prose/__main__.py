"""Reports words that are not the field's, in what people read.

    python -m tools.checks.prose              compare with the baseline
    python -m tools.checks.prose --all        report the known hits too
    python -m tools.checks.prose --write      write the baseline, where no file has more hits
    python -m tools.checks.prose --new-words  the same after words.yaml got new words

words.yaml lists the words and what to write instead, allowed.yaml the uses that were reviewed,
baseline.json the number of known hits by file, which may only shrink.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from samples.command_parser import CommandParser
from tools.checks.prose import baseline
from tools.checks.prose.passages import is_read, passages
from tools.checks.prose.words import ALLOWED, Allowed, Hit, WordList
from tools.content.strict_yaml import MappingError

ROOT = Path(__file__).resolve().parents[3]
FOLDER = Path("tools", "checks", "prose")
BASELINE = FOLDER / "baseline.json"
# Not our words: data of tests, facts of standards, names of a release; and the lists themselves.
LEFT_OUT = (
    "mappings/published/",
    "mappings/standards/",
    "tests/default/golden/",
    "tests/guarantee/released/",
    "tests/tools/checks/prose/",
    f"{FOLDER.as_posix()}/allowed.yaml",
    f"{FOLDER.as_posix()}/words.yaml",
)


class ProseProblem(Exception):
    """The texts cannot be read; the message names the file and the reason."""


class Report(NamedTuple):
    """What was found in the files that were read."""

    hits: list[Hit]
    problems: list[str]
    unused: list[Allowed]
    files: list[str]


def main(arguments: Sequence[str] | None = None) -> int:
    """Returns 1 where there are hits that the baseline does not have, or one that is too large."""
    parser = CommandParser(
        prog="python -m tools.checks.prose",
        description=__doc__,
    )
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--write", action="store_true", help="write the baseline")
    what.add_argument("--new-words", action="store_true", help="also with words that are new in it")
    what.add_argument("--all", action="store_true", help="report known hits too")
    parser.add_argument("--root", type=Path, default=ROOT, help="the checkout")
    options = parser.parse_args(arguments)
    try:
        known = baseline.read(options.root / BASELINE)
        report = examined(options.root)
    except (MappingError, ProseProblem, OSError, ValueError) as error:
        print(f"prose: {error}", file=sys.stderr)
        return 1
    for problem in report.problems:
        print(f"prose: {problem}", file=sys.stderr)
    for entry in report.unused:
        print(f"prose: {ALLOWED}: no such use in {entry.files}: remove the entry", file=sys.stderr)
    if report.problems or report.unused:
        return 1
    if options.write or options.new_words:
        return _write(options.root, report, known, accept_new=options.new_words)
    return _compare(report.hits, known or {}, report_all=options.all)


def examined(root: Path) -> Report:
    """Every hit in the files that git tracks or would track, in the order of paths and lines."""
    words = WordList(root / FOLDER)
    report = Report([], [], [], _files(root))
    for name in report.files:
        try:
            text = (root / name).read_text(encoding="utf-8-sig")
            lines = text.split("\n")
            hits = [
                hit for passage in passages(name, text) for hit in words.hits(name, passage, lines)
            ]
        except (ValueError, RecursionError) as error:
            report.problems.append(f"{name}: {error}")
        else:
            report.hits.extend(sorted(hits))
    report.unused.extend(words.unused())
    return report


def _files(root: Path) -> list[str]:
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    done = subprocess.run(command, cwd=root, capture_output=True, check=False)
    if done.returncode != 0:
        words = done.stderr.decode(errors="replace").strip()
        raise ProseProblem(f"git ls-files failed: {words}; run it in a git checkout")
    listed = sorted(set(done.stdout.decode(errors="surrogateescape").split("\0")) - {""})
    readable = [name for name in listed if is_read(name) and not name.startswith(LEFT_OUT)]
    paths = {name: root / name for name in readable}
    present = [name for name, path in paths.items() if path.is_file() and not path.is_symlink()]
    if not present:
        raise ProseProblem("git lists no file here; run it in a git checkout of this repository")
    return present


def _compare(hits: Sequence[Hit], known: baseline.Counts, *, report_all: bool) -> int:
    new = list(baseline.new_hits(hits, known))
    for hit in hits if report_all else new:
        print(hit, file=sys.stderr)
    now, before = len(hits), sum(baseline.total(known).values())
    print(f"prose: {now} hits of {before} in the baseline, {len(new)} in texts with new ones")
    if new:
        print(
            "prose: write the better word, or add the use with its reason to "
            f"{(FOLDER / ALLOWED).as_posix()}",
            file=sys.stderr,
        )
        return 1
    if now < before:
        print(f"prose: {before - now} fewer: run make prose", file=sys.stderr)
        return 1
    return 0


def _write(root: Path, report: Report, known: baseline.Counts | None, *, accept_new: bool) -> int:
    now = baseline.counted(report.hits)
    if known is not None:
        words = baseline.grown(now, known, set(report.files))
        if accept_new:
            words = [word for word in words if baseline.total(known)[word]]
        if words:
            for hit in baseline.new_hits(report.hits, known):
                print(hit, file=sys.stderr)
            print(f"prose: more hits of {', '.join(words)}; reword them first", file=sys.stderr)
            return 1
    (root / BASELINE).write_text(baseline.rendered(now), encoding="utf-8")
    print(f"prose: {len(report.hits)} hits in {BASELINE.as_posix()}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

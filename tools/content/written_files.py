"""Files that follow from others: written, or compared with what they should be."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path


def settled(
    root: Path,
    files: Mapping[str, str],
    command: str,
    *,
    check: bool,
    origin: str = "it is generated from",
    stale: Sequence[Path] = (),
) -> int:
    """Writes the files and returns 0; with `check`, reports differences and returns 1 for any.

    files: texts by path below `root`. stale: files that nothing makes any more.
    command: what writes them. origin: what decides their texts, for the reports on stderr.
    """
    if not check:
        for path in stale:
            path.unlink()
        write(root, files)
        return 0
    problems = [*differences(root, files, origin)]
    problems += [f"{path}: nothing makes it any more" for path in stale]
    for line in problems:
        print(f"{line}; run: {command}", file=sys.stderr)
    return 1 if problems else 0


def write(root: Path, files: Mapping[str, str]) -> None:
    """Writes every file, with its folders."""
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(text.encode())


def differences(root: Path, files: Mapping[str, str], origin: str) -> Iterator[str]:
    """Each file that differs, with its first differing line."""
    for name, text in files.items():
        path = root / name
        if not path.is_file():
            yield f"{path}: is missing"
            continue
        have, want = path.read_bytes().split(b"\n"), text.encode().split(b"\n")
        for number in range(max(len(have), len(want))):
            if have[number : number + 1] != want[number : number + 1]:
                yield f"{path}:{number + 1}: differs from what {origin}"
                break

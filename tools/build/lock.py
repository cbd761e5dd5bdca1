"""`make lock`: requirements/*.txt, with hashes, from the releases that requirements/*.in pin.

A lock has no download addresses, so that any mirror of PyPI serves. Versions are chosen by people,
in the .in file, transitive ones too; uv only looks up the hashes. It is the pinned uv, without the
settings of the person who runs it.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from tools.build.environments import ROOT, EnvironmentProblem, pinned_uv

# The oldest Python that a lock serves; 3.11, ours, where nothing is listed.
OLDEST = {"test": "3.9.2", "bench": "3.9.2"}
OPTIONS = (
    *("--universal", "--no-deps", "--generate-hashes", "--no-annotate", "--quiet"),
    *("--no-config", "--no-emit-index-url", "--custom-compile-command", "make lock"),
)
_LINE = re.compile(r"-r [\w-]+\.in|[\w.-]+(\[[\w,-]+\])?==[\w.!+]+( ?; .+)?")


def lock(source: Path, uv: Path) -> None:
    """Write the .txt next to `source`. Raises EnvironmentProblem with the line or uv's words."""
    for number, line in enumerate(source.read_text(encoding="utf-8").splitlines(), 1):
        if line and not line.startswith("#") and not _LINE.fullmatch(line):
            raise EnvironmentProblem(f"{source}:{number}: write NAME==RELEASE instead of {line!r}")
    name = source.stem
    command = [str(uv), "pip", "compile", source.name, "--output-file", f"{name}.txt", *OPTIONS]
    command += ["--python-version", OLDEST.get(name, "3.11")]
    done = subprocess.run(
        command,
        cwd=source.parent,
        env={**{k: v for k, v in os.environ.items() if k[:3] != "UV_"}, "UV_SYSTEM_CERTS": "1"},
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    if done.returncode != 0:
        raise EnvironmentProblem(f"{source}: uv cannot lock it\n{done.stderr.strip()}")


def main() -> int:
    """1 with the reason where a file cannot be locked."""
    try:
        uv = pinned_uv(ROOT)
        for source in sorted((ROOT / "requirements").glob("*.in")):
            lock(source, uv)
    except (EnvironmentProblem, OSError) as problem:
        print(f"lock: {problem}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

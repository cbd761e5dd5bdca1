"""Find the Python interpreters that Splunk runs, on whatever machine this is.

Uses only the standard library: it runs before any environment exists.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

PROBE = "import sys, venv, ensurepip; print('%d.%d' % sys.version_info[:2], sys.executable)"
PROBE_SECONDS = 20


def find(version: str) -> Path | None:
    """The first interpreter of `version` ("3.9") that really runs and can make environments.

    Being on PATH proves nothing: a version manager leaves a stub there that refuses to start.
    """
    answers = (identify(candidate, version) for candidate in candidates(version))
    return next((executable for executable in answers if executable), None)


def candidates(version: str) -> Iterator[Path]:
    """Places where `version` may be, best first; none of them is known to work."""
    name = f"python{version}"
    on_path = shutil.which(name)
    if on_path:
        yield Path(on_path)
    for folder, pattern in _install_folders(version):
        # Newest patch release first: 3.9.18 before 3.9.2.
        yield from sorted(folder.glob(f"{pattern}/bin/{name}"), key=_patch_release, reverse=True)


def identify(candidate: Path, version: str) -> Path | None:
    """Where `candidate` really is, if it starts, is `version` and has what an environment needs."""
    try:
        answer = subprocess.run(
            [str(candidate), "-I", "-c", PROBE],
            capture_output=True,
            text=True,
            timeout=PROBE_SECONDS,
            check=False,
            stdin=subprocess.DEVNULL,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    answered, _, executable = answer.stdout.strip().partition(" ")
    return Path(executable) if answer.returncode == 0 and answered == version else None


def _install_folders(version: str) -> Iterator[tuple[Path, str]]:
    home = Path.home()
    pyenv = os.environ.get("PYENV_ROOT")
    yield (Path(pyenv) if pyenv else home / ".pyenv") / "versions", f"{version}*"
    yield home / ".local/share/uv/python", f"cpython-{version}*"
    yield Path("/opt"), "*"
    yield Path("/opt/python"), "*"
    yield Path("/usr"), "local"


def _patch_release(interpreter: Path) -> list[int]:
    """The numbers in the installation folder's name, to order releases by."""
    words = interpreter.parent.parent.name.replace("-", ".").split(".")
    return [int(word) for word in words if word.isdigit()]

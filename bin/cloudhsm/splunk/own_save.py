"""Whether an input is being saved by the add-on itself, which moves a secret out of it.

splunkd validates an input whenever it is saved. What a person saves is checked strictly, with calls
to AWS; what only masks a secret must pass at once, whatever state the input is in, or the secret
would stay where it is.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

# Saving takes splunkd less than this; a marker that a crash left is ignored.
_LIMIT_S = 60


@contextmanager
def announced(folder: Path, input_name: str) -> Iterator[None]:
    """Inside, `is_announced` is true for this input. folder: the checkpoint folder."""
    marker = _marker(folder, input_name)
    with suppress(OSError):  # then splunkd validates as for a person
        folder.mkdir(parents=True, exist_ok=True)
        marker.touch()
    try:
        yield
    finally:
        with suppress(OSError):
            marker.unlink()


def is_announced(folder: Path, input_name: str) -> bool:
    """Whether a run of the add-on saves this input now."""
    try:
        return abs(time.time() - _marker(folder, input_name).stat().st_mtime) < _LIMIT_S
    except OSError:
        return False


def _marker(folder: Path, input_name: str) -> Path:
    return folder / f"{hashlib.sha256(input_name.encode()).hexdigest()[:16]}.saving"

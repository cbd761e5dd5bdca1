"""What reading a YAML file reports where one text of it was replaced."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tools.content.strict_yaml import MappingError


def faults(folder: Path, file: str, text: str, read: Callable[[Path], object]) -> str:
    """The faults of a file with this text, which `read` finds below `folder`."""
    (folder / file).parent.mkdir(parents=True, exist_ok=True)
    (folder / file).write_text(text, encoding="utf-8")
    with pytest.raises(MappingError) as caught:
        read(folder)
    return str(caught.value)


def line_of(text: str, part: str) -> int:
    return text[: text.index(part)].count("\n") + 1

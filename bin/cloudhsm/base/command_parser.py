"""A parser of command lines whose errors are one line with the correct form. Pure."""

from __future__ import annotations

import argparse
from typing import NoReturn

_LONGEST_USAGE = 160


class CommandParser(argparse.ArgumentParser):
    """argparse's parser; its help keeps the line ends of the description."""

    def __init__(self, prog: str, description: str | None = None) -> None:
        super().__init__(
            prog=prog,
            description=description,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )

    def error(self, message: str) -> NoReturn:
        """Ends the program with status 2 and one line: what is wrong, the correct form."""
        usage = " ".join(self.format_usage().split())
        if len(usage) > _LONGEST_USAGE:
            usage = f"usage: {self.prog} --help"
        self.exit(2, f"{self.prog}: {' '.join(message.split())}; {usage}\n")

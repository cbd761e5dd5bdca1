"""The add-on as an administrator leaves it: installed, with the macros set that it asks for."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from emulator.app import App

# The emulator has one index at a time; where Splunk searches is for the tests of these macros.
INDEX_MACROS = {"cloudhsm_index": "(index=*)", "cloudhsm_cloudtrail_index": "(index=*)"}


def installed_app(root: Path, neighbours: Sequence[Path] = ()) -> App:
    """The configuration of the add-on in `root`, with both index macros set.

    Raises EmulatorError as App.load does.
    """
    return App.load(root, neighbours, local_macros=INDEX_MACROS)

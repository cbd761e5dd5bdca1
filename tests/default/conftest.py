from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Union

import pytest

from emulator.app import App
from emulator.event import IndexedEvent
from tools.content.installed_app import installed_app

ROOT = Path(__file__).resolve().parents[2]
CLUSTER = "cluster-likphkxygsn"
HSM = "hsm-nwbbiqbj4jk"
SOURCE = f"111122223333:us-east-1:/aws/cloudhsm/{CLUSTER}:{HSM}"

Fields = dict[str, Union[str, list[str]]]


@pytest.fixture(scope="session")
def app() -> App:
    """The shipped configuration."""
    return installed_app(ROOT)


@pytest.fixture(scope="session")
def fields_of(app: App) -> Callable[..., Fields]:
    """The fields that a search sees for a raw text."""

    def fields(
        raw: str,
        sourcetype: str = "aws:cloudhsm:audit",
        source: str = SOURCE,
        host: str = HSM,
        time_usecs: int = 1_513_717_277_140_812,
    ) -> Fields:
        event = IndexedEvent(raw, time_usecs, host, source, sourcetype, "main")
        return dict(app.search_time(event))

    return fields

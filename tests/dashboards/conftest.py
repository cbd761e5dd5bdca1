"""The sample trail twice: as the shipped views show it, and read from its raw text."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from emulator.app import App
from emulator.session import Session
from tests.dashboards import reading
from tests.dashboards.reading import Raw
from tests.dashboards.shown_views import Shown
from tools.content.detections import scenarios
from tools.content.detections.scenarios import Scenario, sample_trail
from tools.content.installed_app import installed_app

ROOT = Path(__file__).resolve().parents[2]
View = Callable[..., Shown]


@pytest.fixture(scope="session")
def story() -> Scenario:
    """A week with incidents: records, and the collector's events."""
    return sample_trail()


@pytest.fixture(scope="session")
def trail(story: Scenario) -> list[Raw]:
    """The records in the order of time, read without the add-on."""
    return reading.read(story.records)


@pytest.fixture(scope="session")
def shipped() -> App:
    """The shipped configuration."""
    return installed_app(ROOT)


@pytest.fixture(scope="session")
def session(story: Scenario, shipped: App) -> Session:
    """An index with the sample trail; now is its end."""
    return scenarios.session(shipped, story)


@pytest.fixture(scope="session")
def view(session: Session) -> View:
    """`view(name, token=value ...)`: a view over the sample trail. Each is run once."""

    @cache
    def shown(name: str, /, **tokens: str) -> Shown:
        return Shown(name, session, **tokens)

    return shown


@pytest.fixture(scope="session")
def empty_view(shipped: App, story: Scenario) -> View:
    """The same over an empty index."""
    return lambda name, /, **tokens: Shown(name, Session(shipped, now=story.until), **tokens)

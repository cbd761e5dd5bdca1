"""One trail of a week, simulated once, for all tests that look at trails."""

from __future__ import annotations

from datetime import datetime, timezone

import pytest

from samples.simulator import Trail, simulate
from tests.samples.reading import Parsed, text_records


@pytest.fixture(scope="session")
def end() -> datetime:
    """A Monday morning."""
    return datetime(2026, 3, 2, 8, 30, tzinfo=timezone.utc)


@pytest.fixture(scope="session")
def trail(end: datetime) -> Trail:
    """A week."""
    return simulate(7, end, 7)


@pytest.fixture(scope="session")
def records(trail: Trail) -> list[Parsed]:
    """The week's text records."""
    return text_records(trail)

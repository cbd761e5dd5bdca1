"""Where the shipped rules find their fields, read once."""

from __future__ import annotations

import pytest

from tests.tools.content.sigma.shipped import shipped_places
from tools.content.sigma.pipelines import FieldMappings


@pytest.fixture(scope="session")
def places() -> FieldMappings:
    return shipped_places()

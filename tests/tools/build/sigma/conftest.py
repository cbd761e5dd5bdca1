"""Every shipped rule, read and converted once."""

from __future__ import annotations

import pytest

from tests.tools.content.sigma.shipped import SAID, shipped_places
from tools.build.sigma.__main__ import BACKENDS
from tools.build.sigma.conversion import Answer, convert
from tools.content.sigma.pipelines import FieldMappings, pipelines
from tools.content.sigma.rules import text


@pytest.fixture(scope="session")
def places() -> FieldMappings:
    return shipped_places()


@pytest.fixture(scope="session")
def answer(places: FieldMappings) -> Answer:
    return convert({one.stem: text(one) for one in SAID}, pipelines(places), BACKENDS)

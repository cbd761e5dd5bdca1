from __future__ import annotations

import pytest

from emulator.conf.macros import Macros
from emulator.errors import SearchError
from emulator.spl.pipeline import check


@pytest.mark.parametrize("text", ["* | join a [search b]", "* | transaction a maxspan=5m"])
def test_commands_that_drop_rows_silently_are_refused_with_a_way_out(text: str) -> None:
    with pytest.raises(SearchError, match=r"must not be used in this add-on: .* use stats"):
        check(text, Macros({}))

"""Assumption 47: makeresults. (The others begin the searches of test_pipeline.)"""

from __future__ import annotations

import pytest

from emulator.errors import SearchError
from emulator.spl.context import Context
from emulator.spl.pipeline import run


def test_makeresults_gives_rows_with_the_time_only() -> None:
    context = Context(now=7.6)

    assert run("| makeresults", context).rows == [{"_time": "8"}]
    assert run("| makeresults count=2", context).rows == [{"_time": "8"}] * 2


@pytest.mark.parametrize(
    "text",
    ["| makeresults annotate=true", "| makeresults 5", "| makeresults count=x", "* | makeresults"],
)
def test_other_forms_of_makeresults_are_refused(text: str) -> None:
    with pytest.raises(SearchError):
        run(text, Context())

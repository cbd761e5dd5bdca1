"""Saved searches are checked when the app is loaded. Source: savedsearches.conf.spec."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from emulator.app import App
from emulator.errors import EmulatorError

MakeApp = Callable[..., App]


def test_saved_searches_are_kept_by_name_with_their_macros(app: MakeApp) -> None:
    loaded = app(
        savedsearches="[A b]\nsearch = `m` \\\n  | head\ncron_schedule = 1 2 * * *\n",
        macros="[m]\ndefinition = x=1\n",
    )

    assert loaded.knowledge.saved_searches == {"A b": "`m` \n  | head"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[s]\ndescription = x\n", ":1 [s]: a saved search needs a search"),
        ("[s]\nsearch = x\nenableShed = 1\n", ":3 [s]: the emulator does not know enableShed"),
        ("[s]\nsearch = `m`\n", ":2 [s]: The search macro 'm' cannot be found."),
        ("[s]\nsearch = x | eval a=foo(1)\n", ":2 [s]: The 'foo' function is unsupported"),
        ('[s]\nsearch = | savedsearch "t"\n', ":1 [s]: there is no saved search [t]"),
        ("[s]\nsearch = | savedsearch t | head\n", ":1 [s]: there is no saved search [t]"),
    ],
)
def test_faults_show_when_the_app_is_loaded(app: MakeApp, text: str, message: str) -> None:
    with pytest.raises(EmulatorError) as caught:
        app(savedsearches=text)
    assert f"default/savedsearches.conf{message}" in str(caught.value)

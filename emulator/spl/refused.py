"""Commands that Splunk has and the searches of this add-on must not use."""

from __future__ import annotations

from emulator.errors import SearchError
from emulator.spl.context import Command, Compile, command

_INSTEAD = {
    "join": "it drops rows beyond 50,000 silently: use stats by the common field, or a lookup",
    "transaction": "it gives groups up when memory is short: use stats or streamstats by a field",
}


def _refusal(name: str, instead: str) -> Compile:
    def refuse(_arguments: str) -> Command:
        raise SearchError(f"'{name}' must not be used in this add-on: {instead}")

    return refuse


for _name, _reason in _INSTEAD.items():
    command(_name)(_refusal(_name, _reason))

"""What the panels of a shipped view show: its searches, with tokens in their places."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from preview.relative_time import relative_time
from preview.spl.context import Results
from preview.spl.session import Session

ROOT = Path(__file__).resolve().parents[2]
_TOKEN = re.compile(r"\$([A-Za-z_][\w.]*)(\|[su])?\$")
Row = dict[str, Any]


class Shown:
    """One view over a session's index, as it opens, but for the tokens that are given.

    Tokens are filled in as Studio does it: with `|s` as a JSON text, else as they are.
    """

    def __init__(self, name: str, session: Session, **tokens: str) -> None:
        path = ROOT / "default/data/ui/views" / f"cloudhsm_{name}.xml"
        self.definition: dict[str, Any] = json.loads(ET.parse(path).findtext("definition") or "")
        self.session = session
        self._given = tokens
        self._done: dict[str, Results] = {}

    @cached_property
    def tokens(self) -> dict[str, str]:
        """All tokens that inputs set: what was given, else their defaults."""
        options = [one["options"] for one in self.definition["inputs"].values()]
        found = {one["token"]: one.get("defaultValue", "") for one in options}
        earliest, latest = found.pop("global_time").split(",")
        found |= {"global_time.earliest": earliest, "global_time.latest": latest}
        return {**found, **self._given}

    def search(self, name: str) -> list[Row]:
        """The rows of the search that the YAML calls so."""
        return [dict(row) for row in self._results(f"ds_{name}").rows]

    def value(self, name: str, field: str = "") -> str:
        """The value of `field` in the only row; of its first field if none is named."""
        (row,) = self.search(name)
        return str(row[field] if field else next(iter(row.values())))

    def panel(self, name: str) -> list[Row]:
        """The rows that a panel is given."""
        source = self.definition["visualizations"][f"viz_{name}"]["dataSources"]["primary"]
        return [dict(row) for row in self._results(source).rows]

    def run_all(self) -> dict[str, Results]:
        """The results of every data source."""
        return {name: self._results(name) for name in self.definition["dataSources"]}

    def address(self, panel: str, **row: str) -> tuple[str, dict[str, str]]:
        """Where a click on a panel leads: path and parameters. row: fields of what is clicked."""
        (handler,) = self.definition["visualizations"][f"viz_{panel}"]["eventHandlers"]
        clicked = {f"row.{name}.value": value for name, value in row.items()}
        address = urlsplit(self._filled(handler["options"]["url"], clicked))
        return address.path, {name: one for name, (one,) in parse_qs(address.query).items()}

    def records(self, panel: str, **row: str) -> list[Row]:
        """The records that a click on a panel opens."""
        path, given = self.address(panel, **row)
        assert path == "/app/TA-aws-cloudhsm/search"
        times = given["earliest"], given["latest"]
        return [
            dict(one) for one in self._searched(given["q"].removeprefix("search "), *times).rows
        ]

    def _results(self, name: str) -> Results:
        if name not in self._done:
            options = self.definition["dataSources"][name]["options"]
            query = self._filled(options["query"], {})
            times = self._times(name)
            if "extend" in options:
                base = self._results(options["extend"])
                earliest, latest = (relative_time(self.session.now, one) for one in times)
                self._done[name] = self.session.chained(base, query, earliest, latest)
            else:
                self._done[name] = self._searched(query, *times)
        return self._done[name]

    def _times(self, name: str) -> tuple[str, str]:
        options = self.definition["dataSources"][name]["options"]
        if "extend" in options:
            return self._times(options["extend"])
        own = options.get("queryParameters", {})
        earliest, latest = (
            own.get(one, self.tokens[f"global_time.{one}"]) for one in ("earliest", "latest")
        )
        return earliest, latest

    def _searched(self, text: str, earliest: str, latest: str) -> Results:
        first, last = (relative_time(self.session.now, one) for one in (earliest, latest))
        return self.session.search(text, first, last)

    def _filled(self, text: str, clicked: dict[str, str]) -> str:
        tokens = {**self.tokens, **clicked}

        def value(found: re.Match[str]) -> str:
            given = tokens[found[1]]
            return json.dumps(given) if found[2] == "|s" else given

        return _TOKEN.sub(value, text)

"""Controls a fake CloudWatch Logs in another process."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterable
from typing import Any
from urllib.parse import urlencode

from tests.fake_aws.service import Arrival

_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # loopback needs no proxy
_TIMEOUT_S = 60


class Control:
    """The controls of the server of this URL, which `python -m tests.fake_aws` prints.

    Every method raises urllib.error.HTTPError, with the reason in its body, for invalid values.
    """

    def __init__(self, url: str) -> None:
        self._url = url.rstrip("/")

    def events(self, group: str | None = None) -> list[dict[str, Any]]:
        """What can be read now: logGroup, logStream, timestamp, ingestionTime, eventId, message."""
        return list(self._ask("events", {} if group is None else {"group": group}))

    def requests(self, since: int = 0) -> list[dict[str, Any]]:
        """The requests with numbers above `since`: number, operation, body, at_ms, outcome."""
        return list(self._ask("requests", {"since": since}))

    def now_ms(self) -> int:
        """AWS's time."""
        return self.advance(0)

    def advance(self, ms: int) -> int:
        """Let time pass; returns AWS's time then."""
        return int(self._ask("clock", {"advance_ms": ms})["now_ms"])

    def next_arrival_ms(self) -> int | None:
        """When the next event becomes visible; None if no more is on its way."""
        arrival_ms = self._ask("clock", {})["next_arrival_ms"]
        return None if arrival_ms is None else int(arrival_ms)

    def put(self, arrivals: Iterable[Arrival]) -> list[str]:
        """Write events; returns their ids."""
        return list(self._ask("put", {}, [arrival._asdict() for arrival in arrivals]))

    def set_faults(self, names: str) -> None:
        """From now on the faults of these names (see `faults.named`) and no others."""
        self._ask("faults", {"names": names})

    def expire_key(self, access_key_id: str) -> None:
        """Refuse what this key signs from now on."""
        self._ask("expire_key", {"id": access_key_id})

    def _ask(self, page: str, query: dict[str, Any], content: object = None) -> Any:  # noqa: ANN401
        url = f"{self._url}/_fake/{page}?{urlencode(query)}"
        body = None if content is None else json.dumps(content).encode()
        with _DIRECT.open(urllib.request.Request(url, body), timeout=_TIMEOUT_S) as answer:  # noqa: S310  (loopback)
            return json.load(answer)

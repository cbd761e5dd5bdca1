"""Behind the scenes of a fake CloudWatch Logs in another process."""

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
    """Speaks to the server of this URL, as `python -m tests.fake_aws` prints it.

    Every method raises urllib.error.HTTPError with the reason in its body for what does not fit.
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
        found = self._ask("clock", {})["next_arrival_ms"]
        return None if found is None else int(found)

    def put(self, arrivals: Iterable[Arrival]) -> list[str]:
        """Write events; returns their ids."""
        return list(self._ask("put", {}, [one._asdict() for one in arrivals]))

    def set_faults(self, names: str) -> None:
        """From now on the faults of these names (see `faults.named`) and no others."""
        self._ask("faults", {"names": names})

    def expire_key(self, access_key_id: str) -> None:
        """Refuse what this key signs from now on."""
        self._ask("expire_key", {"id": access_key_id})

    def _ask(self, page: str, asked: dict[str, Any], given: object = None) -> Any:  # noqa: ANN401
        url = f"{self._url}/_fake/{page}?{urlencode(asked)}"
        body = None if given is None else json.dumps(given).encode()
        with _DIRECT.open(urllib.request.Request(url, body), timeout=_TIMEOUT_S) as answer:  # noqa: S310  (loopback)
            return json.load(answer)

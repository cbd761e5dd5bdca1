"""Pages of events, parsed without botocore's walk along their shape.

That walk, in Python, takes more than half of all that botocore does for a page, and finds nothing
to convert: FilterLogEvents answers with strings and integers only. All the rest (errors, retries,
signing, every other answer) stays botocore's.
"""

from __future__ import annotations

import json
from operator import itemgetter
from typing import Any

from botocore.parsers import JSONParser, ResponseParserError, ResponseParserFactory
from botocore.session import Session

_PAGE = "FilterLogEventsResponse"
# Where a page begins so, no dict is kept for any event: each becomes a tuple as soon as it is read.
_HEAD = '{"events":['
_columns = itemgetter("eventId", "logStreamName", "timestamp", "message")
_decode_events = json.JSONDecoder(object_hook=_columns).raw_decode


class _PageParser(JSONParser):  # type: ignore[misc]  # botocore has no type information
    """Gives a page as its JSON has it, with botocore's `ResponseMetadata`."""

    def parse(self, response: dict[str, Any], shape: Any) -> dict[str, Any]:  # noqa: ANN401
        """As botocore's, with `events` as tuples (event id, log stream, timestamp, message).

        A page that is not whole has no members; ResponseParserError where an event is not whole.

        botocore reads with `enforce_content_length=False`, so a body may have been cut short. What
        is left of a JSON object is never a JSON object, nor anything else that could be a page.
        """
        if response["status_code"] != 200 or getattr(shape, "name", None) != _PAGE:
            return dict(super().parse(response, shape))
        members = _members(response["body"])
        return {**members, **super().parse({**response, "body": b"{}"}, shape)}


class _PageParserFactory(ResponseParserFactory):  # type: ignore[misc]
    def create_parser(self, protocol_name: str) -> object:
        if protocol_name == "json":
            return _PageParser()
        return super().create_parser(protocol_name)


def install(session: Session) -> None:
    """Let the clients that this session creates from now on parse pages this way."""
    session.register_component("response_parser_factory", _PageParserFactory())


def _members(body: bytes) -> dict[str, Any]:
    try:
        # Decoded here: json.loads would let halves of surrogate pairs pass.
        text = body.decode()
        if text.startswith(_HEAD):
            events, end = _decode_events(text, len(_HEAD) - 1)
            members = json.loads('{"events":[]' + text[end:])
        else:
            members = json.loads(text)
            events = members.get("events") if isinstance(members, dict) else None
            events = [*map(_columns, events)] if isinstance(events, list) else None
    except (ValueError, RecursionError):
        return {}
    except (LookupError, TypeError) as error:
        raise ResponseParserError(f"an event lacks something: {error!r}") from error
    if events is None or {*map(type, events)} - {tuple}:
        return {}
    return {**members, "events": events}

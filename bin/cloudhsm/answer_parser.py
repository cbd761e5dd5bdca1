"""Pages of events, parsed without botocore's walk along their shape.

That walk, in Python, takes more than half of all that botocore does for a page, and finds nothing
to convert: FilterLogEvents answers with strings and integers only. All the rest (errors, retries,
signing, every other answer) stays botocore's.
"""

from __future__ import annotations

import json
from typing import Any

from botocore.parsers import JSONParser, ResponseParserFactory
from botocore.session import Session

_PAGE = "FilterLogEventsResponse"


class _PageParser(JSONParser):  # type: ignore[misc]  # botocore has no type information
    """Gives a page as its JSON has it, with botocore's `ResponseMetadata`."""

    def parse(self, response: dict[str, Any], shape: Any) -> dict[str, Any]:  # noqa: ANN401
        """As botocore's; a page that is not whole has no members.

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
        members = json.loads(body.decode())
    except (ValueError, RecursionError):
        return {}
    return members if isinstance(members, dict) else {}

"""Page tokens: opaque to the reader, and all that the service remembers of a page."""

from __future__ import annotations

import base64
import hashlib
import json
from binascii import Error as NotBase64
from typing import NamedTuple

from tests.fake_aws.store import Position

_SEAL_BYTES = 9


class Token(NamedTuple):
    """Where the next page begins.

    digest:    of the request's parameters: a token is good for the same ones only.
    issued_ms: when it was given out, in virtual time.
    backward:  the page ends at the position (GetLogEvents) instead of beginning after it.
    empties:   how many empty pages in a row have led here.
    """

    digest: str
    issued_ms: int
    position: Position
    backward: bool = False
    empties: int = 0


class Tokens:
    """Writes and reads the tokens of one service."""

    def __init__(self, seed: int) -> None:
        self._key = b"%d" % seed

    def write(self, token: Token) -> str:
        """The text of a token; equal tokens have equal texts."""
        text = json.dumps(token, separators=(",", ":")).encode()
        return base64.urlsafe_b64encode(self._seal(text) + text).decode()

    def read(self, text: str) -> Token | None:
        """The token with this text, or None where this service never wrote it."""
        try:
            sealed = base64.b64decode(text.encode("ascii"), altchars=b"-_", validate=True)
        except (NotBase64, UnicodeEncodeError):
            return None
        seal, body = sealed[:_SEAL_BYTES], sealed[_SEAL_BYTES:]
        if seal != self._seal(body):
            return None
        digest, issued_ms, (at_ms, ingested_ms, event_id), backward, empties = json.loads(body)
        return Token(digest, issued_ms, (at_ms, ingested_ms, event_id), backward, empties)

    def _seal(self, text: bytes) -> bytes:
        return hashlib.blake2b(text, digest_size=_SEAL_BYTES, key=self._key).digest()


def digest_of(*parameters: object) -> str:
    """A short name of a request's parameters."""
    return hashlib.blake2b(repr(parameters).encode(), digest_size=9).hexdigest()

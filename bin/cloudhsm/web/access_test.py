"""`POST cloudhsm/check`: whether settings reach AWS and may read there. Nothing is saved.

The checks are those of saving an input, in 15 s at most.
"""

from __future__ import annotations

from cloudhsm import wiring
from cloudhsm.web import examination
from cloudhsm.web.rest_request import Request, Response

# An input that is tried before it has a name.
UNNAMED = "new input"


def check(request: Request) -> Response:
    """Body: `settings` of a stanza, and its `name` if it has one. Raises CloudHsmError."""
    name = request.text("name", UNNAMED) or UNNAMED
    found = wiring.examine(name, request.settings(), request.metadata, wants_identity=True)
    return Response(200, examination.document(found))

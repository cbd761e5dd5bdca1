"""How a pinned standard is written down: facts only, short lists on one line."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import yaml

_HEAD = """\
# Facts of a published standard, as far as our mapping uses it: names, numbers and what goes
# with what; none of its text. Written by tools/content/standards, compared with what is published.

"""


def dumped(facts: Mapping[str, Any]) -> str:
    """The file's text."""
    text = yaml.safe_dump(
        dict(facts), sort_keys=False, width=120, default_flow_style=None, allow_unicode=True
    )
    return _HEAD + text

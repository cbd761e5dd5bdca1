"""The SPL of views: what was chosen, tokens, and the row that an empty table shows."""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import quote

_CHOSEN = re.compile(r"\{\{\s*chosen\s*(?::([a-z_ ]*))?\}\}")
_PLACEHOLDER = re.compile(r"\{\{.*?\}\}", re.DOTALL)
_TOKEN = re.compile(r"\$([A-Za-z_][\w.]*)(\|[a-z])?\$")


class Unfilled(Exception):
    """A placeholder that means nothing here; the text names it."""


def filled(query: str, conditions: Mapping[str, str | None]) -> str:
    """The query with conditions in the place of {{chosen}}. conditions: by the name of an input."""

    def chosen(match: re.Match[str]) -> str:
        wanted = match[1].split() if match[1] is not None else list(conditions)
        if unknown := sorted(set(wanted) - set(conditions)):
            raise Unfilled(f"{{{{chosen}}}}: this view has no input {unknown[0]}")
        texts = [text for name in wanted if (text := conditions[name])]
        return f"where {' AND '.join(texts)}" if texts else "search *"

    text = _CHOSEN.sub(chosen, query)
    if left := _PLACEHOLDER.search(text):
        raise Unfilled(f"{left[0]} is no placeholder: there is only {{{{chosen}}}}")
    return "\n".join(line.rstrip() for line in text.strip().splitlines())


def with_empty_row(column: str, advice: str) -> str:
    """What follows the search of a table: one row with advice if there is no other."""
    text = advice.replace("\\", "\\\\").replace('"', '\\"')
    return (
        "| appendpipe [stats count as shown_rows | where shown_rows=0"
        f' | eval {column}="{text}" | fields {column}]'
    )


def in_address(query: str) -> str:
    """SPL as the value of `q` in an address; tokens stay, and the browser encodes what they give.

    The search page takes a search without the leading `search`, but not one that begins with a
    macro after it, so that word is written.
    """
    text = " ".join(query.split())
    if not text.startswith("|"):
        text = f"search {text}"
    parts: list[str] = []
    end = 0
    for token in _TOKEN.finditer(text):
        parts += [quote(text[end : token.start()], safe=""), token[0]]
        end = token.end()
    return "".join([*parts, quote(text[end:], safe="")])

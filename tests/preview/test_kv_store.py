"""Assumption 43: which fields a KV store lookup has."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from preview.app import App
from preview.errors import ConfError

MakeApp = Callable[..., App]

_COLLECTIONS = "[c]\nenforceTypes = true\nreplicate = true\nfield.a = string\nfield.b = number\n"
_LOOKUP = "[l]\nexternal_type = kvstore\ncollection = c\nfields_list = a, b\n"


def test_a_lookup_has_the_fields_that_it_lists(app: MakeApp) -> None:
    loaded = app(collections=_COLLECTIONS, transforms=_LOOKUP)

    assert loaded.knowledge.store_fields == {"l": ("a", "b")}


def test_the_key_of_a_record_needs_no_declaration(app: MakeApp) -> None:
    loaded = app(collections=_COLLECTIONS, transforms=_LOOKUP.replace("a, b", "_key b"))

    assert loaded.knowledge.store_fields == {"l": ("_key", "b")}


@pytest.mark.parametrize(
    ("collections", "transforms", "message"),
    [
        (_COLLECTIONS, _LOOKUP + "max_matches = 1\n", ":5 [l]: preview does not model max_matches"),
        (_COLLECTIONS, _LOOKUP.replace("kvstore", "python"), ":2 [l]: external_type: only kvstore"),
        (_COLLECTIONS, _LOOKUP.replace("= c", "= d"), ":3 [l]: collections.conf has no [d]"),
        (_COLLECTIONS, _LOOKUP.replace("a, b", "a, z"), ":4 [l]: collections.conf: [c] declares"),
        (_COLLECTIONS, "[l]\nexternal_type = kvstore\ncollection = c\n", "needs fields_list"),
        (_COLLECTIONS + "accelerated_fields.x = {}\n", _LOOKUP, "preview does not model acceler"),
        (_COLLECTIONS.replace("replicate = true", "replicate = x"), _LOOKUP, "is not a boolean"),
    ],
)
def test_what_is_malformed_or_not_modelled_is_refused(
    app: MakeApp, collections: str, transforms: str, message: str
) -> None:
    with pytest.raises(ConfError) as caught:
        app(collections=collections, transforms=transforms)
    assert message in str(caught.value)


def test_an_automatic_lookup_in_a_collection_is_not_modelled(app: MakeApp) -> None:
    with pytest.raises(ConfError, match=r"has no lookup \[l\]"):
        app(
            props="[st]\nKV_MODE = none\nLOOKUP-l = l a\n",
            collections=_COLLECTIONS,
            transforms=_LOOKUP,
        )

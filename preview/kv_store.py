"""KV store collections and the lookups that name them: which fields a lookup has.

Source: collections.conf.spec; transforms.conf.spec, "external_type", "collection", "fields_list".
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from preview.conf import Conf, Stanza
from preview.errors import ConfError

_COLLECTION_SETTINGS = frozenset({"enforceTypes", "replicate"})
_FIELD_TYPES = frozenset({"number", "bool", "string", "time"})
_LOOKUP_SETTINGS = frozenset({"external_type", "collection", "fields_list"})


def collections(conf: Conf) -> dict[str, frozenset[str]]:
    """The declared fields of each collection. Raises ConfError for what is not modelled."""
    return {stanza.name: _declared_fields(stanza) for stanza in conf.with_defaults()}


def _declared_fields(stanza: Stanza) -> frozenset[str]:
    fields = set()
    for key, setting in stanza.settings.items():
        if key.startswith("field."):
            if setting.value not in _FIELD_TYPES:
                raise ConfError(f"{key}: write number, bool, string or time", setting.location)
            fields.add(key[len("field.") :])
        elif key in _COLLECTION_SETTINGS:
            setting.boolean()
        else:
            raise ConfError(f"preview does not model {key} in a collection", setting.location)
    return frozenset(fields)


def store_lookups(
    stanzas: Iterable[Stanza], known: dict[str, frozenset[str]]
) -> dict[str, tuple[str, ...]]:
    """The fields of each KV store lookup, in listed order. Raises ConfError."""
    return {stanza.name: _lookup_fields(stanza, known) for stanza in stanzas}


def _lookup_fields(stanza: Stanza, known: dict[str, frozenset[str]]) -> tuple[str, ...]:
    settings = stanza.settings
    for key, setting in settings.items():
        if key not in _LOOKUP_SETTINGS:
            raise ConfError(f"preview does not model {key} in a KV store lookup", setting.location)
    if settings["external_type"].value != "kvstore":
        raise ConfError(
            "external_type: only kvstore is modelled", settings["external_type"].location
        )
    for key in ("collection", "fields_list"):
        if key not in settings:
            raise ConfError(f"a KV store lookup needs {key}", stanza.location)
    collection = settings["collection"]
    if collection.value not in known:
        raise ConfError(f"collections.conf has no [{collection.value}]", collection.location)
    fields = tuple(re.split(r"[,\s]+", settings["fields_list"].value))
    unknown = set(fields) - known[collection.value] - {"_key"}
    if unknown:
        raise ConfError(
            f"collections.conf: [{collection.value}] declares no {', '.join(sorted(unknown))}",
            settings["fields_list"].location,
        )
    return fields

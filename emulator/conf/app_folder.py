"""The .conf files in an app's folder, and how those of several apps combine.

Source: Admin Manual, "Configuration file precedence"; default.meta.conf.spec.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from emulator.conf.conf_file import Conf, Stanza, read_conf
from emulator.errors import ConfError, EmulatorError, Location

# Files without effect on an event's fields at index time and search time.
_OTHER_FILES = frozenset(
    {
        "analyticstories.conf",
        "app.conf",
        "authorize.conf",
        "inputs.conf",
        "restmap.conf",
        "server.conf",
        "web.conf",
    }
)
_READ_FILES = frozenset(
    {
        "collections.conf",
        "eventtypes.conf",
        "fields.conf",
        "macros.conf",
        "props.conf",
        "savedsearches.conf",
        "tags.conf",
        "transforms.conf",
    }
)
_META_SETTINGS = frozenset({"access", "export", "owner", "version", "modtime"})

# Files of another app that affect our events.
_SHARED_FILES = ("props.conf", "transforms.conf", "collections.conf")


@dataclass(frozen=True)
class AppFolder:
    """An app's folder and its files in default/; `name` is empty for the app that is previewed."""

    folder: Path
    name: str
    confs: dict[str, Conf]

    def shown(self, path: str) -> str:
        """A path in this app, as people see it in errors."""
        return f"{self.name}/{path}" if self.name else path


def is_own(stanza: Stanza) -> bool:
    """Whether the stanza is in the app that is previewed (perhaps in another one too)."""
    return stanza.location.path.startswith("default/")


def read_app(folder: Path) -> AppFolder:
    """The app that is previewed. Raises EmulatorError for a file or setting that is not known."""
    _check_folder(folder)
    for path in sorted((folder / "default").glob("*.conf")):
        if path.name not in _READ_FILES | _OTHER_FILES:
            raise ConfError("the emulator does not know this file", Location(str(path), "", 1))
    _check_metadata(read_conf(folder / "metadata" / "default.meta", "metadata/default.meta"))
    confs = {
        name: read_conf(folder / "default" / name, f"default/{name}")
        for name in sorted(_READ_FILES)
    }
    return AppFolder(folder, "", confs)


def read_neighbour(folder: Path) -> AppFolder:
    """Another app: what it exports to all apps. Raises EmulatorError if it exports nothing."""
    _check_folder(folder)
    shown = f"{folder.name}/metadata/default.meta"
    metadata = read_conf(folder / "metadata" / "default.meta", shown)
    _check_metadata(metadata)
    confs = {
        name: read_conf(folder / "default" / name, f"{folder.name}/default/{name}")
        for name in _SHARED_FILES
    }
    for name, conf in confs.items():
        if conf.stanzas and not _is_exported(metadata, name.removesuffix(".conf")):
            raise EmulatorError(f"{shown} does not export {name}: it has no effect on our events")
    return AppFolder(folder, folder.name, confs)


def _check_folder(folder: Path) -> None:
    if not (folder / "default").is_dir():
        raise EmulatorError(f"{folder} is no app: it has no folder default/")
    if (folder / "local").exists():
        raise EmulatorError(f"{folder}/local: layers over default/ are not modelled: remove it")


def _check_metadata(conf: Conf) -> None:
    for stanza in conf.stanzas.values():
        for key, setting in stanza.settings.items():
            if key not in _META_SETTINGS:
                raise ConfError(f"unknown setting {key}", setting.location)
            if key == "export" and setting.value not in ("system", "none"):
                raise ConfError("export is system or none", setting.location)


def _is_exported(metadata: Conf, kind: str) -> bool:
    for stanza in metadata.stanzas.values():
        if stanza.name.startswith(f"{kind}/") and "export" in stanza.settings:
            raise ConfError("exporting single stanzas is not modelled", stanza.location)
    exports = [
        metadata.stanzas[name].settings["export"].value
        for name in (kind, "")
        if name in metadata.stanzas and "export" in metadata.stanzas[name].settings
    ]
    return exports[:1] == ["system"]


def merged(folders: Sequence[AppFolder]) -> dict[str, Conf]:
    """The files of the first app, with the stanzas of the others, setting by setting.

    Raises ConfError where two apps set one setting differently: which one wins is not modelled.
    """
    own, *others = folders
    confs = dict(own.confs)
    for other in others:
        for name, conf in other.confs.items():
            if name == "collections.conf":
                _refuse_twice(confs[name], conf)
            confs[name] = _merged(confs[name], conf)
    return confs


def _refuse_twice(conf: Conf, other: Conf) -> None:
    """transforms.conf.spec, "collection": there is no layering of collections."""
    for name, stanza in other.stanzas.items():
        if name in conf.stanzas:
            raise ConfError(
                f"{conf.stanzas[name].location} is the same collection: not modelled",
                stanza.location,
            )


def _merged(conf: Conf, other: Conf) -> Conf:
    stanzas = {
        name: Stanza(name, stanza.location, dict(stanza.settings))
        for name, stanza in conf.stanzas.items()
    }
    for name, stanza in other.stanzas.items():
        settings = stanzas.setdefault(name, Stanza(name, stanza.location)).settings
        for key, setting in stanza.settings.items():
            existing = settings.setdefault(key, setting)
            if existing.value != setting.value:
                raise ConfError(
                    f"{key} differs from {existing.location}: which app wins is not modelled",
                    setting.location,
                )
    return Conf(conf.path, stanzas)

"""Secrets that people typed into inputs.conf: moved to the password storage, or reported.

Each input has an entry of its own there. The run of an input moves what was typed into it. Inputs
that are disabled never run, so the first enabled input of the host, by name, moves their secrets
too. What is left in a file that Splunk's REST API does not change, as in an app's `default`
folder, is reported.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple, Protocol

from cloudhsm.base import aws_identity
from cloudhsm.base.arguments import SCHEME
from cloudhsm.base.aws_identity import MASK, Login, Secret
from cloudhsm.base.errors import CloudHsmError, CredentialsError, Place, SettingError
from cloudhsm.base.redaction import conceal
from cloudhsm.splunk.support_bundle import inputs_in

# Splunk's folders of apps that apply on this host, in etc; each has `default` and `local`.
_FOLDERS = ("system", "apps/*", "slave-apps/*", "peer-apps/*")
_FALSE = ("", "0", "false", "f", "no", "n")


class Storage(Protocol):
    """The password storage and the inputs of this host; methods may raise a CloudHsmError."""

    def put_aws_keys(self, name: str, keys: Secret) -> None:
        """Store AWS keys."""

    def put_proxy_user(self, name: str, host: str, user: Secret) -> None:
        """Store user and password of the proxy at `host`."""

    def bind_proxy_user(self, name: str, host: str) -> bool:
        """Move a proxy's password that an earlier version stored among AWS keys."""

    def amend(self, input_name: str, settings: Mapping[str, str]) -> None:
        """Change settings of an input where it is defined."""

    def inputs(self) -> dict[str, dict[str, str]]:
        """The settings of all inputs, by name."""


class PlainSecret(NamedTuple):
    """A secret in plain text: in which file, of which input ("" for all), in which setting."""

    file: Path
    input_name: str
    setting: str

    def error(self) -> SettingError:
        """What to report."""
        stanza = f"{SCHEME}://{self.input_name}" if self.input_name else SCHEME
        return SettingError(
            f"{self.setting} of [{stanza}] is stored in plain text in {self.file}",
            place=Place(file=str(self.file), setting=self.setting),
            next_step="Store it in Splunk's password storage (docs/credentials.md) if it is not "
            "there, then remove it from this file",
        )


def entry_of(input_name: str) -> str:
    """The name of the entry for what is typed into an input: no two inputs have the same.

    A digest distinguishes names that differ only in characters that an entry cannot have.
    """
    readable = re.sub(r"[^A-Za-z0-9_.@-]", "_", input_name)[:70]
    return f"{readable}~{hashlib.sha256(input_name.encode()).hexdigest()[:16]}"


class Moved(NamedTuple):
    """Which inputs' secrets are in which entry now, by input; and what needs an administrator."""

    entries: dict[str, str]
    problems: list[CloudHsmError]


def put_away(
    storage: Callable[[], Storage], home: Path | None, input_name: str, region: str, login: Login
) -> Moved:
    """Move what was typed into an input, and into disabled ones; report what stays in files.

    storage: called only where there is something to store. home: $SPLUNK_HOME, where known.
    login: the settings of `input_name`. Nothing is raised: an input whose secrets cannot be moved
    collects with what was typed.
    """
    moved = Moved({}, [])
    if login.keys is not None or login.proxy_user is not None:
        try:
            moved.entries.update(_move(storage(), input_name, region, login))
        except CloudHsmError as error:
            moved.problems.append(_not_moved(input_name, error))
    is_stuck = bool(moved.problems)
    if login.proxy_user is None and login.proxy_credential and login.proxy_host:
        try:
            storage().bind_proxy_user(login.proxy_credential, login.proxy_host)
        except CloudHsmError as error:
            moved.problems.append(error)
    if login.keys is None and login.credential == _entry_of_0_1_0(input_name) != input_name:
        moved.problems.extend(_shared(storage(), input_name))
    plain = in_files(home) if home else []
    own = [secret for secret in plain if secret.input_name == input_name]
    if not is_stuck:
        moved.problems.extend(secret.error() for secret in own)
    if home and len(plain) > len(own):
        _put_away_others(storage(), home, input_name, moved)
    return moved


def in_files(home: Path) -> list[PlainSecret]:
    """The secrets in plain text in the inputs.conf files of this host; home: $SPLUNK_HOME."""
    return [secret for file in _files(home) for secret in _in_file(file)]


def _entry_of_0_1_0(input_name: str) -> str:
    return re.sub(r"[^A-Za-z0-9_.@-]", "_", input_name)[:90]


def _shared(storage: Storage, input_name: str) -> Iterator[CloudHsmError]:
    """Version 0.1.0 could store the keys of two inputs in one entry, where the last ones are."""
    entry = _entry_of_0_1_0(input_name)
    try:
        inputs = storage.inputs()
    except CloudHsmError:  # reported wherever a secret is at stake
        return
    sharing = sorted(
        name
        for name, values in inputs.items()
        if values.get("aws_credential") == entry == _entry_of_0_1_0(name)
    )
    if len(sharing) > 1:
        yield CredentialsError(
            f"The inputs {', '.join(map(repr, sharing))} share the credential {entry!r}, which has "
            "the keys that were typed last",
            place=Place(setting="aws_credential"),
            next_step="Type the keys of each input again: each then gets a credential of its own",
        )


def _put_away_others(storage: Storage, home: Path, input_name: str, moved: Moved) -> None:
    """Move secrets of disabled inputs, as the first enabled one; report those that stay."""
    try:
        inputs = storage.inputs()
    except CloudHsmError as error:
        moved.problems.append(error)
        return
    enabled = [name for name, values in sorted(inputs.items()) if _is_enabled(values)]
    if enabled and enabled[0] != input_name:
        return
    for name, values in sorted(inputs.items()):
        if name in enabled or not aws_identity.secret_settings(values):
            continue
        conceal(*(values[setting] for setting in aws_identity.secret_settings(values)))
        try:
            login, region = aws_identity.parse(values), values.get("aws_region", "")
            moved.entries.update(_move(storage, name, region, login))
        except CloudHsmError as error:
            moved.problems.append(_not_moved(name, error))
    others = {input_name, *enabled}
    left = [secret for secret in in_files(home) if secret.input_name not in others]
    moved.problems.extend(secret.error() for secret in left)


def _move(storage: Storage, input_name: str, region: str, login: Login) -> dict[str, str]:
    """Store what was typed into an input, and mask it there; its entry, by input.

    region: sent with every change, since Splunk checks that a required setting is present.
    """
    entry, changes = entry_of(input_name), dict[str, str]()
    if login.keys is not None:
        storage.put_aws_keys(entry, login.keys)
        changes |= {"aws_credential": entry, "aws_secret_access_key": MASK}
    if login.proxy_user is not None and login.proxy_url and login.proxy_host:
        storage.put_proxy_user(entry, login.proxy_host, login.proxy_user)
        changes |= {"proxy_credential": entry, "proxy_url": login.proxy_url}
    if not changes:
        return {}
    storage.amend(input_name, {"aws_region": region, **changes})
    return {input_name: entry}


def _not_moved(input_name: str, error: CloudHsmError) -> CredentialsError:
    return CredentialsError(
        f"Secrets of the input {input_name!r} stay in inputs.conf in plain text: {error.what}",
        place=error.place,
        next_step=error.next_step,
    )


def _is_enabled(values: Mapping[str, str]) -> bool:
    return values.get("disabled", "").lower() in _FALSE


def _files(home: Path) -> Iterator[Path]:
    for folder in _FOLDERS:
        for layer in ("default", "local"):
            yield from sorted(home.glob(f"etc/{folder}/{layer}/inputs.conf"))


def _in_file(file: Path) -> Iterator[PlainSecret]:
    try:
        text = file.read_text(encoding="utf-8", errors="replace")
    except OSError:  # of another app, whose files this user cannot read, or removed just now
        return
    if SCHEME not in text:
        return
    for stanza, settings in inputs_in(text):
        for setting in aws_identity.secret_settings(dict(settings)):
            yield PlainSecret(file, stanza.partition("://")[2], setting)

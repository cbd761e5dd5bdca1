"""Secrets that people typed into inputs.conf: moved to the password storage, or reported.

Each input has an entry of its own there. The run of an input moves what was typed into it, and into
disabled inputs of the host, which never run. What is left in a file that Splunk's REST API does not
change, as in an app's `default` folder, is reported.
"""

from __future__ import annotations

import hashlib
import json
import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import NamedTuple, Protocol
from urllib.parse import urlsplit

from cloudhsm.base import aws_identity
from cloudhsm.base.arguments import SCHEME
from cloudhsm.base.aws_identity import MASK, AwsIdentity, Secret
from cloudhsm.base.conf_file import stanzas
from cloudhsm.base.errors import CloudHsmError, CredentialsError, Place, SettingError
from cloudhsm.base.redaction import conceal

# Splunk's folders of apps that apply on this host, in etc; each has `default` and `local`.
_FOLDERS = ("system", "apps/*", "slave-apps/*", "peer-apps/*")
_FALSE = ("", "0", "false", "f", "no", "n")
# A secret that an enabled input has in a file for so long was not moved by its own run.
_OWN_TURN_S = 3600


class PasswordStorage(Protocol):
    """The password storage and the inputs of this host; methods may raise a CloudHsmError."""

    def put_aws_keys(self, name: str, keys: Secret) -> None:
        """Store AWS keys."""

    def put_proxy_user(self, name: str, host: str, user: Secret) -> None:
        """Store user and password of the proxy at `host`."""

    def has_proxy_user(self, name: str, host: str) -> bool:
        """Whether a password for this proxy has this name."""

    def unbound_proxy_user(self, name: str) -> Secret | None:
        """A proxy's user and password that an earlier build stored among AWS keys."""

    def delete_unbound_proxy_user(self, name: str) -> None:
        """Delete that entry."""

    def amend(self, input_name: str, settings: Mapping[str, str]) -> None:
        """Change settings of an input where it is defined."""

    def inputs(self) -> dict[str, dict[str, str]]:
        """The settings of all inputs, by name."""


class PlainSecret(NamedTuple):
    """A secret in plain text: in which file, of which input ("" for all), in which setting."""

    file: Path
    input_name: str
    setting: str

    def age_s(self) -> float:
        """How long the file has not been changed, in seconds."""
        try:
            return time.time() - self.file.stat().st_mtime
        except OSError:
            return 0

    def error(self) -> SettingError:
        """What to report."""
        stanza = f"[{SCHEME}://{self.input_name}]" if self.input_name else "all inputs"
        return SettingError(
            f"{self.setting} of {stanza} is stored in plain text in {self.file}",
            place=Place(file=str(self.file), setting=self.setting),
            next_step="Store it in Splunk's password storage (docs/credentials.md) if it is not "
            "there, then remove it from this file",
        )


def entry_of(input_name: str, user: str) -> str:
    """The name of the entry for what is typed into an input: no two inputs have the same.

    user: an access key ID or a proxy's user. Another one gets another entry, so that a copy of the
    input, which names the former entry, keeps its own. The digest distinguishes names that an
    entry cannot have.
    """
    digest = hashlib.sha256(json.dumps([input_name, user]).encode()).hexdigest()
    return f"{_readable(input_name, 70)}~{digest[:16]}"


class MovedSecrets(NamedTuple):
    """What was moved, and what needs an administrator.

    entries:    for each setting that now names an entry, as `INPUT SETTING`, which one.
    proxy_user: a proxy's password of an earlier build that cannot be bound to its host, for this
                run only; at most one.
    """

    entries: dict[str, str]
    problems: list[CloudHsmError]
    proxy_user: list[Secret]


class SecretMover:
    """Moves secrets of the inputs of this host.

    storage: called only where there is something to store. home: $SPLUNK_HOME, where known.
    saving:  a context in which splunkd's validation of a changed input passes at once.
    """

    def __init__(
        self,
        storage: Callable[[], PasswordStorage],
        home: Path | None,
        saving: Callable[[str], AbstractContextManager[None]],
    ) -> None:
        self._storage, self._home, self._saving = storage, home, saving

    def move(self, input_name: str, region: str, identity: AwsIdentity) -> MovedSecrets:
        """Move what was typed into an input, and into disabled ones; report what stays in files.

        identity: of `input_name`. Nothing is raised: an input whose secrets cannot be
        moved collects with what was typed.
        """
        result = MovedSecrets({}, [], [])
        if identity.keys is not None or identity.proxy_user is not None:
            try:
                result.entries.update(self._move(input_name, region, identity))
            except CloudHsmError as error:
                result.problems.append(_not_moved(input_name, error))
        is_stuck = bool(result.problems)
        if identity.proxy_user is None and identity.proxy_credential and identity.proxy_host:
            self._bind(identity.proxy_credential, identity.proxy_host, result)
        former_entry = _entry_of_0_1_0(input_name)
        if identity.keys is None and identity.credential == former_entry != input_name:
            result.problems.extend(self._shared(input_name))
        plain = in_files(self._home) if self._home else []
        own = [secret for secret in plain if secret.input_name == input_name]
        if not is_stuck:
            result.problems.extend(secret.error() for secret in own)
        if len(plain) > len(own):
            self._move_others(input_name, result)
        return result

    def _move(self, input_name: str, region: str, identity: AwsIdentity) -> dict[str, str]:
        """Store what was typed into an input, and mask it there.

        region: sent with every change, since Splunk checks that a required setting is present.
        """
        storage, changes, entries = self._storage(), dict[str, str](), dict[str, str]()
        if identity.keys is not None:
            entries["aws_credential"] = entry_of(input_name, identity.keys.user)
            storage.put_aws_keys(entries["aws_credential"], identity.keys)
            changes["aws_secret_access_key"] = MASK
        if identity.proxy_user is not None and identity.proxy_url and identity.proxy_host:
            entries["proxy_credential"] = entry_of(input_name, identity.proxy_user.user)
            storage.put_proxy_user(
                entries["proxy_credential"], identity.proxy_host, identity.proxy_user
            )
            changes["proxy_url"] = identity.proxy_url
        if entries:
            with self._saving(input_name):
                storage.amend(input_name, {"aws_region": region, **entries, **changes})
        return {f"{input_name} {setting}": entry for setting, entry in entries.items()}

    def _bind(self, name: str, host: str, result: MovedSecrets) -> None:
        """Move a proxy's password out of the realm of AWS keys, to all proxies that it is for."""
        unbound = None
        try:
            storage = self._storage()
            unbound = storage.unbound_proxy_user(name)
            if unbound is None:
                return
            inputs = storage.inputs().values()
            if any(values.get("aws_credential") == name for values in inputs):
                raise _is_aws_credential_too(name)
            users = [values for values in inputs if values.get("proxy_credential") == name]
            hosts = {urlsplit(values.get("proxy_url", "")).hostname for values in users}
            for each in sorted({host, *filter(None, hosts)}):
                if not storage.has_proxy_user(name, each):
                    storage.put_proxy_user(name, each, unbound)
            storage.delete_unbound_proxy_user(name)
        except _Ambiguous as error:
            result.problems.append(error)
        except (CloudHsmError, ValueError) as error:
            if unbound is not None:
                conceal(unbound.password)
                result.proxy_user.append(unbound)
            result.problems.append(_not_bound(name, error))

    def _shared(self, input_name: str) -> Iterator[CloudHsmError]:
        """Earlier builds could store the keys of two inputs in one entry: the last ones count."""
        entry = _entry_of_0_1_0(input_name)
        try:
            inputs = self._storage().inputs()
        except CloudHsmError:  # reported wherever a secret is at stake
            return
        sharing = sorted(
            name
            for name, values in inputs.items()
            if values.get("aws_credential") == entry == _entry_of_0_1_0(name)
        )
        if len(sharing) > 1:
            yield CredentialsError(
                f"The inputs {', '.join(map(repr, sharing))} share the credential {entry!r}, which "
                "has the keys that were typed last",
                place=Place(setting="aws_credential"),
                next_step="Type the keys of each input again: each then gets a credential of its "
                "own",
            )

    def _move_others(self, input_name: str, result: MovedSecrets) -> None:
        """Move secrets of disabled inputs, which never run; report those that stay in files.

        An enabled input moves its own, so that it is reported only if it did not do so for long.
        """
        try:
            inputs = self._storage().inputs()
        except CloudHsmError as error:
            result.problems.append(error)
            return
        enabled = {name for name, values in inputs.items() if _is_enabled(values)}
        for name, values in sorted(inputs.items()):
            if name not in enabled and name != input_name:
                self._move_of_disabled(name, values, result)
        for secret in in_files(self._home) if self._home else ():
            is_new = secret.input_name in enabled and secret.age_s() < _OWN_TURN_S
            if secret.input_name != input_name and not is_new:
                result.problems.append(secret.error())

    def _move_of_disabled(self, name: str, values: Mapping[str, str], result: MovedSecrets) -> None:
        typed = aws_identity.secret_settings(values)
        if not typed:
            return
        conceal(*(values[setting] for setting in typed))
        try:
            identity = aws_identity.parse(values)
            conceal(*identity.secrets)
            result.entries.update(self._move(name, values.get("aws_region", ""), identity))
        except CloudHsmError as error:
            result.problems.append(_not_moved(name, error))


def in_files(home: Path) -> list[PlainSecret]:
    """The secrets in plain text in the inputs.conf files of this host; home: $SPLUNK_HOME."""
    return [secret for file in _files(home) for secret in _in_file(file)]


class _Ambiguous(CredentialsError):
    """An entry is used for two purposes."""


def _is_aws_credential_too(name: str) -> _Ambiguous:
    return _Ambiguous(
        f"The credential {name!r} is named by aws_credential and by proxy_credential, and AWS keys "
        "are never sent to a proxy",
        place=Place(setting="proxy_credential"),
        next_step="Store user and password of the proxy under another name; docs/credentials.md "
        "has the command",
    )


def _not_bound(name: str, error: Exception) -> CredentialsError:
    what = error.what if isinstance(error, CloudHsmError) else str(error)
    return CredentialsError(
        f"The password {name!r} of a proxy, stored by an earlier build, cannot be bound to the "
        f"proxy's host: {what}",
        place=Place(setting="proxy_credential"),
        next_step="Store it for this proxy; docs/credentials.md has the command",
    )


def _entry_of_0_1_0(input_name: str) -> str:
    return _readable(input_name, 90)


def _readable(input_name: str, length: int) -> str:
    """What an entry can have of the name of an input."""
    return re.sub(r"[^A-Za-z0-9_.@-]", "_", input_name)[:length]


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
    for stanza, settings in stanzas(text):
        if stanza not in (SCHEME, "default") and not stanza.startswith(f"{SCHEME}://"):
            continue
        for setting in aws_identity.secret_settings(dict(settings)):
            yield PlainSecret(file, stanza.partition("://")[2], setting)

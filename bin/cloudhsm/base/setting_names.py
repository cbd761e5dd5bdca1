"""The names of a stanza's settings: which are ours, which are Splunk's, which are neither. Pure.

splunkd passes on whatever inputs.conf has, so a misspelt name is silent unless it is looked for.
Source of Splunk's own names: inputs.conf.spec, "Modular inputs" and the settings of every input.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

from cloudhsm.base.arguments import ARGUMENTS, SCHEME
from cloudhsm.base.errors import SettingError, refused_setting

_SPLUNKS = frozenset(
    {
        *("disabled", "host", "index", "interval", "name", "source", "sourcetype", "queue"),
        *("start_by_shell", "run_introspection", "send_index_as_argument_for_path", "passAuth"),
        *("queueSize", "run_only_one", "host_resolver", "crcSalt"),
    }
)
_SPLUNKS_BEGIN = ("_", "python.", "persistentQueue", "eai:", "acl.")
# A misspelt one of these makes an input read something else, or as someone else.
_IDENTITY = frozenset(
    {
        *("aws_region", "log_groups", "linked_accounts", "endpoint_url", "sts_endpoint_url"),
        *("aws_credential", "aws_access_key_id", "aws_secret_access_key", "aws_profile"),
        *("role_arn", "external_id", "proxy_url", "proxy_credential", "ca_bundle", "state_store"),
    }
)
# How alike two names are, from 0 to 1 (difflib): one or two letters of a name may differ.
_ALIKE = 0.75
_INPUT_NAME = re.compile(r"[^\x00-\x1f\x7f\[\]]{1,100}")


class UnknownSetting(NamedTuple):
    """A name that is neither ours nor Splunk's, and the one that was probably meant."""

    name: str
    meant: str | None

    def error(self) -> SettingError:
        """What to report."""
        meant = f"; did you mean {self.meant}?" if self.meant else ""
        return refused_setting(
            self.name[:100],
            f"is not a setting of {SCHEME}{meant}",
            "Correct its name, or remove it; README/inputs.conf.spec lists all settings",
        )


def unknown(names: Iterable[str]) -> tuple[UnknownSetting, ...]:
    """The names of a stanza that are neither ours nor Splunk's, sorted."""
    odd = {
        name
        for name in names
        if name not in ARGUMENTS and name not in _SPLUNKS and not name.startswith(_SPLUNKS_BEGIN)
    }
    return tuple(UnknownSetting(name, _meant(name)) for name in sorted(odd))


def refuse_identity(settings: Iterable[UnknownSetting]) -> None:
    """Raises SettingError for a near miss of a setting that decides what is read."""
    for setting in settings:
        if setting.meant in _IDENTITY:
            raise setting.error()


def refuse_input_name(name: str) -> None:
    """Raises SettingError for a name that a file, a log line or a URL cannot have."""
    if name != name.strip() or not name.isprintable() or not _INPUT_NAME.fullmatch(name):
        raise refused_setting(
            "name",
            "of the input cannot be used",
            "Use up to 100 printable characters without brackets, and no blank at either end",
        )


def _meant(name: str) -> str | None:
    """The setting of ours that is spelled most alike; `region` is close enough to `aws_region`."""
    from difflib import get_close_matches  # hardly ever needed, and every run starts with us

    spellings = {known: known for known in ARGUMENTS}
    spellings |= {known[len("aws_") :]: known for known in ARGUMENTS if known.startswith("aws_")}
    written = re.sub(r"[^a-z]+", "_", name.lower())
    close = get_close_matches(written, spellings, n=1, cutoff=_ALIKE)
    return spellings[close[0]] if close else None

"""`POST cloudhsm/suggestions`: inputs for the log groups that exist. Nothing is saved."""

from __future__ import annotations

import os
from collections.abc import Iterator

from cloudhsm import wiring
from cloudhsm.splunk.command_line import checkpoint_folder
from cloudhsm.splunk.password_storage import SplunkPasswordStorage
from cloudhsm.web import examination
from cloudhsm.web.access_test import UNNAMED
from cloudhsm.web.input_status import collected_by
from cloudhsm.web.rest_request import Json, Request, Response

# What a suggested input takes from the settings that were tried; secrets are never among them.
_KEPT = (
    *("aws_region", "log_groups", "endpoint_url", "aws_credential", "aws_profile", "role_arn"),
    *("role_session_name", "role_duration", "sts_endpoint_url", "proxy_url", "proxy_credential"),
    *("ca_bundle", "linked_accounts", "state_store", "index", "start_time", "interval"),
)


def suggest(request: Request) -> Response:
    """What `check` returns, and `inputs`: one for each account of the groups that were found.

    Body: `settings` of a stanza. Each input has `name`, which no other input has, `settings`, the
    `groups` that it would collect, and `collected`: of these, which an input collects already.
    Raises CloudHsmError.
    """
    settings = request.settings()
    found = wiring.examine(UNNAMED, settings, request.metadata, wants_identity=True)
    names = [*SplunkPasswordStorage(request.server_uri, request.session_key).inputs()]
    collectors = collected_by(checkpoint_folder(os.environ), names)
    groups = {one.id.arn: examination.group(one) for one in found.groups}
    collected = {arn: collectors[arn] for arn in groups if arn in collectors}
    document = examination.document(found)
    document["inputs"] = [*_inputs(settings, groups, collected, names)]
    return Response(200, document)


def _inputs(
    settings: dict[str, str],
    groups: dict[str, Json],
    collected: dict[str, list[str]],
    names: list[str],
) -> Iterator[Json]:
    """One input; it collects the groups of linked accounts, too."""
    if not groups:
        return
    accounts = sorted({str(group["account"]) for group in groups.values()})
    first = f"{accounts[0]}-{settings.get('aws_region', '').strip()}"
    yield {
        "name": _unused(first, names),
        "settings": {name: settings[name] for name in _KEPT if settings.get(name)},
        "groups": [*groups.values()],
        "collected": {groups[arn]["name"]: inputs for arn, inputs in collected.items()},
    }


def _unused(name: str, names: list[str]) -> str:
    """The name, or the name with a number where an input has it. Splunk's names ignore case."""
    taken, number, unused = {one.lower() for one in names}, 1, name
    while unused.lower() in taken:
        number += 1
        unused = f"{name}-{number}"
    return unused

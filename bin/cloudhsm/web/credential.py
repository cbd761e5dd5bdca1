"""`cloudhsm/credential`: what Splunk's password storage has for this add-on. No secret is returned.

GET lists credentials and the inputs that name them, POST stores one, DELETE removes one that no
input names. Secrets go from the request to the password storage, never into inputs.conf.
"""

from __future__ import annotations

from cloudhsm.base import aws_identity
from cloudhsm.base.aws_identity import Secret
from cloudhsm.base.errors import CloudHsmError, Place, SettingError, refused_setting
from cloudhsm.splunk.password_storage import (
    CredentialList,
    Entry,
    SplunkPasswordStorage,
    proxy_realm,
)
from cloudhsm.web.rest_request import Request, RequestRefused, Response

AWS, PROXY = "aws", "proxy"


def listed(request: Request) -> Response:
    """Every credential: `kind`, `name`, `host`, `user_end`, and `inputs` that name it."""
    credentials = CredentialList(request.server_uri, request.session_key).entries()
    inputs = SplunkPasswordStorage(request.server_uri, request.session_key).inputs()
    found = [{**one._asdict(), "inputs": _users_of(one, inputs)} for one in credentials]
    return Response(200, {"credentials": found})


def store(request: Request) -> Response:
    """Store a credential, or with `replaces` another secret for one that exists.

    Body: `kind` aws with `name`, `access_key_id`, `secret_access_key`; or `kind` proxy with `name`,
    `proxy_url`, `user`, `password`. `replaces` is `user_end` of the entry that the caller saw, so
    that of two people who replace one, the second hears of the first. Raises CloudHsmError.
    """
    of_name = _name if request.text("replaces", "") else _new_name
    kind, name = _kind(request.text("kind")), of_name(request.text("name"))
    secrets = SplunkPasswordStorage(request.server_uri, request.session_key)
    host = ""
    if kind == AWS:
        secret = _aws_keys(request)
    else:
        host, secret = _proxy_user(request)
    _refuse_overwriting(request, Entry(kind, name, _bound(host), ""))
    if kind == AWS:
        secrets.put_aws_keys(name, secret)
    else:
        secrets.put_proxy_user(name, host, secret)
    return Response(200, {"stored": {"kind": kind, "name": name, "host": host}})


def delete(request: Request) -> Response:
    """Body: `kind`, `name`, and `host` of a proxy. Raises CloudHsmError."""
    wanted = Entry(_kind(request.text("kind")), _name(request.text("name")), "", "")
    if wanted.kind == PROXY:
        wanted = wanted._replace(host=_bound(request.text("host")))
    inputs = SplunkPasswordStorage(request.server_uri, request.session_key).inputs()
    if users := _users_of(wanted, inputs):
        raise RequestRefused(
            409,
            f"The credential {wanted.name!r} is used by {', '.join(users)}",
            place=Place(setting="name"),
            next_step="Give these inputs another credential first",
        )
    credentials = CredentialList(request.server_uri, request.session_key)
    if wanted.kind == AWS:
        was_there = credentials.delete_aws_keys(wanted.name)
    else:
        was_there = credentials.delete_proxy_user(wanted.name, wanted.host)
    if not was_there:
        raise _missing(wanted)
    return Response(200, {"deleted": {"kind": wanted.kind, "name": wanted.name}})


def _refuse_overwriting(request: Request, wanted: Entry) -> None:
    """Raises RequestRefused where the entry is not as the caller saw it."""
    entries = CredentialList(request.server_uri, request.session_key).entries()
    present = [one for one in entries if one[:3] == wanted[:3]]
    is_replaced = request.body.get("replaces") is not None
    if present and not is_replaced:
        raise RequestRefused(
            409,
            f"There is a credential {wanted.name!r} already",
            place=Place(setting="name"),
            next_step="Take another name, or replace that one",
        )
    if is_replaced and not present:
        raise _missing(wanted)
    if is_replaced and request.text("replaces") != present[0].user_end:
        raise RequestRefused(
            409,
            f"The credential {wanted.name!r} was changed by somebody else",
            place=Place(setting="name"),
            next_step="Load the list again, then decide",
        )


def _missing(wanted: Entry) -> RequestRefused:
    return RequestRefused(
        404,
        f"There is no credential {wanted.name!r}",
        place=Place(setting="name"),
        next_step="Load the list again",
    )


def _users_of(entry: Entry, inputs: dict[str, dict[str, str]]) -> list[str]:
    """The inputs that name a credential, sorted."""
    users = []
    for name, settings in inputs.items():
        if entry.kind == AWS:
            is_user = settings.get("aws_credential") == entry.name
        else:
            is_user = settings.get("proxy_credential") == entry.name and (
                _bound(_host_of_input(settings)) == entry.host
            )
        if is_user:
            users.append(name)
    return sorted(users)


def _aws_keys(request: Request) -> Secret:
    """By the rules of the input's own settings. Raises SettingError."""
    given = {
        "aws_access_key_id": request.text("access_key_id").strip(),
        "aws_secret_access_key": request.text("secret_access_key").strip(),
    }
    keys = aws_identity.parse(given).keys
    if keys is None:
        raise refused_setting(
            "aws_secret_access_key", "is missing", "Type the secret access key as AWS showed it"
        )
    return keys


def _proxy_user(request: Request) -> tuple[str, Secret]:
    """The proxy's host, and user and password for it. Raises SettingError."""
    host = _host(request.text("proxy_url").strip())
    if not host:
        raise refused_setting("proxy_url", "is missing", "Write http://HOST:PORT")
    user = aws_identity.proxy_user(request.text("user"), request.text("password"), "user")
    return host, user


def _host(proxy_url: str) -> str:
    """The host of a proxy's URL; "" for none. Raises SettingError where it is no URL of one."""
    return aws_identity.parse({"proxy_url": proxy_url}).proxy_host or ""


def _host_of_input(settings: dict[str, str]) -> str:
    """The same for an input; "" where its URL cannot be used."""
    try:
        return _host(settings.get("proxy_url", ""))
    except CloudHsmError:
        return ""


def _bound(host: str) -> str:
    """A host as the realm of its entry names it."""
    return proxy_realm(host).partition("@")[2]


def _kind(text: str) -> str:
    if text not in (AWS, PROXY):
        raise SettingError(
            "kind is neither aws nor proxy", place=Place(setting="kind"), next_step="Send aws"
        )
    return text


def _new_name(text: str) -> str:
    """~ begins the names that the add-on gives itself; of a name in dots, a path could be made."""
    return _name("" if text.startswith("~") or not text.strip(".") else text)


def _name(text: str) -> str:
    if not aws_identity.is_credential_name(text):
        raise refused_setting(
            "name",
            "is not the name of a credential",
            "Use up to 100 letters, digits and _ . @ -",
        )
    return text

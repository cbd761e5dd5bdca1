"""Why an endpoint cannot be reached, by the exceptions that led to the failure, and what to do.

Exceptions of botocore and urllib3 are known by their names: this module does not import them.
"""

from __future__ import annotations

import errno
import re
import socket
import ssl
from collections.abc import Iterator
from typing import NamedTuple

from cloudhsm.base.aws_identity import AwsIdentity


class Cause(NamedTuple):
    """What prevents a connection, and the next step; both empty where no exception shows it.

    is_of_one_call: there is a connection, but no response, which another call may get.
    """

    what: str = ""
    next_step: str = ""
    is_of_one_call: bool = False


def cause(error: BaseException, identity: AwsIdentity, setting: str) -> Cause:
    """Why an endpoint cannot be reached. setting: the one that names the endpoint."""
    causes = [*_causes(error)]
    names = {type(error).__name__ for error in causes}
    limit = re.search(r"timeout=([\d.]+)", " ".join(map(str, causes)))
    seconds = f" within {limit[1]} s" if limit else ""
    if "ProxyConnectionError" in names:
        return _of_proxy(causes, identity)
    if _any(causes, socket.gaierror):
        return Cause(
            "The host's name cannot be resolved (DNS)",
            f"Check aws_region and {setting}, and whether this host's DNS knows the name",
        )
    if _any(causes, ssl.SSLError):
        return Cause(
            f"TLS failed ({causes[-1]})",
            "If a proxy inspects TLS, name the file of its CA in ca_bundle; otherwise check that "
            f"{setting} is an endpoint of AWS",
        )
    if _any(causes, ConnectionRefusedError):
        return Cause(
            "The connection is refused", f"Check {setting} and its port, proxy and firewall"
        )
    if "ConnectTimeoutError" in names:
        return Cause(
            f"There is no connection{seconds}", "Check firewall and routes; name a proxy if needed"
        )
    if "ReadTimeoutError" in names:
        return Cause(
            f"There is a connection, but no response{seconds}",
            f"Check {setting} and the proxy",
            is_of_one_call=True,
        )
    if _any(causes, ConnectionResetError) or "ConnectionClosedError" in names:
        return Cause(
            "The connection was closed without a response",
            f"Check {setting}, proxy, firewall",
            is_of_one_call=True,
        )
    if any(
        getattr(error, "errno", None) in (errno.ENETUNREACH, errno.EHOSTUNREACH) for error in causes
    ):
        return Cause(
            "There is no route to the host", "Check the network of this host, or name a proxy"
        )
    return Cause()


def _of_proxy(causes: list[BaseException], identity: AwsIdentity) -> Cause:
    is_ours = identity.proxy_url is not None
    url, user = (
        ("proxy_url", "proxy_credential")
        if is_ours
        else ("HTTPS_PROXY", "NO_PROXY of the user who runs Splunk")
    )
    if "Tunnel connection failed" in str(causes[-1]):
        return Cause(
            f"The proxy does not connect to AWS ({causes[-1]})",
            f"Check {url} and {user}, and the proxy's rules",
        )
    return Cause(
        f"The proxy cannot be reached ({causes[-1]})",
        f"Check {url}: host, port, and whether the proxy is running",
    )


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """An exception and those that led to it, the last first."""
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _any(causes: list[BaseException], kind: type[BaseException]) -> bool:
    return any(isinstance(error, kind) for error in causes)

"""Why an endpoint cannot be reached leads the message; the next step names what to check."""

from __future__ import annotations

import socket
import ssl

import pytest
from botocore.exceptions import ConnectTimeoutError, ProxyConnectionError, ReadTimeoutError

from cloudhsm.aws.reachability import Cause, cause
from cloudhsm.base.aws_identity import AwsIdentity

URL = "https://logs.us-east-1.amazonaws.com"
OURS = AwsIdentity(proxy_url="http://p.example:3128")


def caused(by: BaseException) -> Exception:
    """An error that another one led to."""
    error = ValueError("cannot be reached")
    error.__cause__ = by
    return error


@pytest.mark.parametrize(
    ("by", "what", "next_step"),
    [
        (socket.gaierror(-2, "unknown"), "The host's name cannot be resolved (DNS)", "this DNS"),
        (ssl.SSLCertVerificationError("self-signed"), "TLS failed (('self-signed',))", "ca_bundle"),
        (ConnectionRefusedError(), "The connection is refused", "sts_endpoint_url"),
        (ConnectTimeoutError(endpoint_url=URL), "There is no connection", "firewall"),
        (ReadTimeoutError(endpoint_url=URL), "There is a connection, but no response", "proxy"),
        (ConnectionResetError(), "The connection was closed without a response", "firewall"),
        (OSError(101, "Network is unreachable"), "There is no route to the host", "network"),
        (OSError(113, "No route to host"), "There is no route to the host", "network"),
    ],
)
def test_the_exception_that_led_to_it_is_the_cause(
    by: BaseException, what: str, next_step: str
) -> None:
    found = cause(caused(by), AwsIdentity(), "sts_endpoint_url")
    assert found.what == what
    assert next_step.replace("this DNS", "this host's DNS") in found.next_step


@pytest.mark.parametrize(
    ("identity", "setting"), [(OURS, "proxy_url"), (AwsIdentity(), "HTTPS_PROXY")]
)
@pytest.mark.parametrize(
    ("by", "what", "next_step"),
    [
        ("Tunnel connection failed: 407", "The proxy does not connect to AWS", "rules"),
        ("refused", "The proxy cannot be reached", "port"),
    ],
)
def test_a_proxy_is_named_by_the_setting_that_names_it(
    identity: AwsIdentity, setting: str, by: str, what: str, next_step: str
) -> None:
    error = ProxyConnectionError(proxy_url=URL, error="x")
    error.__cause__ = OSError(by)
    found = cause(error, identity, "endpoint_url")
    assert found.what == f"{what} ({by})"
    assert next_step in found.next_step
    assert f"Check {setting}" in found.next_step


def test_what_no_exception_shows_stays_open() -> None:
    assert cause(caused(ValueError("odd")), AwsIdentity(), "endpoint_url") == Cause()

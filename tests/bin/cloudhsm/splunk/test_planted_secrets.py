"""Sixty and more kinds of secrets, planted where logs and settings have them: none is found."""

from __future__ import annotations

import base64
import json

import pytest

from cloudhsm.splunk.support_bundle import Redactor

KEY = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"  # 40 characters, as AWS's
PLAIN = "correct-horse-battery"
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhbGljZSJ9.c2lnbmF0dXJlLW9mLWl0"
GUID = "0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0"
TOKEN = "IQoJb3JpZ2luX2VjEXAMPLE" + "Ab3/+=" * 30
PEM = base64.b64encode(bytes(range(48)) + b"Zz9" * 12).decode()
# The secret and the text that it is planted in.
PLANTED = {
    "webhook of Slack": (
        "T0AAAAAAA/B0BBBBBBB/" + "x1Y2" * 6,
        "https://hooks.slack.com/services/{}",
    ),
    "webhook of Teams": (GUID, "https://example.webhook.office.com/webhookb2/{}/IncomingWebhook"),
    "webhook of Discord": ("1234/abcDEF", "https://discord.com/api/webhooks/{}"),
    "webhook of PagerDuty": (GUID, "https://events.pagerduty.com/integration/{}/enqueue"),
    "webhook setting": (PLAIN, "webhook_url = {}"),
    "JSON Web Token": (JWT, "got {} from it"),
    "JSON Web Token in a cookie": (JWT, "id={}; Path=/"),
    "bearer token": (JWT, "Authorization: Bearer {}"),
    "token of HEC": (GUID, "Authorization: Splunk {}"),
    "basic authentication": ("YWRtaW46Y29ycmVjdC1ob3JzZQ==", "Proxy-Authorization: Basic {}"),
    "--seed-passwd": (PLAIN, "splunk start --accept-license --seed-passwd {} --no-prompt"),
    "--seed-passwd with =": (PLAIN, "splunk start --seed-passwd={} --no-prompt"),
    "--external-id": (PLAIN, "aws sts assume-role --role-arn x --external-id {} --output json"),
    "--external-id quoted": (PLAIN + " staple", "--external-id '{}' --x"),
    "--password": (PLAIN, "tool --password {}"),
    "--proxy-password": (PLAIN, "tool --proxy-password {}"),
    "--passphrase": (PLAIN, "gpg --batch --passphrase {} file"),
    "--secret-access-key": (PLAIN, "tool --aws-secret-access-key {}"),
    "--client-secret": (PLAIN, "tool --client-secret={}"),
    "-auth": (f"admin:{PLAIN}", "splunk list inputstatus -auth {}"),
    "cookie header": (PLAIN, "Cookie: a=1; splunkd_8089={}; b=2"),
    "set-cookie header": (PLAIN, "Set-Cookie: session_id={}; HttpOnly"),
    "cookie in Python": (PLAIN, "{{'Cookie': 'splunkd_8089={}'}}"),
    "SAML response": ("PHNhbWxwOlJlc3BvbnNl" + "QUJD" * 4, "SAMLResponse={}&RelayState=x"),
    "SAML assertion": (PLAIN, "<saml:Assertion>{}</saml:Assertion>"),
    "passphrase": (PLAIN, "passphrase: {}"),
    "passphrase with =": (PLAIN, "sslPassphrase={}"),
    "password in conf": (PLAIN, "sslPassword = {}"),
    "pass4SymmKey": (PLAIN, "pass4SymmKey = {}"),
    "pwd": (PLAIN, "pwd={}"),
    "passwd in JSON": (PLAIN, '{{"passwd": "{}"}}'),
    "api key": (PLAIN, "api_key={}"),
    "API key header": (PLAIN, "X-Api-Key: {}"),
    "account key": (PLAIN, "AccountKey={}"),
    "private key": (PLAIN, "private_key = {}"),
    "client secret in JSON": (PLAIN, '{{"client_secret": "{}"}}'),
    "external ID in a policy": (PLAIN, '{{"sts:ExternalId": "{}"}}'),
    "external_id": (PLAIN, "external_id = {}"),
    "ExternalId in a form": (PLAIN, "Action=AssumeRole&ExternalId={}&Version=2011-06-15"),
    "secret key by itself": (KEY, "it is {} indeed"),
    "secret key after =": (KEY, "key={}"),
    "secret key after /": (KEY, "dir/{}"),
    "secret key after -": (KEY, "x-{}"),
    "secret key before =": (KEY, "{}=x"),
    "secret key before -": (KEY, "{}-x"),
    "secret key before /": (KEY, "{}/x"),
    "secret key in quotes": (KEY, '"{}"'),
    "secret key in parentheses": (KEY, "({})"),
    "secret key before a dot": (KEY, "{}."),
    "secret key after _": (KEY, "x_{}"),
    "secret access key": (KEY, "aws_secret_access_key = {}"),
    "secret access key of STS": (KEY, "<SecretAccessKey>{}</SecretAccessKey>"),
    "session token": (TOKEN, "AWS_SESSION_TOKEN={}"),
    "session token by itself": (TOKEN, "it is {} indeed"),
    "security token header": (TOKEN, "X-Amz-Security-Token: {}"),
    "signature": ("a1b2c3" * 10, "X-Amz-Signature={}&x"),
    "session key": (PLAIN, "<session_key>{}</session_key>"),
    "user info of a URL": (PLAIN, "http://user:{}@proxy.example:3128"),
    "token of GitHub": ("ghp_" + "aB3" * 12, "clone with {}"),
    "token of GitLab": ("glpat-" + "aB3_" * 5, "clone with {}"),
    "token of Slack": ("xoxb-123456789012-" + "aB3" * 8, "post with {}"),
    "token of Vault": ("hvs." + "aB3" * 10, "read with {}"),
    "key of Google": ("AIza" + "aB3-" * 9, "call with {}"),
    "private key on one line": (
        PEM,
        "-----BEGIN RSA PRIVATE KEY-----{}-----END RSA PRIVATE KEY-----",
    ),
    "a line of a private key": (PEM, "{}"),
    "private key in JSON": (PEM, '"-----BEGIN PRIVATE KEY-----\\n{}\\n-----END PRIVATE KEY-----"'),
    "access token": (PLAIN, "access_token={}"),
    "refresh token in JSON": (PLAIN, '{{"refresh_token":"{}"}}'),
    "secret in JSON in JSON": (PLAIN, '"{{\\"secret\\": \\"{}\\"}}"'),
}


def test_sixty_kinds_are_planted() -> None:
    assert len(PLANTED) >= 60


@pytest.mark.parametrize(("secret", "text"), PLANTED.values(), ids=PLANTED)
def test_no_planted_secret_is_found(secret: str, text: str) -> None:
    shown = Redactor().text(f"before {text.format(secret)} after")
    for part in (secret, secret[:12], secret[-12:]):
        assert part not in shown, shown
    assert "***" in shown


@pytest.mark.parametrize(
    "name", ["SPLUNK_PASSWORD", "GITHUB_TOKEN", "DB_PASSWD", "SLACK_WEBHOOK_SECRET", "MY_API_KEY"]
)
def test_the_value_of_any_variable_that_names_a_secret_is_hidden_everywhere(name: str) -> None:
    redactor = Redactor()
    redactor.learn(name, PLAIN)
    assert PLAIN not in redactor.text(json.dumps({"message": f"it was {PLAIN}!"}))

from __future__ import annotations

import logging
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from cloudhsm.base import redaction
from cloudhsm.base.errors import AccessDenied, Place, pair
from cloudhsm.splunk import log_file
from cloudhsm.splunk.log_file import file_name, open_log, to_stderr

STANZA = "aws_cloudhsm://prod"
# In the form of AWS's, with values that are nobody's.
SECRET = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
TOKEN = "IQoJb3JpZ2luX2VjEXAMPLE" + "Ab3/+=" * 30
SESSION_KEY = "Kd9^x_2wHnEXAMPLEsplunkd00sessionkey"

log = logging.getLogger("cloudhsm")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "var" / "log" / "splunk").mkdir(parents=True)
    return tmp_path


@pytest.fixture(autouse=True)
def logging_as_before(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Handlers, levels, hidden values and the hook for uncaught errors are the process's own."""
    monkeypatch.setattr(redaction, "_concealed", set())
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)
    root = logging.getLogger()
    handlers, names = root.handlers[:], ("", "botocore", "urllib3", *log_file._NEVER_DEBUG)
    levels = [logging.getLogger(name).level for name in names]
    yield
    root.handlers[:] = handlers
    for name, level in zip(names, levels):
        logging.getLogger(name).setLevel(level)


def path_in(home: Path, stanza: str = STANZA) -> Path:
    return home / "var" / "log" / "splunk" / file_name(stanza)


def lines(home: Path) -> list[str]:
    return path_in(home).read_text("ascii").splitlines()


def written(home: Path, message: str, *, logger: str = "cloudhsm", level: str = "INFO") -> str:
    """The one line that a message becomes."""
    with open_log(STANZA, level, home):
        logging.getLogger(logger).error(message)
    (line,) = lines(home)
    return line


def test_a_line_has_time_level_input_and_what_is_said(home: Path) -> None:
    line = written(home, f"{pair('input', STANZA)} what=run_ended groups=2")
    head = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z level=ERROR input=aws_cloudhsm://prod "
    assert re.fullmatch(head + "what=run_ended groups=2", line)


def test_an_error_stands_in_the_file_as_it_tells_itself(home: Path) -> None:
    error = AccessDenied('AWS says "no"', place=Place(group="/aws/x"), next_step="Allow it")
    assert written(home, error.line()).endswith(f" {pair('input', STANZA)} {error.line()}")


@pytest.mark.parametrize(
    ("level", "kept"),
    [
        ("DEBUG", ["DEBUG", "INFO", "WARN", "ERROR"]),
        ("INFO", ["INFO", "WARN", "ERROR"]),
        ("WARN", ["WARN", "ERROR"]),
        ("ERROR", ["ERROR"]),
    ],
)
def test_the_file_has_the_level_asked_for_and_stderr_warnings_always(
    home: Path, capsys: pytest.CaptureFixture[str], level: str, kept: list[str]
) -> None:
    path_in(home).touch()
    to_stderr()
    with open_log(STANZA, level, home):
        for number in (10, 20, 30, 40):
            log.log(number, "what=%d", number)
    assert re.findall(r"level=(\w+)", "\n".join(lines(home))) == kept
    assert capsys.readouterr().err == "WARN what=30\nERROR what=40\n"


def test_stderr_says_where_the_file_is_when_there_was_none(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    to_stderr()
    for _ in range(2):
        with open_log(STANZA, "INFO", home):
            log.info("what=x")
    where = pair("file", str(path_in(home)))
    assert capsys.readouterr().err == f"INFO input=aws_cloudhsm://prod what=log_begun {where}\n"


def test_after_the_block_stderr_has_everything_again(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path_in(home).touch()
    with open_log(STANZA, "ERROR", home):
        pass
    log.info("what=after")
    log.debug("what=too_much")
    assert capsys.readouterr().err == "INFO what=after\n"
    assert lines(home) == []


@pytest.mark.parametrize("obstacle", ["missing", "a_file"])
def test_without_a_usable_folder_everything_goes_to_stderr_and_why_is_said_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], obstacle: str
) -> None:
    if obstacle == "a_file":
        (tmp_path / "var").touch()
    with open_log(STANZA, "INFO", tmp_path) as path:
        log.info("what=one")
        log.info("what=two")
    assert path is None
    said = capsys.readouterr().err.splitlines()
    assert said[0].startswith("WARN input=aws_cloudhsm://prod what=log_on_stderr_only file=")
    assert said[1:] == ["INFO what=one", "INFO what=two"]


def test_a_folder_without_write_permission_is_no_failure(
    home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def denied(*_: object) -> int:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(log_file, "_private", denied)  # root, who runs tests, may write anywhere
    with open_log(STANZA, "INFO", home):
        log.info("what=on")
    said = capsys.readouterr().err.splitlines()
    assert "Permission denied" in said[0]
    assert said[1] == "INFO what=on"


def test_outside_splunk_there_is_no_file(capsys: pytest.CaptureFixture[str]) -> None:
    with open_log(STANZA, "WARN", None):
        log.info("what=small")
        log.warning("what=big")
    assert capsys.readouterr().err.splitlines()[1:] == ["WARN what=big"]


def test_a_file_that_cannot_be_written_is_told_once_and_the_run_goes_on(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    full = path_in(home)
    full.symlink_to("/dev/full")
    with open_log(STANZA, "INFO", home):
        log.info("what=one")
        log.info("what=two")
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("WARN what=log_not_written file=")
    assert "No space left" in line


def test_the_files_are_bounded_in_size_and_number(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_file, "MAX_BYTES", 2000)
    with open_log(STANZA, "INFO", home):
        for number in range(500):
            log.info("what=%d", number)
    files = sorted(path_in(home).parent.iterdir())
    assert [path.name[len("ta_aws_cloudhsm_prod") :] for path in files] == [
        ".log",
        *(f".log.{number}" for number in range(1, log_file.OLD_FILES + 1)),
    ]
    assert all(path.stat().st_size <= 2000 for path in files)
    assert lines(home)[-1].endswith("what=499")


def test_a_file_that_cannot_be_renamed_begins_anew_and_stays_bounded(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def busy(*_: object) -> None:
        raise PermissionError(13, "in use")  # as on Windows, while splunkd reads the file

    monkeypatch.setattr(log_file, "MAX_BYTES", 2000)
    monkeypatch.setattr(os, "rename", busy)
    with open_log(STANZA, "INFO", home):
        for number in range(500):
            log.info("what=%d", number)
    assert path_in(home).stat().st_size <= 2000
    assert lines(home)[-1].endswith("what=499")
    assert len([*path_in(home).parent.iterdir()]) == 1


def test_only_its_owner_may_read_the_file(home: Path) -> None:
    written(home, "what=x")
    assert path_in(home).stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("name", ["prod", "eu-west_1.prod", "a" * 80])
def test_a_plain_name_names_its_file(name: str) -> None:
    assert file_name(f"aws_cloudhsm://{name}") == f"ta_aws_cloudhsm_{name}.log"


@given(st.text(min_size=1, max_size=120), st.text(min_size=1, max_size=120))
@example("prod", "Prod")
@example("a b", "a_b")
@example("a/b", "a_b")
@example("a" * 81, "a" * 82)
def test_two_inputs_never_share_a_file(one: str, other: str) -> None:
    names = [file_name(f"aws_cloudhsm://{name}") for name in (one, other)]
    assert all(re.fullmatch(r"ta_aws_cloudhsm_[\w.-]{1,93}\.log", n, re.ASCII) for n in names)
    assert (names[0].lower() == names[1].lower()) == (one == other)


def test_a_name_made_to_look_like_another_ones_file_gets_its_own() -> None:
    forged = file_name("aws_cloudhsm://Prod")[len("ta_aws_cloudhsm_") : -len(".log")].lower()
    assert file_name(f"aws_cloudhsm://{forged}").lower() != file_name("aws_cloudhsm://Prod").lower()


TELLING = {
    "a header": f"X-Amz-Security-Token: {TOKEN}",
    "headers as Python prints them": f"{{'X-Amz-Security-Token': b'{TOKEN}', 'Host': b'h'}}",
    "headers as pairs": f"[('X-Amz-Security-Token', '{TOKEN}')]",
    "a canonical request": f"POST\n/\n\nhost:h\nx-amz-security-token:{TOKEN}\n\nhost",
    "a query": f"https://h/?X-Amz-Security-Token={quote(TOKEN, safe='')}&X-Amz-Signature=ab12",
    "an answer of STS": f"<SecretAccessKey>{SECRET}</SecretAccessKey><SessionToken>{TOKEN}</",
    "an answer of the instance": f'{{"SecretAccessKey" : "{SECRET}", "Token" : "{TOKEN}"}}',
    "JSON in JSON": f'"{{\\"SecretAccessKey\\": \\"{SECRET}\\"}}"',
    "a credentials file": f"aws_secret_access_key = {SECRET}\naws_session_token={TOKEN}",
    "the environment": f"AWS_SECRET_ACCESS_KEY={SECRET}",
    "a signature": f"Authorization: AWS4-HMAC-SHA256 Credential=AKIA/x, Signature={SECRET}",
    "splunkd's header": f"authorization: Splunk {SESSION_KEY}",
    "splunkd's header as Python prints it": f"{{'Authorization': 'Splunk {SESSION_KEY}'}}",
    "splunkd's document": f"<session_key>{SESSION_KEY}</session_key>",
    "a setting": f"session_key={SESSION_KEY}",
    "a proxy": f"http://user:{SECRET}@proxy:3128/",
    "a proxy with a name only": f"http://{SECRET}@proxy:3128/",
    "a password with signs": "password='a, b; wJalr c'",
    "a key by itself": f"is {SECRET} right?",
    "a token by itself": f"is {TOKEN} right?",
    "an unfinished text": f"{{'SecretAccessKey': '{SECRET}",
}


@pytest.mark.parametrize("logger", ["cloudhsm", "botocore.auth"])
@pytest.mark.parametrize("text", TELLING.values(), ids=TELLING.keys())
def test_no_secret_reaches_file_or_stderr(
    home: Path, capsys: pytest.CaptureFixture[str], text: str, logger: str
) -> None:
    told = written(home, pair("what", text), logger=logger) + capsys.readouterr().err
    path_in(home).unlink()
    told += written(home, text, logger=logger) + capsys.readouterr().err
    for secret in (SECRET, TOKEN, quote(TOKEN, safe=""), SESSION_KEY):
        assert secret[:12] not in told
        assert secret[-12:] not in told
    assert "wJalr" not in told
    assert "***" in told


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("AWS_SECRET_ACCESS_KEY", "plainly"),
        ("AWS_SESSION_TOKEN", "plainly"),
        ("HTTPS_PROXY", "http://user:plainly@proxy:3128"),
        ("https_proxy", "user:plainly@proxy:3128"),
    ],
)
def test_secrets_of_the_environment_are_hidden(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    name: str,
    value: str,
) -> None:
    monkeypatch.setenv(name, value)
    to_stderr()
    log.error("it said plainly so")
    assert capsys.readouterr().err == "ERROR it said *** so\n"


def test_an_exception_is_one_line_without_secrets(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with open_log(STANZA, "INFO", home):
        try:
            int(f"session_key={SESSION_KEY}\nERROR forged")
        except ValueError:
            log.exception("what=failed")
    (line,) = lines(home)
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 2  # where the file is, and this
    assert "ValueError" in line
    assert SESSION_KEY not in line + said[1]


def test_what_no_one_catches_is_told_on_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    to_stderr()
    error = KeyError(f"session_key={SESSION_KEY}")
    sys.excepthook(KeyError, error, None)
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("FATAL what=uncaught trace=")
    assert SESSION_KEY not in line


@given(st.text(st.characters(), max_size=60), st.sampled_from(["cloudhsm", "botocore.x"]))
@example("a\nINFO forged", "cloudhsm")
@example("a\r\n2026-11-22T20:00:00.000Z level=ERROR forged=yes", "botocore.x")
@example("\u2028\x85\x0b\x1c", "cloudhsm")
@example('what=a" error=Forged token="', "cloudhsm")
@example("\ud800", "cloudhsm")
@example("\u00b9=0", "cloudhsm")
def test_hostile_text_forges_neither_a_line_nor_a_key(text: str, logger: str) -> None:
    for formatter in (log_file._FileFormatter(STANZA), log_file._StderrFormatter()):
        for message in (pair("what", text), text):
            record = logging.LogRecord(logger, 40, "f", 1, message, None, None)
            line = formatter.format(record)
            assert line.isascii()
            assert line.isprintable()
            assert len(line.splitlines()) == 1


@given(st.text(st.sampled_from("token=\"' \\secret:>,error=A\n"), max_size=40))
@example('token=abc" error=Forged')
@example("password='abc\" error=Forged")
@example("token=")
def test_hiding_leaves_the_quotes_of_a_pair_in_their_places(text: str) -> None:
    message = f"{pair('what', text)} {pair('next', 'x error=Forged y')}"
    record = logging.LogRecord("cloudhsm", 40, "f", 1, message, None, None)
    line = log_file._FileFormatter(STANZA).format(record)
    keys = [found[1] for found in redaction._PAIR.finditer(line)]
    assert keys == ["level", "input", "what", "next"]


def test_a_text_of_a_library_becomes_a_value(home: Path) -> None:
    line = written(home, "error=Forged input=x", logger="botocore.parsers")
    assert line.endswith(
        'level=ERROR input=aws_cloudhsm://prod logger=botocore.parsers what="error=Forged input=x"'
    )


def test_arguments_that_do_not_fit_cost_no_line() -> None:
    record = logging.LogRecord("cloudhsm", 20, "f", 1, "what=%d", ("x",), None)
    assert "its arguments do not fit" in log_file._StderrFormatter().format(record)


def test_a_huge_line_is_cut_below_what_splunk_takes(home: Path) -> None:
    line = written(home, "x" * 1_000_000, logger="urllib3.connectionpool")
    assert len(line) < 10_000
    assert re.search(r" cut=\d+$", line)


@pytest.mark.parametrize(("level", "expected"), [("INFO", 0), ("DEBUG", 1)])
def test_libraries_speak_at_debug_only(home: Path, level: str, expected: int) -> None:
    with open_log(STANZA, level, home):
        logging.getLogger("botocore.endpoint").info("Making request")
    assert len(lines(home)) == expected


@pytest.mark.parametrize("logger", log_file._NEVER_DEBUG)
def test_audit_records_never_enter_the_log(home: Path, logger: str) -> None:
    with open_log(STANZA, "DEBUG", home):
        logging.getLogger(logger).debug("Response body: a record")
    assert lines(home) == []


@pytest.mark.parametrize("kept_in", ["environment", "file"])
def test_all_that_botocore_says_at_debug_holds_no_secret(
    home: Path, monkeypatch: pytest.MonkeyPatch, kept_in: str
) -> None:
    from cloudhsm.aws.cloudwatch_logs import CloudWatchLogs
    from cloudhsm.base.settings import parse
    from tests.bin.fakes import GROUP, NOW_MS, ScriptedAws, event, filtered, refusal

    token = "not/of+a=known/form" * 3
    keys = {"access_key_id": "AKIAEXAMPLE", "secret_access_key": SECRET, "session_token": token}
    for name, value in keys.items():
        monkeypatch.setenv(f"AWS_{name.upper()}", value)
        if kept_in == "file":
            monkeypatch.delenv(f"AWS_{name.upper()}")
    profile = home / "credentials"
    profile.write_text("[default]\n" + "".join(f"aws_{k} = {v}\n" for k, v in keys.items()))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(profile))
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nonexistent")
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    aws = ScriptedAws()
    aws.script["FilterLogEvents"] = [
        refusal("ThrottlingException"),
        filtered(event(0, NOW_MS - 1, message="Opcode : CN_LOGIN")),
    ]
    asked = parse(STANZA, {"aws_region": "us-east-1", "endpoint_url": aws.url}, NOW_MS)
    with open_log(STANZA, "DEBUG", home):
        pages = [*CloudWatchLogs(asked).read(GROUP, 0, NOW_MS)]
    aws.shutdown()
    aws.server_close()
    assert len(pages[0].events) == 1
    told = "\n".join(lines(home))
    assert "logger=botocore.auth" in told
    assert "x-amz-security-token:***" in told
    for piece in (SECRET, SECRET[:12], SECRET[-12:], token, token[:12], "CN_LOGIN"):
        assert piece not in told
    assert not re.search(r"Signature=[0-9a-f]|Signature:(\\n)?[0-9a-f]", told)


@pytest.mark.parametrize(("level", "has_trace"), [("INFO", False), ("DEBUG", True)])
def test_the_trace_of_a_library_is_logged_at_debug_only(
    home: Path, level: str, has_trace: bool
) -> None:
    with open_log(STANZA, level, home):
        for name in ("botocore.credentials", "botocore.httpsession"):
            try:
                (home / "missing").read_text()
            except OSError:
                logging.getLogger(name).warning("Refreshing failed", exc_info=True)
    assert any("trace=" in line for line in lines(home)) == has_trace
    assert len(lines(home)) == 1 + has_trace

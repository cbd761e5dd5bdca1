"""The log of one input: a file in Splunk's log folder, without secrets.

A line of the file is `<time> level=<LEVEL> input=<stanza> key=value ...`, in ASCII: a value that
needs quotes has them and control characters are escaped, so that no text can pose as a line or a
key of its own. stderr, which splunkd copies to splunkd.log, has `<LEVEL> key=value ...`.

Secrets are removed from every line on its way out. botocore names headers and tokens at DEBUG.
"""

from __future__ import annotations

import hashlib
import io
import logging
import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timezone
from logging.handlers import RotatingFileHandler
from pathlib import Path
from types import TracebackType
from typing import Literal
from urllib.parse import urlsplit

from cloudhsm.base.errors import pair
from cloudhsm.base.redaction import PAIRS, conceal, redacted, redacted_pairs

# At most 25 MB per input. Splunk indexes a line within seconds, so the files need no longer memory.
MAX_BYTES = 5_000_000
OLD_FILES = 4
# Below Splunk's default TRUNCATE of 10,000 bytes.
MAX_LINE = 9_000

log = logging.getLogger("cloudhsm")

_SEVERITIES = {10: "DEBUG", 20: "INFO", 30: "WARN", 40: "ERROR", 50: "FATAL"}
_LIBRARIES = ("botocore", "urllib3")
# Even at level DEBUG: responses are complete audit records, which belong to their own index
# and nowhere else; and of the hooks there are hundreds of lines per call.
_RAISES_TOO = "botocore.credentials"
_NEVER_DEBUG = ("botocore.parsers", "botocore.hooks")
_FORGING = re.compile(r"[\x00-\x1f\x7f]")


def to_stderr() -> None:
    """Log to stderr only, in the form and with the severities that splunkd understands.

    An uncaught error is logged there too, on one line.
    """
    root = logging.getLogger()
    for handler in [handler for handler in root.handlers if isinstance(handler, _Stderr)]:
        root.removeHandler(handler)
    root.addHandler(_Stderr())
    _set_levels(logging.INFO)
    _conceal_environment()
    sys.excepthook = _log_uncaught


@contextmanager
def open_log(stanza: str, level: str, splunk_home: Path | None) -> Iterator[Path | None]:
    """Log to the input's file in this block; yields its path, None where there can be none.

    stderr then has only what is WARN or worse, so that splunkd.log stays short. Without a file it
    has everything, and the reason once. `level` is one of DEBUG, INFO, WARN, ERROR.
    """
    root = logging.getLogger()
    if not any(isinstance(handler, _Stderr) for handler in root.handlers):
        to_stderr()
    (stderr,) = (handler for handler in root.handlers if isinstance(handler, _Stderr))
    threshold: int = getattr(logging, level)
    file = _opened(stanza, splunk_home)
    if file is not None:
        root.addHandler(file)
        stderr.setLevel(logging.WARNING)
    _set_levels(threshold if file is None else min(threshold, logging.WARNING))
    if file is not None:
        file.setLevel(threshold)
    try:
        yield None if file is None else Path(file.baseFilename)
    finally:
        _set_levels(logging.INFO)
        stderr.setLevel(logging.NOTSET)
        if file is not None:
            root.removeHandler(file)
            file.close()


def file_name(stanza: str) -> str:
    """`ta_aws_cloudhsm_<input>.log`; names that a file cannot have, or not safely, get a digest.

    Two inputs never share a file, not even where `Prod` and `prod` are one file name.
    """
    name = stanza.partition("://")[2] or stanza
    if re.fullmatch(r"[a-z0-9_.-]{1,80}", name) and not re.search(r"-[0-9a-f]{12}\Z", name):
        return f"ta_aws_cloudhsm_{name}.log"
    readable = re.sub(r"[^A-Za-z0-9_.-]+", "_", name)[:80]
    unique = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:12]
    return f"ta_aws_cloudhsm_{readable}-{unique}.log"


def _opened(stanza: str, splunk_home: Path | None) -> _LogFile | None:
    """The handler of the input's file; None, and a line on stderr, where there can be no file."""
    if splunk_home is None:
        log.info("%s what=log_on_stderr_only reason=SPLUNK_HOME_is_not_set", pair("input", stanza))
        return None
    path = splunk_home / "var" / "log" / "splunk" / file_name(stanza)
    is_new = not path.exists()
    try:
        file = _LogFile(path, stanza)
    except OSError as error:
        log.warning(
            "%s what=log_on_stderr_only %s %s %s",
            pair("input", stanza),
            pair("file", str(path)),
            pair("reason", str(error)),
            pair("next", "Give the user that runs Splunk write access to this folder"),
        )
        return None
    if is_new:
        log.info("%s what=log_begun %s", pair("input", stanza), pair("file", str(path)))
    return file


def _set_levels(level: int) -> None:
    logging.getLogger().setLevel(level)
    for name in _LIBRARIES:
        logging.getLogger(name).setLevel(level if level <= logging.DEBUG else logging.WARNING)
    # It logs what it then raises, which is reported as one error.
    logging.getLogger(_RAISES_TOO).setLevel(level if level <= logging.DEBUG else logging.CRITICAL)
    for name in _NEVER_DEBUG:
        logging.getLogger(name).setLevel(logging.WARNING)


def _conceal_environment() -> None:
    """What botocore reads from the environment, and what a proxy's URL may hold."""
    names = ("AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_SECURITY_TOKEN")
    conceal(*(os.environ.get(name) for name in names))
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"):
        url = os.environ.get(name, "")
        with suppress(ValueError):
            conceal(urlsplit(url if "://" in url else f"//{url}").password)


def _log_uncaught(
    kind: type[BaseException], error: BaseException, trace: TracebackType | None
) -> None:
    log.critical("what=uncaught", exc_info=(kind, error, trace))


class _StderrFormatter(logging.Formatter):
    """Severity and message on one line, without secrets."""

    def format(self, record: logging.LogRecord) -> str:
        text, trace = _message(record), _trace(record)
        text = redacted_pairs(text) if _is_pairs(record, text) else redacted(text)
        return f"{_severity(record)} {_cut(_one_line(text + trace))}"


class _FileFormatter(logging.Formatter):
    """Time, level, input and the message as pairs; text that is no pairs becomes one."""

    def __init__(self, stanza: str) -> None:
        super().__init__()
        self._input = pair("input", stanza)

    def format(self, record: logging.LogRecord) -> str:
        instant = datetime.fromtimestamp(record.created, timezone.utc)
        time = instant.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        text = _message(record)
        if _is_pairs(record, text):
            text = redacted_pairs(text)
        else:
            text = f"{pair('logger', record.name)} {pair('what', redacted(text))}"
        if not text.startswith(self._input):
            text = f"{self._input} {text}"
        return f"{time} level={_severity(record)} {_cut(text + _trace(record))}"


class _Stderr(logging.StreamHandler):  # type: ignore[type-arg]  # not generic at run time on 3.9
    """splunkd's end of the log; when it is closed, no log is left."""

    def __init__(self) -> None:
        super().__init__(sys.stderr)
        self.setFormatter(_StderrFormatter())

    def handleError(self, _record: logging.LogRecord) -> None:
        """Nothing: a run must not fail for want of a reader of its log."""


class _LogFile(RotatingFileHandler):
    """A file of bounded size and number, readable by its owner."""

    def __init__(self, path: Path, stanza: str) -> None:
        self._has_failed = False
        super().__init__(path, maxBytes=MAX_BYTES, backupCount=OLD_FILES, encoding="ascii")
        self.setFormatter(_FileFormatter(stanza))

    def _open(self) -> io.TextIOWrapper:
        mode: Literal["a", "w"] = "w" if self.mode == "w" else "a"
        return open(self.baseFilename, mode, encoding="ascii", opener=_private)

    def doRollover(self) -> None:
        """Begin a new file; where the old one cannot be renamed, in its place: bounded it stays."""
        try:
            super().doRollover()
        except OSError:
            self.mode = "w"
            self.stream = self._open()
            self.mode = "a"

    def close(self) -> None:
        """What cannot be written any more was reported before."""
        with suppress(OSError):
            super().close()

    def handleError(self, _record: logging.LogRecord) -> None:
        """Log once that lines are missing here, e.g. for a full disk, and go on."""
        if self._has_failed:
            return
        self._has_failed = True
        reason = pair("reason", redacted(str(sys.exc_info()[1])))
        with suppress(OSError, ValueError):
            file = pair("file", self.baseFilename)
            print(f"WARN what=log_not_written {file} {_one_line(reason)}", file=sys.stderr)


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _severity(record: logging.LogRecord) -> str:
    return _SEVERITIES.get(record.levelno, record.levelname)


def _message(record: logging.LogRecord) -> str:
    try:
        text = record.getMessage()
    except (TypeError, ValueError, KeyError):  # a library's slip must not cost the line
        text = f"{record.msg!r} (its arguments do not fit)"
    return text[: 2 * MAX_LINE]


def _is_pairs(record: logging.LogRecord, text: str) -> bool:
    """Only our own loggers are trusted to quote what is not theirs."""
    return _is_ours(record) and PAIRS.fullmatch(text) is not None


def _is_ours(record: logging.LogRecord) -> bool:
    return record.name.partition(".")[0] == log.name


def _trace(record: logging.LogRecord) -> str:
    """The traceback as one more pair, led by a blank; empty without an exception.

    Of libraries at level DEBUG only: what they trace, our own error states in a line.
    """
    if not record.exc_info or (not _is_ours(record) and not log.isEnabledFor(logging.DEBUG)):
        return ""
    text = logging.Formatter().formatException(record.exc_info)
    return " " + pair("trace", redacted(text))


def _one_line(text: str) -> str:
    """ASCII without control characters: whatever else there was is written as an escape."""
    text = text.replace("\r", "\\r").replace("\n", "\\n").replace("\t", "\\t")
    return _FORGING.sub(
        lambda match: f"\\x{ord(match[0]):02x}", text.encode("ascii", "backslashreplace").decode()
    )


def _cut(text: str) -> str:
    missing = len(text) - MAX_LINE
    return text if missing <= 0 else f"{text[:MAX_LINE]} cut={missing}"

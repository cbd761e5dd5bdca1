"""Writes a zip for the person who analyzes a problem: settings, logs, states, versions, no secrets.

    splunk cmd python aws_cloudhsm_support.py [--output FILE.zip] [--anonymous] [stanza ...]

Without a stanza it is about all inputs. Nothing is changed and nothing is sent: look through the
zip, then attach it. What could not be read is named in its errors.txt. Run this on the host that
collects, as the user that runs Splunk.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import io
import itertools
import os
import platform
import ssl
import sys
import time
import uuid
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

import aws_cloudhsm_state
from cloudhsm import __version__
from cloudhsm.base.arguments import SCHEME
from cloudhsm.base.command_parser import CommandParser
from cloudhsm.base.conf_file import ConfSettings
from cloudhsm.base.errors import CloudHsmError, Place, StateError
from cloudhsm.base.redaction import HIDDEN
from cloudhsm.base.terminal import show
from cloudhsm.splunk import log_file, support_bundle
from cloudhsm.splunk.command_line import checkpoint_folder, refused, utc
from cloudhsm.splunk.support_bundle import Redactor
from cloudhsm.state.input_cache import InputFile, InputState

APP = Path(__file__).resolve().parent.parent
MEGABYTE = 1_000_000
DEFAULT_LOG_MEGABYTES = 20
# Far above what any of these files has where nothing is wrong.
MOST_BYTES = 5 * MEGABYTE
MOST_FILES = 5_000
# splunkd begins a new file at 25 MB, as Splunk ships its log.cfg.
SPLUNKD_BYTES = 25 * MEGABYTE
NOBODY_ELSE = 0o600
_IN_KV_STORE = ("state_store", "kvstore")
_STATES_ELSEWHERE = (
    "states: those of inputs with state_store = kvstore are in KV Store, which this does not ask; "
    "add what `splunk cmd python aws_cloudhsm_state.py show --kvstore` prints, and "
    "`splunk cmd python aws_cloudhsm_replay.py --list --kvstore`"
)

# The stanzas of one inputs.conf with their settings.
Inputs = list[tuple[str, ConfSettings]]


@dataclass
class Bundle:
    """What goes into the zip: texts by the names of their files, each without secrets."""

    redactor: Redactor
    members: dict[str, str] = field(default_factory=dict)
    errors: list[str] = field(default_factory=list)

    def add(self, name: str, text: str) -> None:
        """Add a text, redacted. Nothing enters the bundle in another way."""
        name = self.redactor.text(name).replace(HIDDEN, "___")
        if name in self.members:  # two names that differed in what was hidden
            name = f"{name}.{len(self.members)}"
        self.members[name] = self.redactor.text(text)

    @contextlib.contextmanager
    def noting(self, what: object) -> Iterator[None]:
        """What fails in this block is named in errors.txt, and the rest goes on."""
        try:
            yield
        except Exception as error:  # noqa: BLE001  (the process's edge: half a bundle helps too)
            self.errors.append(f"{what}: {type(error).__name__}: {error}")


@dataclass(frozen=True)
class BundleSources:
    """The folders of this host that the bundle is made from, and what it is limited to."""

    home: Path | None
    checkpoints: Path
    wanted: tuple[str, ...]
    log_bytes: int

    def wants(self, stanza: str) -> bool:
        """Whether the bundle is about this input; the scheme's defaults are always of interest."""
        return not self.wanted or stanza == SCHEME or stanza in self.wanted


def main(arguments: list[str]) -> int:
    """Returns 0, or 1 when no bundle could be written."""
    options = _parser().parse_args(arguments)
    try:
        output, sources = _output(options.output), _sources(options)
        bundle = Bundle(Redactor(options.anonymous))
        _fill(bundle, sources)
        _write(output, bundle.members)
    except (CloudHsmError, OSError) as error:
        show(error, sys.stderr)
        return 1
    show("\n".join(_summary(output, bundle)))
    return 0


def _parser() -> CommandParser:
    parser = CommandParser("aws_cloudhsm_support.py", __doc__)
    parser.add_argument("stanzas", nargs="*", metavar="stanza", help=f"NAME or {SCHEME}://NAME")
    parser.add_argument("--output", type=Path, metavar="FILE.zip", help="a file that is not there")
    parser.add_argument("--anonymous", action="store_true", help="replace AWS account ids too")
    parser.add_argument("--folder", type=Path, help=f"checkpoint folder of the input {SCHEME}")
    parser.add_argument(
        "--log-megabytes",
        type=int,
        default=DEFAULT_LOG_MEGABYTES,
        metavar="N",
        help=f"at most this much of the newest logs, 1 to 500; default: {DEFAULT_LOG_MEGABYTES}",
    )
    return parser


def _output(output: Path | None) -> Path:
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    path = output or Path(f"aws_cloudhsm_support-{stamp}.zip")
    if path.suffix != ".zip":
        raise refused("--output", f"'{path}' is not the name of a zip", "Write FILE.zip")
    if path.exists():
        raise refused("--output", f"'{path}' is there already", "Name a new file")
    if not path.parent.is_dir():
        raise refused("--output", f"'{path.parent}' is not a folder", "Name one that is there")
    return path


def _sources(options: argparse.Namespace) -> BundleSources:
    home = os.environ.get("SPLUNK_HOME")
    if not home and options.folder is None:
        raise refused(
            "SPLUNK_HOME", "is not set, nor --folder given", "Start this by `splunk cmd python`"
        )
    if home and not Path(home).is_dir():
        raise refused("SPLUNK_HOME", f"'{home}' is not a folder", "Start this by `splunk cmd`")
    if options.folder is not None and not options.folder.is_dir():
        raise refused("--folder", f"'{options.folder}' is not a folder", "Leave it out")
    if not 1 <= options.log_megabytes <= 500:
        raise refused("--log-megabytes", "is not a number from 1 to 500", "Leave it out")
    return BundleSources(
        Path(home) if home else None,
        options.folder or checkpoint_folder(os.environ),
        tuple(stanza if "://" in stanza else f"{SCHEME}://{stanza}" for stanza in options.stanzas),
        options.log_megabytes * MEGABYTE,
    )


def _fill(bundle: Bundle, sources: BundleSources) -> None:
    """Everything, secrets being learned before the first text is put in."""
    files = [*_settings(bundle, sources)]
    all_settings = [settings for _, inputs in files for _, settings in inputs]
    for name, value in itertools.chain.from_iterable(all_settings):
        bundle.redactor.learn(name, value)
    variables = {k: v for k, v in sorted(os.environ.items()) if support_bundle.is_telling(k)}
    for name, value in os.environ.items():
        # PWD, SSH_AUTH_SOCK and the like name a place.
        is_secret = support_bundle.names_a_secret(name) and not os.path.exists(value)  # noqa: PTH110  (raises nothing)
        if name in variables or is_secret:
            bundle.redactor.learn(name, value)
    inputs_here = sorted({name for _, inputs in files for name, _ in inputs if "://" in name})
    _check_wanted(sources, inputs_here)

    bundle.add("versions.txt", _versions(bundle, sources))
    shown = [f"{name} = {bundle.redactor.variable(name, variables[name])}" for name in variables]
    bundle.add("environment.txt", "\n".join(shown))
    bundle.add("settings.conf", "\n".join(_shown(files, sources, bundle.redactor)))
    bundle.add("states.txt", "\n\n".join(_states(bundle, sources)))
    if any(_IN_KV_STORE in settings for settings in all_settings):
        bundle.errors.append(_STATES_ELSEWHERE)
    bundle.add("inputs.txt", "\n\n".join(_memories(bundle, sources, inputs_here)))
    bundle.add("checkpoints.txt", "\n".join(_listing(bundle, sources.checkpoints)))
    _add_logs(bundle, sources)
    bundle.add("errors.txt", "\n".join(bundle.errors) or "Everything could be read.")


def _check_wanted(sources: BundleSources, inputs_here: list[str]) -> None:
    logs = sources.home and sources.home / "var" / "log" / "splunk"
    for stanza in sources.wanted:
        if stanza in inputs_here or (logs and (logs / log_file.file_name(stanza)).exists()):
            continue
        known = ", ".join(inputs_here) or "none"
        raise refused("stanza", f"{stanza!r} is not an input of this host", f"Inputs: {known}")


def _settings(bundle: Bundle, sources: BundleSources) -> Iterator[tuple[str, Inputs]]:
    """Of every inputs.conf that has any: our stanzas as they lie there, inputs or defaults."""
    seen = set()
    for path in _conf_files(sources.home):
        with bundle.noting(path):
            if path.resolve() in seen or not path.is_file():
                continue
            seen.add(path.resolve())
            text = _start_of(path).decode("utf-8", "replace")
            if inputs := [*support_bundle.inputs_in(text)]:
                yield str(path), inputs


def _conf_files(home: Path | None) -> Iterator[Path]:
    for layer in ("default", "local"):
        yield APP / layer / "inputs.conf"
    if home is not None:
        # system, apps/NAME and peer-apps/NAME, users/USER/NAME and shcluster/apps/NAME
        for depth in ("*", "*/*", "*/*/*"):
            for layer in ("default", "local"):
                yield from sorted((home / "etc").glob(f"{depth}/{layer}/inputs.conf"))


def _start_of(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(MOST_BYTES)


def _shown(
    files: list[tuple[str, list[tuple[str, ConfSettings]]]],
    sources: BundleSources,
    redactor: Redactor,
) -> Iterator[str]:
    for path, inputs in files:
        yield f"# {path}"
        for stanza, settings in inputs:
            if sources.wants(stanza):
                yield f"[{stanza}]\n{_pairs(settings, redactor)}\n"


def _pairs(settings: ConfSettings, redactor: Redactor) -> str:
    return "\n".join(
        f"{name or '(no setting)'} = {redactor.setting(name, value)}" for name, value in settings
    )


def _versions(bundle: Bundle, sources: BundleSources) -> str:
    lines = [
        f"TA-aws-cloudhsm {__version__} in {APP}",
        f"Python {platform.python_version()} ({sys.executable})",
        f"platform {platform.platform()} {platform.machine()}",
        f"{ssl.OPENSSL_VERSION}, MD5 {'allowed' if _is_md5_allowed() else 'refused (FIPS)'}",
        f"written {utc(time.time())}",
    ]
    libraries = sorted((APP / "lib").glob("*/*.dist-info"))
    lines += [f"lib/{library.parent.name}/{library.stem}" for library in libraries] or [
        "no lib folder"
    ]
    if sources.home is not None:
        path = sources.home / "etc" / "splunk.version"
        with bundle.noting(path):
            lines += ["", f"# {path}", _start_of(path).decode("utf-8", "replace")]
    return "\n".join(lines)


def _is_md5_allowed() -> bool:
    try:
        hashlib.md5(b"")  # noqa: S324  (asks whether OpenSSL is in FIPS mode)
    except ValueError:
        return False
    return True


def _states(bundle: Bundle, sources: BundleSources) -> Iterator[str]:
    """What `aws_cloudhsm_state.py show` shows of each group."""
    folder = sources.checkpoints
    generations = [*folder.glob("*.state"), *folder.glob("*.previous")]
    for path in sorted({path.with_suffix(".state") for path in generations}):
        shown, failed = io.StringIO(), io.StringIO()
        with bundle.noting(path):
            with contextlib.redirect_stdout(shown), contextlib.redirect_stderr(failed):
                status = aws_cloudhsm_state.main(["show", str(path)])
            if status:
                bundle.errors.append(failed.getvalue().strip())
            elif sources.wants(shown.getvalue().split("\n")[0].rpartition("read by ")[2]):
                yield f"# {path.name}\n{shown.getvalue().strip()}"


def _memories(bundle: Bundle, sources: BundleSources, inputs_here: list[str]) -> Iterator[str]:
    for stanza in inputs_here:
        file = InputFile(sources.checkpoints, stanza)
        with bundle.noting(file.path):
            if sources.wants(stanza) and file.path.exists():
                yield f"{stanza} ({file.path.name})\n" + "\n".join(_memory(file.load()))


def _memory(state: InputState) -> Iterator[str]:
    """What an input remembers of AWS's clock, its groups and its failures."""
    yield f"  AWS's clock is ahead  {state.clock.offset_ms} ms"
    yield f"  groups looked for     {utc(state.discovered_ms / 1000)}"
    yield f"  last heartbeat        {utc(state.heartbeat_ms / 1000)}"
    for group in state.groups:
        yield f"  group {group.id.name} in {group.id.account}"
    for name, failure in state.failures.items():
        since = utc(failure.since_ms / 1000)
        yield f"  {name} fails since {since}, {failure.tries} times: {failure.error}"


def _listing(bundle: Bundle, folder: Path) -> Iterator[str]:
    yield f"# {folder}: mode, bytes, changed, name"
    with bundle.noting(folder):
        files = sorted(folder.iterdir())
        for path in files[:MOST_FILES]:
            with bundle.noting(path):
                status = path.lstat()
                yield (
                    f"{status.st_mode:o} {status.st_size:>11} {utc(status.st_mtime)} {path.name}"
                )
        if len(files) > MOST_FILES:
            yield f"... and {len(files) - MOST_FILES} more"


def _add_logs(bundle: Bundle, sources: BundleSources) -> None:
    """The newest lines of each input's files, and of splunkd's own what is about this add-on.

    A talkative input does not push out one that fell silent: who needs less than an equal share
    leaves the rest to the others.
    """
    if sources.home is None:
        bundle.errors.append("SPLUNK_HOME is not set: no logs are here")
        return
    folder = sources.home / "var" / "log" / "splunk"
    logs = _logs(folder, sources.wanted)
    of_splunkd = sources.log_bytes // 10
    left = sources.log_bytes - of_splunkd
    for number, (name, files) in enumerate(logs.items()):
        left -= _add_newest(bundle, name, files, left // (len(logs) - number))
    path = folder / "splunkd.log"
    with bundle.noting(path):
        ours = [line for line in _end_of(path, SPLUNKD_BYTES).split("\n") if SCHEME in line]
        text = "\n".join(ours)
        start = max(0, len(text) - of_splunkd)
        bundle.add(f"logs/{path.name}", text[start:].partition("\n")[2] if start else text)


def _logs(folder: Path, wanted: tuple[str, ...]) -> dict[str, list[Path]]:
    """The files of each log, newest first, by the current one's name; the smallest log first."""
    names = [log_file.file_name(stanza) for stanza in wanted]
    logs: dict[str, list[Path]] = {}
    for path in folder.glob("ta_aws_cloudhsm_*.log*"):
        name, _, number = path.name.rpartition(".log")
        current = f"{name}.log"
        if (not names or current in names) and (not number or number[1:].isdigit()):
            logs.setdefault(current, []).append(path)
    for files in logs.values():
        files.sort(key=lambda path: int(path.name.rpartition(".log")[2][1:] or 0))
    return dict(sorted(logs.items(), key=lambda log: (sum(map(_size, log[1])), log[0])))


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:  # reading it reports the error
        return 0


def _add_newest(bundle: Bundle, name: str, files: list[Path], share: int) -> int:
    """Returns how much of the share was used, in bytes."""
    used = 0
    for path in files:
        with bundle.noting(path):
            if share - used < log_file.MAX_LINE:
                bundle.errors.append(f"{path}: left out, see --log-megabytes")
                continue
            text = _end_of(path, share - used)
            used += len(text.encode())
            bundle.add(f"logs/{name}{path.name[len(name) :]}", text)
    return used


def _end_of(path: Path, most: int) -> str:
    """The last lines of a file, at most so many bytes of them."""
    if not path.is_file():  # opening a pipe would wait for its writer
        raise FileNotFoundError("there is no such file")
    with path.open("rb") as file:
        size = file.seek(0, io.SEEK_END)
        file.seek(max(0, size - most))
        return support_bundle.newest_lines(file.read(most), is_whole=size <= most)


def _write(output: Path, members: dict[str, str]) -> None:
    """Complete or not at all, and readable by its owner only."""
    temporary = output.with_name(f".{output.name}.{uuid.uuid4().hex}")
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    try:
        with os.fdopen(os.open(temporary, flags, NOBODY_ELSE), "wb") as file:
            with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
                for name, text in members.items():
                    archive.writestr(name, text.encode("utf-8", "backslashreplace"))
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(output)
    except OSError as error:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise StateError(
            f"The bundle cannot be written: {error}",
            place=Place(file=str(output)),
            next_step="Name another --output, where there is space and this user may write",
        ) from error


def _summary(output: Path, bundle: Bundle) -> Iterator[str]:
    yield f"{output} has:"
    for name, text in bundle.members.items():
        yield f"  {len(text):>9} {name}"
    removed = [f"{count} {what}" for what, count in bundle.redactor.removed.items() if count]
    yield f"Taken out: {', '.join(removed) or 'nothing, there was no secret'}."
    if bundle.errors:
        yield f"{len(bundle.errors)} items could not be read: see errors.txt."
    yield "Look through it before you give it away: names of hosts, roles and groups are in it."


if __name__ == "__main__":
    os.umask(0o077)  # what it writes is for the user that runs Splunk alone
    sys.exit(main(sys.argv[1:]))

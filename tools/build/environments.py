"""Make the virtual environments under .venv/, each only when what it is made from has changed.

    python3 -m tools.build.environments dev moto py39 py313

Uses only the standard library: it is the first thing that runs on a fresh machine. Packages come
from the locks requirements/*.txt, each checked against its hash, through uv: the one on PATH, or
one that pip puts into .venv/uv. Where uv is not available or fails, venv and pip do the same more
slowly. An environment for an interpreter that this machine lacks is named and left out; everything
else that goes wrong ends the run with what to do about it.
"""

from __future__ import annotations

import fcntl
import hashlib
import importlib.util
import os
import shutil
import sys
import time
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path
from subprocess import CompletedProcess

from tools.build import interpreters
from tools.processes import failure, finished, stoppable

ROOT = Path(__file__).resolve().parents[2]
OLDEST_FOR_DEVELOPMENT = (3, 11)
_ENDED_BY_CTRL_C = 130
INSTALLS_AT_ONCE = 3  # pip mostly waits for the network and for the disk
_PROGRESS_EVERY_S = 10
_FULL_MB = 150  # the largest package, unpacked, needs about as much
_DOWNLOADED = "check the network and `pip config list`, then run it again"
_DISK_NEEDED = "make demo needs 600 MB and make test 2 GB; free some, then run it again"


class EnvironmentProblem(Exception):
    """An environment cannot be made; the message has the reason and what to do.

    reason: only why, for a line of its own.
    """

    def __init__(self, message: str, reason: str = "") -> None:
        super().__init__(message)
        self.reason = reason or message


class Interrupted(Exception):
    """A program was ended by a signal: no reason to try another way."""


@dataclass(frozen=True)
class Recipe:
    """What an environment is made from: a requirements file, and which Python (None: ours).

    `alone`: without what those packages need in turn, since only their data is read.
    """

    requirements: str
    version: str | None = None
    alone: bool = False


RECIPES = {
    "dev": Recipe("dev.txt"),
    "moto": Recipe("moto.txt"),
    "appinspect": Recipe("appinspect.txt"),
    "slim": Recipe("slim.txt"),
    "checkov": Recipe("checkov.txt"),
    "cim": Recipe("cim.txt", alone=True),
    "ocsf": Recipe("ocsf.txt"),
    "sigma": Recipe("sigma.txt", alone=True),
    "node": Recipe("node.txt"),
    "release": Recipe("release.txt"),
    "py39": Recipe("test.txt", "3.9"),
    "py313": Recipe("test.txt", "3.13"),
    "uv": Recipe("uv.txt"),
}
# Of programs to measure against; no tests run in them.
BENCH_RECIPES = {
    "bench": Recipe("bench.txt"),
    "bench39": Recipe("bench.txt", "3.9"),
    "bench313": Recipe("bench.txt", "3.13"),
}


@dataclass(frozen=True)
class Environment:
    """One environment of a checkout: `folder` contains it, `interpreter` makes it."""

    name: str
    folder: Path
    requirements: Path
    interpreter: Path
    alone: bool = False

    @property
    def python(self) -> Path:
        return self.folder / "bin" / "python"

    @property
    def _stamp(self) -> Path:
        return self.folder / ".made-from"

    def is_current(self) -> bool:
        """Whether it was made, completely, from these requirements and this interpreter."""
        return self.python.exists() and self._made_from() == [self._base(), self._lock()]

    def make(self, uv: Path | None) -> None:
        """Create it, or bring it up to date in place, since others may be running from it.

        One that was not finished, because somebody pressed Ctrl-C, or that was moved or made by
        another Python, is made again from the start.
        """
        wanted = [self._base(), self._lock()]
        is_whole = self.python.exists() and self._made_from()[:1] == wanted[:1]
        self._stamp.unlink(missing_ok=True)
        if uv is None or not self._filled_by_uv(uv, is_whole):
            self._fill_by_pip()
        self._stamp.write_text("\n".join(wanted))

    def _filled_by_uv(self, uv: Path, is_whole: bool) -> bool:
        """False, with the reason on a line, where uv fails: pip may have another way."""
        new = ["venv", "--quiet", "--clear", "--python", str(self.interpreter), str(self.folder)]
        # sync also removes what a lock no longer has.
        fill = ["pip", "sync", "--quiet", "--allow-empty-requirements", "--require-hashes"]
        fill += ["--python", str(self.python), str(self.requirements)]
        try:
            for command in [fill] if is_whole else [new, fill]:
                _run([str(uv), *command], self.folder)
        except EnvironmentProblem as problem:
            reason = problem.reason
        else:
            reason = "" if self.python.exists() else "it made nothing"
        if reason:
            print(f".venv/{self.name}: uv failed ({reason}); using pip", flush=True)
        return not reason

    def _fill_by_pip(self) -> None:
        _run([str(self.interpreter), "-m", "venv", "--clear", str(self.folder)], self.folder)
        pip = [str(self.python), "-m", "pip", "install", "--no-input", "--quiet"]
        pip += ["--disable-pip-version-check", *(["--no-deps"] if self.alone else [])]
        _run([*pip, "--require-hashes", "-r", str(self.requirements)], self.folder)

    def _made_from(self) -> list[str]:
        """What the stamp has; nothing for an environment that was not finished."""
        return self._stamp.read_text().split("\n") if self._stamp.exists() else []

    def _base(self) -> str:
        """What it cannot be updated from: scripts name the folder and the interpreter."""
        return _digest(f"{self.interpreter}\n{self.folder}")

    def _lock(self) -> str:
        return _digest(requirement_text(self.requirements))


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def requirement_text(path: Path) -> str:
    """The text of a lock."""
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise EnvironmentProblem(f"{path}: there is no such requirements file") from error


def plan(name: str, root: Path = ROOT) -> Environment | None:
    """The environment called `name`, or None where the machine lacks its interpreter."""
    recipe = _recipe(name)
    interpreter = interpreters.find(recipe.version) if recipe.version else _own_interpreter()
    if interpreter is None:
        return None
    return Environment(
        name,
        root / ".venv" / name,
        root / "requirements" / recipe.requirements,
        interpreter,
        recipe.alone,
    )


def prepare(names: list[str], root: Path = ROOT) -> list[str]:
    """Make those environments of `names` that are not current; returns the versions not found."""
    planned = {name: plan(name, root) for name in names}
    environments = [environment for environment in planned.values() if environment]
    if not all(environment.is_current() for environment in environments):
        (root / ".venv").mkdir(exist_ok=True)
        with (root / ".venv" / ".lock").open("w") as lock:
            # Two `make` runs at once must not install into one folder.
            fcntl.flock(lock, fcntl.LOCK_EX)
            # Two `make` runs at once: the second one finds the work done.
            missing = [made for made in environments if not made.is_current()]
            _make_all(missing, _uv(root) if missing else None)
    return [_recipe(name).version or name for name, made in planned.items() if made is None]


def _recipe(name: str) -> Recipe:
    known = {**RECIPES, **BENCH_RECIPES}
    if name not in known:
        raise EnvironmentProblem(f"no environment is called {name!r}; known: {', '.join(known)}")
    return known[name]


def _make_all(environments: list[Environment], uv: Path | None) -> None:
    for environment in environments:
        print(f"setting up .venv/{environment.name}", flush=True)
    with ThreadPoolExecutor(INSTALLS_AT_ONCE) as pool:
        made = [pool.submit(environment.make, uv) for environment in environments]
        try:
            _wait(dict(zip(made, environments, strict=True)))
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _wait(made: dict[Future[None], Environment]) -> None:
    """Wait for all, and name the pending ones now and then: a slow network is no hang."""
    begun = time.monotonic()
    pending = set(made)
    while pending:
        done, pending = wait(pending, timeout=_PROGRESS_EVERY_S, return_when=FIRST_COMPLETED)
        for future in done:
            future.result()
        if pending and not done:
            names = ", ".join(sorted(f".venv/{made[future].name}" for future in pending))
            print(f"{names}: installing ({time.monotonic() - begun:.0f} s)", flush=True)


def _uv(root: Path) -> Path | None:
    """uv; None, with the reason on a line, where it cannot be installed."""
    try:
        return installed_uv(root)
    except EnvironmentProblem as problem:
        print(f"uv cannot be installed ({problem.reason}); using pip", flush=True)
        return None


def installed_uv(root: Path) -> Path:
    """uv on PATH, otherwise the pinned one. Raises EnvironmentProblem."""
    on_path = shutil.which("uv")
    return Path(on_path) if on_path else pinned_uv(root)


def pinned_uv(root: Path) -> Path:
    """uv in .venv/uv, where pip puts it. Raises EnvironmentProblem."""
    environment = plan("uv", root)
    if environment is None:
        raise EnvironmentProblem("no Python for uv")
    if not environment.is_current():
        _make_all([environment], None)
    return environment.folder / "bin" / "uv"


def _own_interpreter() -> Path:
    if sys.version_info < OLDEST_FOR_DEVELOPMENT:
        have = ".".join(map(str, sys.version_info[:3]))
        raise EnvironmentProblem(
            f"Python 3.11 or newer is needed, this is {have} ({sys.executable}): "
            "run `make PYTHON=/path/to/python3.11 ...`"
        )
    if importlib.util.find_spec("ensurepip") is None:
        raise EnvironmentProblem(
            f"{sys.executable} cannot make virtual environments: "
            "install the Debian package python3-venv (`apt-get install python3-venv`)"
        )
    # Inside an environment, sys.executable is that environment's; the base is what made it.
    return Path(sys.base_prefix, "bin", f"python{sys.version_info[0]}.{sys.version_info[1]}")


def _run(command: list[str], folder: Path) -> None:
    """Run quietly for the environment in `folder`; the output of a failure is kept next to it.

    Raises EnvironmentProblem, Interrupted for a signal.
    """
    try:
        variables = {"UV_SYSTEM_CERTS": "1", "UV_PYTHON_DOWNLOADS": "never"}
        outcome = finished(command, env={**os.environ, **variables})
    except OSError as error:
        raise EnvironmentProblem(f"{command[0]} cannot be started: {error.strerror}") from error
    if outcome.returncode < 0 or outcome.returncode == _ENDED_BY_CTRL_C:
        raise Interrupted(command[0])
    if outcome.returncode != 0:
        raise _failure(outcome, folder)


def _failure(outcome: CompletedProcess[str], folder: Path) -> EnvironmentProblem:
    name = f"{folder.parent.name}/{folder.name}"
    free_mb = shutil.disk_usage(folder.parent).free // 10**6
    if free_mb < _FULL_MB:
        return EnvironmentProblem(
            f"{name}: the disk of {folder.parent} is full, {free_mb} MB are free: {_DISK_NEEDED}",
            f"disk full, {free_mb} MB free",
        )
    reason = failure(outcome, folder.with_name(f"{folder.name}.log"))
    return EnvironmentProblem(f"{name}: {reason}; {_DOWNLOADED}", reason)


def main(names: list[str]) -> int:
    try:
        with stoppable():
            missing = prepare(names)
    except (EnvironmentProblem, OSError, RuntimeError) as problem:
        print(f"error: {problem}", file=sys.stderr)
        return 1
    except (KeyboardInterrupt, Interrupted):
        print("interrupted; the next run makes again what is not finished", file=sys.stderr)
        return _ENDED_BY_CTRL_C
    for version in missing:
        print(f"Python {version}: not found")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

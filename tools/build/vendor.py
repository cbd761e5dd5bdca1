"""Fill build/lib with the libraries that the package ships.

    python -m tools.build.vendor

Three sets: lib/common, and one of lib/py39 and lib/py313 next to it, by the running Python. Each is
installed by pip from a requirements file with exact versions and hashes, then cut down to what the
collector can reach. A second call with nothing changed returns at once.
"""

from __future__ import annotations

import fcntl
import gzip
import hashlib
import json
import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

from tools.processes import failure, finished, stoppable

ROOT = Path(__file__).resolve().parents[2]
LIBRARIES = ROOT / "build" / "lib"
SETS = ("common", "py39", "py313")
BUILD_REQUIREMENTS = "vendor-build.txt"

# Licences and authors stay with their library; the rest of what pip records is about the install.
METADATA_KEPT = ("METADATA", "LICENSE*", "NOTICE*", "AUTHORS*", "COPYING*", "licenses")

# Per set: what is installed but cannot be reached from the collector, or must not ship.
UNREACHABLE = {
    "common": (
        "splunklib/searchcommands",  # search commands; this add-on has none
        "dateutil/zoneinfo/rebuild.py",  # starts compilers; only its own maintainers run it
        "dateutil/zoneinfo/dateutil-zoneinfo.tar.gz",  # names of time zones; AWS sends offsets
    ),
    "py39": (),
    "py313": ("urllib3/contrib/emscripten",),  # browsers only, and it is JavaScript
}

# botocore: the calls of the collector, and those for the credentials of a profile that assumes
# a role or signs in through IAM Identity Center. A profile made by `aws login` needs a compiled
# library that is not shipped; botocore reports it before it looks for the data of that service.
# Every other call of these services is cut out: reading them costs each start time and memory.
SERVICES = {
    "logs": ("DescribeLogGroups", "FilterLogEvents"),
    "sts": ("AssumeRole", "AssumeRoleWithWebIdentity", "GetCallerIdentity"),
    "sso": ("GetRoleCredentials",),
    "sso-oidc": ("CreateToken",),
}
MODEL = "service-2.json"
ENDPOINT_NAMES = ("logs", "sts", "portal.sso", "oidc")
SHARED_DATA = ("_retry.json", "endpoints.json", "partitions.json", "sdk-default-configuration.json")

MONITOR_AS_PUBLISHED = """\
    def _create_csm_monitor(self):
        if self.get_config_variable('csm_enabled'):
            client_id = self.get_config_variable('csm_client_id')
            host = self.get_config_variable('csm_host')
            port = self.get_config_variable('csm_port')
            handler = monitoring.Monitor(
                adapter=monitoring.MonitorEventAdapter(),
                publisher=monitoring.SocketPublisher(
                    socket=socket.socket(socket.AF_INET, socket.SOCK_DGRAM),
                    host=host,
                    port=port,
                    serializer=monitoring.CSMSerializer(
                        csm_client_id=client_id
                    ),
                ),
            )
            return handler
        return None
"""
MONITOR_AS_SHIPPED = """\
    def _create_csm_monitor(self):
        # Changed by TA-aws-cloudhsm when it vendored botocore: client-side monitoring is off. It
        # reports calls over UDP, which Splunk's package inspection refuses in an add-on.
        return None
"""


class VendoringProblem(Exception):
    """The libraries cannot be put together; the message states which and what to do."""


def fill(destination: Path = LIBRARIES, requirements: Path = ROOT / "requirements") -> bool:
    """Bring `destination` up to date; returns whether anything had to be done."""
    wanted = _made_from(requirements)
    stamp = destination.parent / ".lib-made-from"
    destination.parent.mkdir(parents=True, exist_ok=True)
    with (destination.parent / ".lib-lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if destination.is_dir() and stamp.exists() and stamp.read_text() == wanted:
            return False
        print(f"filling build/{destination.name}", flush=True)
        with tempfile.TemporaryDirectory(dir=destination.parent, prefix=".lib-") as scratch:
            for name in SETS:
                log = destination.with_name(f"{destination.name}.log")
                install(requirements / f"vendor-{name}.txt", Path(scratch, name), log)
                cut_down(Path(scratch, name), name)
            stamp.unlink(missing_ok=True)  # from here on, no one may take the folder for complete
            _replace(destination, Path(scratch))
        stamp.write_text(wanted)
    return True


def install(requirements: Path, target: Path, log: Path) -> None:
    """pip, with every archive checked against its hash and nothing that is not listed.

    log: where the output of a failure is kept.
    """
    options = ["--quiet", "--no-input", "--disable-pip-version-check", "--no-warn-conflicts"]
    # --use-pep517: pip before 23.1 builds in an older way, with another outcome, where it can.
    options += ["--require-hashes", "--no-deps", "--no-compile", "--use-pep517"]
    options += ["--target", str(target.absolute())]
    command = [sys.executable, "-m", "pip", "install", *options, "-r", requirements.name]
    # The first name is read by pip before 25.3, the second from there on. Both are lists that
    # pip splits at spaces, so the file is named as seen from its own folder.
    variables = {"PIP_CONSTRAINT": BUILD_REQUIREMENTS, "PIP_BUILD_CONSTRAINT": BUILD_REQUIREMENTS}
    folder = requirements.absolute().parent
    outcome = finished(command, cwd=folder, env={**os.environ, **variables})
    if outcome.returncode != 0:
        reason = failure(outcome, log)
        raise VendoringProblem(f"pip could not install {requirements.name}: {reason}")


def cut_down(library_set: Path, name: str) -> None:
    """Remove from one installed set what must not ship, and give every file the mode it ships with.

    Raises VendoringProblem where something that should be removed or changed is not there: then a
    release has moved it, and what follows would ship unseen.
    """
    for unreachable in UNREACHABLE[name]:
        _remove(library_set / unreachable)
    shutil.rmtree(library_set / "bin", ignore_errors=True)
    for metadata in library_set.glob("*.dist-info"):
        _keep_only(metadata, METADATA_KEPT)
    if (library_set / "botocore").is_dir():
        _cut_down_botocore(library_set / "botocore")
    for path in sorted(library_set.rglob("*")):
        if path.name == "__pycache__":
            shutil.rmtree(path)
        elif path.exists():
            path.chmod(0o755 if path.is_dir() else 0o644)


def _cut_down_botocore(botocore: Path) -> None:
    _keep_only(botocore / "data", (*SERVICES, *SHARED_DATA))
    for kept in (*SERVICES, *SHARED_DATA):
        if not (botocore / "data" / kept).exists():
            raise VendoringProblem(f"botocore/data/{kept}: not in this release; look where it went")
    for examples in sorted((botocore / "data").rglob("examples-1.json")):
        examples.unlink()
    for service, calls in SERVICES.items():
        _cut_service(botocore / "data" / service, calls)
    endpoints = botocore / "data" / "endpoints.json"
    endpoints.write_text(cut_endpoints(endpoints.read_text(encoding="utf-8")), encoding="utf-8")
    session = botocore / "session.py"
    session.write_text(without_monitor(session.read_text(encoding="utf-8")), encoding="utf-8")


def _cut_service(folder: Path, calls: tuple[str, ...]) -> None:
    """Write the model again, unpacked: packed, its bytes would depend on this machine's zlib."""
    packed = sorted(folder.glob(f"*/{MODEL}.gz"))
    if len(packed) != 1:
        raise VendoringProblem(
            f"botocore/data/{folder.name}: {len(packed)} {MODEL}.gz instead of one; "
            "look where it went"
        )
    model = gzip.decompress(packed[0].read_bytes()).decode()
    packed[0].with_name(MODEL).write_text(cut_model(model, calls), encoding="utf-8")
    packed[0].unlink()


def cut_model(text: str, calls: tuple[str, ...]) -> str:
    """botocore's model of a service: these calls, the shapes they need, no documentation."""
    model = _undocumented(json.loads(text))
    missing = [call for call in calls if call not in model["operations"]]
    if missing:
        raise VendoringProblem(
            f"{model['metadata']['serviceId']} has no {', '.join(missing)} in this release"
        )
    model["operations"] = {call: model["operations"][call] for call in calls}
    model["shapes"] = _shapes_of(model["operations"], model["shapes"])
    return json.dumps(model, indent=1, sort_keys=True) + "\n"


def _shapes_of(used: object, shapes: dict[str, object]) -> dict[str, object]:
    """The shapes that are named anywhere in `used`, and those that they name in turn."""
    named: dict[str, object] = {}
    waiting = [used]
    while waiting:
        node = waiting.pop()
        if isinstance(node, list):
            waiting += node
        elif isinstance(node, dict):
            name = node.get("shape")
            if isinstance(name, str) and name not in named:
                named[name] = shapes[name]
                waiting.append(shapes[name])
            waiting += node.values()
    return named


def _undocumented(model: Any) -> Any:  # noqa: ANN401  (JSON)
    if isinstance(model, list):
        return [*map(_undocumented, model)]
    if not isinstance(model, dict):
        return model
    return {
        name: _undocumented(value)
        for name, value in model.items()
        # A member of a structure may be called so, too; its value is not a text.
        if name != "documentation" or not isinstance(value, str)
    }


def cut_endpoints(text: str) -> str:
    """botocore's table of host names with all partitions, but only the services that are called."""
    table = json.loads(text)
    for partition in table["partitions"]:
        services = partition["services"]
        partition["services"] = {
            name: services[name] for name in ENDPOINT_NAMES if name in services
        }
        if "logs" not in partition["services"]:
            raise VendoringProblem(
                f"endpoints.json: {partition['partition']} has no CloudWatch Logs"
            )
    return json.dumps(table, indent=1, sort_keys=True) + "\n"


def without_monitor(session_source: str) -> str:
    """botocore/session.py with client-side monitoring off; it must have matched exactly once."""
    matches = session_source.count(MONITOR_AS_PUBLISHED)
    if matches != 1:
        raise VendoringProblem(
            f"botocore/session.py: _create_csm_monitor matched {matches} times instead of once; "
            "compare it with MONITOR_AS_PUBLISHED in tools/build/vendor.py"
        )
    return session_source.replace(MONITOR_AS_PUBLISHED, MONITOR_AS_SHIPPED)


def _keep_only(folder: Path, patterns: tuple[str, ...]) -> None:
    kept = {path for pattern in patterns for path in folder.glob(pattern)}
    for path in folder.iterdir():
        if path not in kept:
            _remove(path)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    elif path.exists():
        path.unlink()
    else:
        raise VendoringProblem(f"{path.name}: not in this release; look where it went")


def _replace(destination: Path, source: Path) -> None:
    shutil.rmtree(destination, ignore_errors=True)
    destination.mkdir()
    for library_set in sorted(source.iterdir()):
        library_set.rename(destination / library_set.name)


def _made_from(requirements: Path) -> str:
    files = [requirements / f"vendor-{name}.txt" for name in SETS]
    digest = hashlib.sha256()
    for path in [*files, requirements / BUILD_REQUIREMENTS, Path(__file__)]:
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def main() -> int:
    try:
        with stoppable():
            done = fill()
    except (VendoringProblem, OSError) as problem:
        print(f"error: {problem}", file=sys.stderr)
        return 1
    print(f"build/lib: {'filled' if done else 'up to date'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""The setup page in a browser on this machine, in front of a Splunk and a CloudWatch Logs of ours.

    python -m tools.demo.setup_preview [--port 8034]

The package is built and unpacked; its handlers, its access check and its inputs are the real ones.
"""

from __future__ import annotations

import os
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from samples.command_parser import CommandParser
from tests.fake_aws import trails
from tests.fake_aws.server import serve as serve_aws
from tests.fake_aws.service import Service
from tests.setup_page.splunk_web import SplunkWeb
from tests.setup_page.splunk_web import serve as serve_web
from tools.build import package
from tools.build.package import PackagingProblem
from tools.build.vendor import VendoringProblem
from tools.demo import local_aws

PORT = 8034
DAY_MS = 86_400_000
OTHER_GROUP = "/aws/cloudhsm/cluster-2bexamplexyz"


def main(arguments: Sequence[str] | None = None) -> int:
    """Serves until interrupted; 1 with one line where that cannot be."""
    parser = CommandParser(prog="python -m tools.demo.setup_preview", description=__doc__)
    parser.add_argument("--port", type=int, default=PORT, help=f"0 for a free one ({PORT})")
    options = parser.parse_args(arguments)
    try:
        with served(options.port) as (web, aws):
            print(f"The setup page is at {web.url}, AWS at {aws} (Ctrl-C ends)", flush=True)
            threading.Event().wait()
    except KeyboardInterrupt:
        return 0
    except (PackagingProblem, VendoringProblem, OSError) as error:
        print(f"preview: {error}", file=sys.stderr)
        return 1
    return 0


@contextmanager
def served(port: int = 0) -> Iterator[tuple[SplunkWeb, str]]:
    """The page's server and the URL of CloudWatch Logs. Raises PackagingProblem."""
    archive = package.build()
    with tempfile.TemporaryDirectory(prefix="cloudhsm-setup-") as name:
        home = Path(name)
        package.unpacked(archive, home / "etc" / "apps")
        (home / "var/log/splunk").mkdir(parents=True)
        app, service = home / "etc" / "apps" / package.APP_ID, trail()
        with (
            serve_aws(service, 1.0) as aws,
            serve_web(app, environment(home, aws), home / "stderr", service, port) as web,
        ):
            yield web, aws


def environment(home: Path, aws: str) -> dict[str, str]:
    """Of splunkd's processes: a host with credentials of its own, whose AWS is ours."""
    kept = {
        name: value
        for name, value in local_aws.environment().items()
        if name not in ("REQUESTS_CA_BUNDLE", "AWS_CA_BUNDLE") and not name.startswith("PYTHON")
    }
    return {
        **kept,
        "SPLUNK_HOME": str(home),
        "AWS_ENDPOINT_URL_CLOUDWATCH_LOGS": aws,
        "AWS_ENDPOINT_URL_STS": aws,
        "AWS_EC2_METADATA_DISABLED": "true",
        "PYTHONDONTWRITEBYTECODE": "1",
        **{name: os.environ[name] for name in ("PATH",) if name in os.environ},
    }


def trail() -> Service:
    """Two clusters with a day of records."""
    now_ms = time.time_ns() // 1_000_000
    service = Service(1, now_ms)
    service.add_group(trails.GROUP, 365)
    service.add_group(OTHER_GROUP)
    service.put_all(trails.audit_trail(1, 400, now_ms - DAY_MS, now_ms, hsms=2).arrivals)
    return service


if __name__ == "__main__":
    sys.exit(main())

"""What makes, checks, measures and shows the add-on. Development only.

The packages, from the top: imports go only downward.

===============  ============================================================================
generate         `make generate`
troubleshooting  the table of docs/troubleshooting.md
bench            `make bench`, `make growth`, `make capacity`: how fast, how large, how much
checks           what every change must pass: gates, browser, tests on Splunk's Pythons
proof            the guarantee under attack; detections over a quiet month
demo             the add-on running on this machine: a local AWS, and a stand-in for splunkd
build            environments, libraries, package, release
processes        programs that tools start
content          what is generated from mappings/, detections/ and dashboards/
===============  ============================================================================
"""

import sys
from pathlib import Path

# Shipped code is imported from here, wherever Python was started.
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "bin"))

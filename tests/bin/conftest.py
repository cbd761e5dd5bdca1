"""Puts the vendored libraries on the path, as `bin/aws_cloudhsm.py` does inside Splunk."""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LIBRARIES = ROOT / "build" / "lib"

if not LIBRARIES.is_dir():
    raise RuntimeError(f"{LIBRARIES} is missing: run `make test`, which vendors it first")

sys.path[:0] = [
    str(LIBRARIES / ("py39" if sys.version_info < (3, 10) else "py313")),
    str(LIBRARIES / "common"),
]

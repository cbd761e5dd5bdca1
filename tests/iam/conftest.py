"""The vendored botocore, as for the tests of the shipped code."""

from __future__ import annotations

import tests.bin.conftest  # noqa: F401

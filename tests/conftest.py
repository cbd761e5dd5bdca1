"""No test may meet the AWS account, profile or proxy of the person who runs it."""

from __future__ import annotations

import os

for _name in list(os.environ):
    if _name.upper().startswith("AWS_") or _name.upper().endswith("_PROXY"):
        del os.environ[_name]
os.environ["AWS_CONFIG_FILE"] = os.environ["AWS_SHARED_CREDENTIALS_FILE"] = os.devnull

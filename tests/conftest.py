"""No test may meet the AWS account, profile or proxy of the person who runs it, nor its speed."""

from __future__ import annotations

import os

from hypothesis import settings

for _name in list(os.environ):
    if _name.upper().startswith("AWS_") or _name.upper().endswith("_PROXY"):
        del os.environ[_name]
os.environ["AWS_CONFIG_FILE"] = os.environ["AWS_SHARED_CREDENTIALS_FILE"] = os.devnull

# How long an example takes says how busy the machine is, not whether the code is right.
settings.register_profile("unhurried", deadline=None)
settings.register_profile("repeatable", deadline=None, derandomize=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "unhurried"))

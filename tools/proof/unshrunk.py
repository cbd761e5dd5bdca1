"""A pytest plugin for mutants: Hypothesis finds the same failures every time, and leaves it there.

To make a failure small takes longer than to find it, and here no one reads it.
"""

from __future__ import annotations

import os

from hypothesis import Phase, settings

settings.register_profile(
    "unshrunk",
    database=None,
    deadline=None,
    derandomize=True,
    phases=(Phase.explicit, Phase.generate),
)
os.environ["HYPOTHESIS_PROFILE"] = "unshrunk"  # which tests/conftest.py loads

"""Rules become the queries of other products, by pySigma in an environment of its own."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tools.build.environments import ROOT, EnvironmentProblem

PYTHON = ".venv/sigma/bin/python"
_PROGRAM = Path(__file__).with_name("converter.py")

Converted = list[Any] | dict[str, str]


@dataclass(frozen=True)
class Answer:
    """issues: of pySigma's validators. queries: by rule, form and backend."""

    issues: Sequence[str]
    queries: Mapping[str, Mapping[str, Mapping[str, Converted]]]


def convert(
    rules: Mapping[str, str], pipelines: Mapping[str, str], backends: Sequence[str]
) -> Answer:
    """Converts all rules in the form `fields` and in that of every pipeline.

    Raises EnvironmentProblem where pySigma is not installed or does not read a rule.
    """
    python = ROOT / PYTHON
    if not python.exists():
        raise EnvironmentProblem(
            f"{PYTHON} is missing: run python3 -m tools.build.environments dev sigma"
        )
    request = {"rules": dict(rules), "pipelines": dict(pipelines), "backends": [*backends]}
    done = subprocess.run(
        [str(python), str(_PROGRAM)],
        input=json.dumps(request),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise EnvironmentProblem(f"pySigma refuses a rule: {done.stderr.strip()[-1500:]}")
    return Answer(**json.loads(done.stdout))

"""The shipped code's tests run on every interpreter, and one failure is enough."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools.build.environments import ROOT, Environment, Recipe
from tools.checks import shipped_tests


@pytest.fixture
def interpreters(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Environments a, b (missing) and c; each found one ends with the status in its `status`."""

    def plan(name: str) -> Environment | None:
        if name == "b":
            return None
        return Environment(name, tmp_path / name, tmp_path, tmp_path)

    recipes = {"dev": Recipe("x"), "a": Recipe("x", "3.7"), "b": Recipe("x", "3.8")}
    monkeypatch.setattr(shipped_tests, "RECIPES", {**recipes, "c": Recipe("x", "3.9")})
    monkeypatch.setattr(shipped_tests, "plan", plan)
    for name in ("a", "c"):
        python = tmp_path / name / "bin" / "python"
        python.parent.mkdir(parents=True)
        python.write_text(f'#!/bin/sh\necho "$@" >> {tmp_path}/{name}/ran; exit 0\n')
        python.chmod(0o755)
    return tmp_path


def test_every_interpreter_runs_and_a_missing_one_is_named(
    interpreters: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert shipped_tests.main() == 0
    assert "Python 3.8: not found, its tests did not run" in capsys.readouterr().out
    for name in ("a", "c"):
        ran = (interpreters / name / "ran").read_text().splitlines()
        assert all(line.startswith("-m pytest") for line in ran)
        assert sorted(line.split()[-1] for line in ran) == [
            "tests/bin",
            "tests/fake_aws",
            "tests/guarantee",
        ]


def test_a_failure_on_one_interpreter_fails_the_run_and_stops_no_other(
    interpreters: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (interpreters / "a" / "bin" / "python").write_text("#!/bin/sh\nexit 1\n")
    assert shipped_tests.main() == 1
    assert "failed on Python 3.7" in capsys.readouterr().err
    assert (interpreters / "c" / "ran").exists()


def test_what_runs_in_lambda_is_tested_on_lambdas_python() -> None:
    (version,) = shipped_tests.OF_LAMBDA
    template = (ROOT / "push" / "cloudhsm-push.yaml").read_text("utf-8")
    assert {line.split()[1] for line in template.splitlines() if "Runtime:" in line} == {
        f"python{version}"
    }
    for path in shipped_tests.OF_LAMBDA[version]:
        assert (ROOT / path).is_file()

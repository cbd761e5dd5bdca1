"""Imports go only downward in the lists of modules that the packages' docstrings give."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
# Each package whose docstrings list its parts, and the folder that it is imported from.
PACKAGES = {"cloudhsm": ROOT / "bin", "emulator": ROOT, "tools": ROOT}
# Packages of the repository, and which others each may import.
MAY_IMPORT = {
    "cloudhsm": set(),
    "cloudhsm_push": {"cloudhsm"},
    "samples": set(),
    "emulator": {"samples"},
    "tools": {"cloudhsm", "cloudhsm_push", "emulator", "samples", "tests"},
}
SCRIPTS = sorted((ROOT / "bin").glob("*.py"))
# May use neither clock nor network nor disk.
PURE = (
    "cloudhsm.base",
    "cloudhsm.trail",
    "cloudhsm.state.state_document",
    "cloudhsm.splunk.support_bundle",
)
IMPURE = ("cloudhsm.base.shutdown",)  # signals
OUTSIDE = {"time", "socket", "os", "pathlib", "io", "subprocess", "botocore", "splunklib"}
# Who knows the libraries of AWS and Splunk.
LIBRARIES = {
    "cloudhsm.aws.page_parser": {"botocore"},
    "cloudhsm.aws.logs_client": {"botocore"},
    "cloudhsm.aws.credentials": {"botocore"},
    "cloudhsm.aws.session": {"botocore"},
    "cloudhsm.modular_input": {"splunklib"},
    "cloudhsm.splunk.password_storage": {"splunklib"},
    "cloudhsm.splunk.splunkd_rest": {"splunklib"},
}


def modules() -> dict[str, Path]:
    """Every module and package by its dotted name."""
    return {
        ".".join(path.relative_to(folder).with_suffix("").parts).removesuffix(".__init__"): path
        for package, folder in PACKAGES.items()
        for path in sorted((folder / package).rglob("*.py"))
        if "node_modules" not in path.parts
    }


MODULES = modules()
PACKAGE_NAMES = sorted(name for name, path in MODULES.items() if path.name == "__init__.py")


def listed(package: str) -> list[str]:
    """The parts of a package in the order of its docstring; `__main__` comes first."""
    text = ast.get_docstring(ast.parse(MODULES[package].read_text("utf-8"))) or ""
    return ["__main__", *re.findall(r"(?m)^(\w+) {2,}\S", text)]


def imported(module: str) -> Iterator[str]:
    """Every module that one imports, wherever in its text; of packages, what is taken from them."""
    path = MODULES[module]
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    return imported_by(path, package)


def imported_by(path: Path, package: str) -> Iterator[str]:
    """The same for any file; `package` is what its relative imports begin at."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            parents = package.split(".")[: len(package.split(".")) - node.level + 1]
            source = ".".join([*(parents if node.level else []), *filter(None, [node.module])])
            for alias in node.names:
                submodule = f"{source}.{alias.name}"
                yield submodule if submodule in MODULES else source


def upward(module: str) -> Iterator[str]:
    """What a module imports that its packages list above it, or not at all."""
    for other in {name for name in imported(module) if name in MODULES}:
        own, its = module.split("."), other.split(".")
        depth = next((i for i, (a, b) in enumerate(zip(own, its)) if a != b), len(its))
        if depth in (0, len(its)):  # another package's names, or a package around this module
            continue
        order = listed(".".join(own[:depth]))
        if own[depth] not in order or order.index(own[depth]) >= order.index(its[depth]):
            yield other


@pytest.mark.parametrize("package", PACKAGE_NAMES)
def test_a_package_lists_all_its_parts(package: str) -> None:
    parts = {
        name.removeprefix(f"{package}.").split(".")[0]
        for name in MODULES
        if name != package and name.startswith(f"{package}.")
    }
    assert sorted(listed(package)[1:]) == sorted(parts - {"__main__"})


@pytest.mark.parametrize("module", MODULES)
def test_a_module_imports_only_what_is_listed_below_it(module: str) -> None:
    assert not sorted(upward(module))


@pytest.mark.parametrize("module", [name for name in MODULES if name.startswith(PURE)])
def test_a_pure_module_uses_neither_clock_nor_network_nor_disk(module: str) -> None:
    if module not in IMPURE:
        assert not {name.split(".")[0] for name in imported(module)} & OUTSIDE


@pytest.mark.parametrize("module", [name for name in MODULES if name.startswith("cloudhsm.")])
def test_only_the_shell_knows_the_libraries_of_aws_and_splunk(module: str) -> None:
    libraries = {name.split(".")[0] for name in imported(module)} & {"botocore", "splunklib"}
    assert libraries == LIBRARIES.get(module, set())


@pytest.mark.parametrize("package", MAY_IMPORT)
def test_a_package_imports_only_the_packages_that_it_may(package: str) -> None:
    folder = {"cloudhsm": ROOT / "bin", "cloudhsm_push": ROOT / "push"}.get(package, ROOT)
    for path in sorted((folder / package).rglob("*.py")):
        if "node_modules" in path.parts:
            continue
        inside = ".".join(path.parent.relative_to(folder).parts)
        others = {name.split(".")[0] for name in imported_by(path, inside)} - {package}
        assert not (others & {*MAY_IMPORT, "tests"}) - MAY_IMPORT[package], path


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.name)
def test_a_shipped_script_imports_nothing_that_does_not_ship(script: Path) -> None:
    others = {name.split(".")[0] for name in imported_by(script, "")}
    assert not others & {*MAY_IMPORT, "tests"} - {"cloudhsm"}


@pytest.mark.parametrize(
    ("package", "line", "found"),
    [
        ("cloudhsm.trail", "from .. import collect", "cloudhsm.collect"),
        ("cloudhsm.trail", "from ..collect.collector import x", "cloudhsm.collect.collector"),
        ("cloudhsm.trail", "from . import gap_ledger", "cloudhsm.trail.gap_ledger"),
        ("emulator.conf", "def f():\n    from ..spl import pipeline", "emulator.spl.pipeline"),
        ("tools.content", "import tools.generate", "tools.generate"),
    ],
)
def test_every_way_to_import_is_seen(tmp_path: Path, package: str, line: str, found: str) -> None:
    (tmp_path / "x.py").write_text(line)
    assert list(imported_by(tmp_path / "x.py", package)) == [found]

"""`make push`: what a stack of push/cloudhsm-push.yaml is made of, in dist/.

    python -m tools.build.push

cloudhsm-push-<version>.zip, the code of its functions, and the template. The same sources give the
same bytes.
"""

from __future__ import annotations

import ast
import io
import shutil
import sys
import zipfile
from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path

from tools.build import package
from tools.build.package import ROOT, PackagingProblem

TEMPLATE = "cloudhsm-push.yaml"
_OURS = "cloudhsm_push"
_ADD_ON = "cloudhsm"


def build(root: Path = ROOT) -> list[Path]:
    """Write the archive and the template under dist/; their paths. Raises PackagingProblem."""
    folder = root / "dist"
    folder.mkdir(exist_ok=True)
    archive = folder / f"cloudhsm-push-{package.version(root)}.zip"
    archive.write_bytes(packed(root))
    template = folder / TEMPLATE
    shutil.copyfile(root / "push" / TEMPLATE, template)
    return [archive, template]


def packed(root: Path) -> bytes:
    """The .zip of the functions: their modules, those of the add-on that they need, the licence."""
    date = datetime.fromtimestamp(package.released(root), timezone.utc)
    stamp = (date.year, date.month, date.day, 0, 0, 0)
    raw = io.BytesIO()
    with zipfile.ZipFile(raw, "w") as archive:
        for name, path in sorted(_content(root)):
            entry = zipfile.ZipInfo(name, stamp)
            entry.external_attr = 0o644 << 16  # Lambda runs them as another user
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.create_system = 3
            archive.writestr(entry, path.read_bytes())
    return raw.getvalue()


def _content(root: Path) -> Iterator[tuple[str, Path]]:
    yield "LICENSE", root / "LICENSE"
    ours = sorted((root / "push" / _OURS).glob("*.py"))
    for path in ours:
        yield f"{_OURS}/{path.name}", path
    for path in _add_on_modules(root / "bin", ours):
        yield path.relative_to(root / "bin").as_posix(), path


def _add_on_modules(source: Path, paths: list[Path]) -> set[Path]:
    """The modules of the add-on that `paths` import, directly or not, and their packages."""
    modules: set[Path] = set()
    waiting = [*paths]
    while waiting:
        imported = set(_imported(waiting.pop(), source)) - modules
        modules |= imported
        waiting += imported
    packages = {folder / "__init__.py" for path in modules for folder in path.parents}
    return modules | {path for path in packages if path.is_file() and source in path.parents}


def _imported(path: Path, source: Path) -> Iterator[Path]:
    """The add-on's modules below `source` that one file imports, wherever in its text."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(f"{_ADD_ON}."):
            package = source.joinpath(*str(node.module).split("."))
            names = [package / alias.name for alias in node.names]
            for module in (package, *names):
                if module.with_suffix(".py").is_file():
                    yield module.with_suffix(".py")


def main() -> int:
    """Returns 1 with what is wrong."""
    try:
        made = build()
    except (PackagingProblem, OSError) as problem:
        print(f"push: {problem}", file=sys.stderr)
        return 1
    for path in made:
        print(path.relative_to(ROOT))
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Each module has its test file at the same place of the tests."""

from __future__ import annotations

import ast
from pathlib import Path


def test_every_module_has_its_test_file(
    modules: dict[Path, ast.Module], package: Path, repo: Path
) -> None:
    missing = []
    for path in modules:
        if path.name == "__init__.py":
            continue
        place = path.relative_to(package)
        test = Path("tests") / place.with_name(f"test_{place.stem.lstrip('_')}.py")
        if not (repo / test).is_file():
            missing.append(f"src/toolkit/{place} has no {test}")
    assert missing == []


def test_every_test_file_holds_a_test(repo: Path) -> None:
    files = sorted((repo / "tests").rglob("test_*.py"))
    assert files
    empty = [
        str(path.relative_to(repo))
        for path in files
        if not any(
            isinstance(node, ast.FunctionDef) and node.name.startswith("test")
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        )
    ]
    assert empty == []

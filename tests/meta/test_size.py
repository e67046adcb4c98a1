"""Files and functions stay short enough to be read at once, and nothing prints."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

MAX_FILE = 400
MAX_FUNCTION = 60
FOLDERS = ("src", "tests", "scripts", "benchmarks")


@pytest.fixture(scope="module")
def python_files(repo: Path) -> dict[Path, str]:
    found = {
        path: path.read_text(encoding="utf-8")
        for folder in FOLDERS
        for path in sorted((repo / folder).rglob("*.py"))
    }
    assert len(found) > 20
    return found


def test_files_are_short(python_files: dict[Path, str], repo: Path) -> None:
    lines = {path.relative_to(repo): len(text.splitlines()) for path, text in python_files.items()}
    assert {str(path): count for path, count in lines.items() if count > MAX_FILE} == {}


def test_functions_are_short(python_files: dict[Path, str], repo: Path) -> None:
    long = {}
    for path, text in python_files.items():
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                count = (node.end_lineno or node.lineno) - node.lineno + 1
                if count > MAX_FUNCTION:
                    long[f"{path.relative_to(repo)}:{node.lineno} {node.name}"] = count
    assert long == {}


def test_nothing_prints(modules: dict[Path, ast.Module], package: Path) -> None:
    found = [
        f"{path.relative_to(package)}:{node.lineno}"
        for path, tree in modules.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "print"
    ]
    assert found == []


def test_no_failure_is_swallowed(modules: dict[Path, ast.Module], package: Path) -> None:
    """An ``except`` names what it catches; one that catches all does something about it."""
    found = []
    for path, tree in modules.items():
        for node in ast.walk(tree):
            if not isinstance(node, ast.ExceptHandler):
                continue
            bare = node.type is None
            broad = isinstance(node.type, ast.Name) and node.type.id in (
                "Exception",
                "BaseException",
            )
            idle = all(isinstance(statement, ast.Pass) for statement in node.body)
            if bare or (broad and idle):
                found.append(f"{path.relative_to(package)}:{node.lineno}")
    assert found == []

"""Imports point down: utils <- nn <- model_zoo <- deploy, data <- deploy, utils <- loss, data."""

from __future__ import annotations

import ast
from collections.abc import Set
from pathlib import Path

import pytest

ALLOWED = {
    "utils": set(),
    "nn": {"utils"},
    "loss": {"utils"},
    "data": {"utils"},
    "model_zoo": {"utils", "nn"},
    "deploy": {"utils", "nn", "model_zoo", "data"},
    "cli": {"utils", "model_zoo", "data", "deploy"},
}
# Third-party packages that come with an extra or not at all: the only imports inside functions.
OPTIONAL = {
    "horovod",
    "matplotlib",
    "numba",
    "onnx",
    "onnxruntime",
    "openvino",
    "safetensors",
    "tensorboardX",
    "tokenizers",
    "torch",
}
# A dependency that is too slow to load with the package itself.
LATE = {"utils/numpy_aliases.py": {"cv2"}}


def layer_of(path: Path, package: Path) -> str:
    """``nn`` for ``nn/conv.py``; the empty string for modules right under the package."""
    parts = path.relative_to(package).parts
    return parts[0] if len(parts) > 1 else ""


def imported(node: ast.stmt) -> list[str]:
    """The dotted names that an import statement asks for; relative ones start with a dot."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        base = "." * node.level + (node.module or "")
        return [f"{base}.{alias.name}" for alias in node.names]
    return []


def bad_imports(tree: ast.Module, layer: str) -> list[str]:
    """The imports of a module in ``layer`` that the layering forbids, each with its line."""
    found = []
    for node in ast.walk(tree):
        for name in imported(node):
            parts = name.split(".")
            if name.startswith("."):
                found.append(f"line {node.lineno}: relative import {name}")
            elif parts[0] == "toolkit" and layer:
                target = parts[1] if len(parts) > 1 else "toolkit"
                # The version is all that everyone may have from the package's top.
                if target not in ALLOWED[layer] | {layer, "__version__"}:
                    found.append(f"line {node.lineno}: {layer} imports {target}: {name}")
    return found


def hidden_imports(tree: ast.Module, allowed: Set[str] = frozenset()) -> list[str]:
    """Imports inside functions of anything but optional third-party packages."""
    found = set()
    for function in ast.walk(tree):
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            for node in ast.walk(function):
                for name in imported(node):
                    if name.split(".")[0] not in OPTIONAL | allowed:
                        found.add(f"line {node.lineno}: {name}")
    return sorted(found)


def test_imports_point_down(modules: dict[Path, ast.Module], package: Path) -> None:
    layers = {path: layer_of(path, package) for path in modules}
    assert set(layers.values()) - {""} == set(ALLOWED), "a new folder needs a row in ALLOWED"
    found = [
        f"{path.relative_to(package)} {bad}"
        for path, tree in modules.items()
        for bad in bad_imports(tree, layers[path])
    ]
    assert found == []


def test_no_import_hides_in_a_function(modules: dict[Path, ast.Module], package: Path) -> None:
    found = [
        f"{path.relative_to(package)} {bad}"
        for path, tree in modules.items()
        for bad in hidden_imports(tree, LATE.get(path.relative_to(package).as_posix(), set()))
    ]
    assert found == []


@pytest.mark.parametrize(
    ("layer", "line"),
    [
        ("utils", "from toolkit.nn import conv"),
        ("utils", "import toolkit.nn.conv"),
        ("utils", "from toolkit import nn"),
        ("nn", "from toolkit.model_zoo import get_model"),
        ("model_zoo", "from toolkit.data.vision import read_image"),
        ("data", "from toolkit.model_zoo import get_model"),
        ("loss", "from toolkit.nn import conv"),
        ("nn", "from .conv import Conv"),
        ("nn", "import toolkit"),
    ],
)
def test_the_walk_sees_an_import_upwards(layer: str, line: str) -> None:
    assert bad_imports(ast.parse(line), layer)
    assert bad_imports(ast.parse(f"def f():\n    {line}"), layer)


@pytest.mark.parametrize(
    ("line", "bad"),
    [("import json", True), ("from toolkit.nn import conv", True), ("import onnx", False)],
)
def test_the_walk_sees_an_import_in_a_function(line: str, bad: bool) -> None:
    assert bool(hidden_imports(ast.parse(f"class A:\n    def f(self):\n        {line}"))) is bad
    assert hidden_imports(ast.parse(line)) == []

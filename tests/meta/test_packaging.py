"""What the wheel says and holds agrees with the source."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement

import toolkit

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

MAX_BYTES = 5 * 2**20


@pytest.fixture(scope="module")
def pyproject(repo: Path) -> dict[str, Any]:
    return tomllib.loads((repo / "pyproject.toml").read_text(encoding="utf-8"))


def test_versions_agree(pyproject: dict[str, Any], repo: Path) -> None:
    version = pyproject["project"]["version"]
    assert version == toolkit.__version__
    assert f"## {version}" in (repo / "CHANGELOG.md").read_text(encoding="utf-8")


def test_data_files_are_in_the_wheel(
    pyproject: dict[str, Any], repo_files: list[Path], package: Path
) -> None:
    patterns = pyproject["tool"]["setuptools"]["package-data"]["toolkit"]
    packed = {path for pattern in patterns for path in package.glob(pattern)}
    data = {path for path in repo_files if package in path.parents and path.suffix != ".py"}
    assert data
    assert sorted(str(path.relative_to(package)) for path in data - packed) == []


def test_no_pattern_is_idle(pyproject: dict[str, Any], package: Path) -> None:
    patterns = pyproject["tool"]["setuptools"]["package-data"]["toolkit"]
    assert [pattern for pattern in patterns if not any(package.glob(pattern))] == []


def test_every_folder_of_modules_is_a_package(package: Path) -> None:
    folders = {path.parent for path in package.rglob("*.py")}
    assert folders
    assert [str(f) for f in folders if not (f / "__init__.py").is_file()] == []


def test_no_file_is_large(repo_files: list[Path], repo: Path) -> None:
    sizes = {path.relative_to(repo): path.stat().st_size for path in repo_files}
    assert {str(path): size for path, size in sizes.items() if size > MAX_BYTES} == {}


def wanted(pyproject: dict[str, Any], **environment: str) -> set[str]:
    """The names of the dependencies that an environment gets."""
    requirements = [Requirement(text) for text in pyproject["project"]["dependencies"]]
    return {r.name for r in requirements if not r.marker or r.marker.evaluate(environment)}


@pytest.mark.parametrize(
    ("python", "system", "machine", "expected"),
    [
        ("3.10", "linux", "x86_64", True),
        ("3.12", "linux", "aarch64", True),
        ("3.11", "darwin", "x86_64", True),
        ("3.11", "darwin", "arm64", False),
        ("3.11", "win32", "AMD64", False),
        ("3.13", "linux", "x86_64", False),
    ],
)
def test_mxnet_is_asked_for_only_where_pip_can_have_it(
    pyproject: dict[str, Any], python: str, system: str, machine: str, expected: bool
) -> None:
    names = wanted(pyproject, python_version=python, sys_platform=system, platform_machine=machine)
    assert ("mxnet" in names) is expected
    assert ("setuptools" in names) is (python >= "3.12")
    assert {"numpy", "opencv-python-headless", "click"} <= names


def test_the_extras_exist(pyproject: dict[str, Any]) -> None:
    extras = pyproject["project"]["optional-dependencies"]
    assert {"onnx", "openvino", "hf", "dev", "test", "docs", "bench"} <= set(extras)
    for requirements in extras.values():
        for text in requirements:
            requirement = Requirement(text)
            if requirement.name == pyproject["project"]["name"]:
                assert requirement.extras <= set(extras)

"""`toolkit setup`: the right pip command, honest errors, and a check that can fail."""

from __future__ import annotations

import subprocess
import sys
from types import SimpleNamespace
from typing import Any

import pytest

from toolkit.utils import install


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """Records the commands instead of running them, as on a platform that has a wheel."""
    made: list[list[str]] = []

    def run(command: list[str], **options: Any) -> SimpleNamespace:
        made.append(command)
        return SimpleNamespace(returncode=0, stdout='{"numpy": "2.0.0"}\n', stderr="")

    monkeypatch.setattr(subprocess, "run", run)
    monkeypatch.setattr(install, "has_cuda_build", lambda: False)
    monkeypatch.setattr(install, "is_installed", lambda name: name == "pip")
    monkeypatch.setattr(install, "missing_wheel", lambda *where: None)
    return made


def ignore(line: str) -> None:
    """Takes a line of progress."""


@pytest.mark.parametrize("where", [("linux", "x86_64"), ("linux", "aarch64"), ("darwin", "x86_64")])
def test_platforms_with_a_wheel(where: tuple[str, str]) -> None:
    assert install.missing_wheel(*where) is None


@pytest.mark.parametrize(
    "where",
    [
        ("darwin", "arm64"),
        ("win32", "AMD64"),
        ("linux", "riscv64"),
        ("linux", "x86_64", "musl"),
        ("linux", "x86_64", ""),
    ],
)
def test_platforms_without_a_wheel_are_told_what_works(where: tuple[str, ...]) -> None:
    reason = install.missing_wheel(*where)
    assert reason is not None
    assert where[1] in reason
    assert "Linux x86-64" in reason
    assert "ONNX" in reason


@pytest.mark.parametrize(
    ("python", "numpy2", "passes_over_metadata"),
    [
        ((3, 10), False, False),
        ((3, 12), False, False),
        ((3, 10), True, True),
        ((3, 13), False, True),
        ((3, 13), True, True),
    ],
)
def test_metadata_is_passed_over_only_for_numpy_2(
    python: tuple[int, int], numpy2: bool, passes_over_metadata: bool
) -> None:
    arguments = install.pip_arguments(python, numpy2=numpy2)
    assert install.MXNET in arguments
    assert ("--no-deps" in arguments) is passes_over_metadata
    assert ("numpy>=2" in arguments) is passes_over_metadata
    assert ("numpy>=1.23,<2" in arguments) is not passes_over_metadata


def test_distutils_comes_from_setuptools_where_python_dropped_it() -> None:
    assert "setuptools>=65" in install.pip_arguments((3, 13))
    assert "setuptools>=65" not in install.pip_arguments((3, 11), numpy2=True)


def test_a_cuda_build_is_left_alone() -> None:
    assert install.MXNET not in install.pip_arguments((3, 13), cuda_build=True)


@pytest.mark.parametrize(
    ("names", "expected"),
    [({"mxnet"}, False), ({"mxnet-cu117", "numpy"}, True), ({"mxnet-cu112"}, True), (set(), False)],
)
def test_a_cuda_build_is_recognized(
    monkeypatch: pytest.MonkeyPatch, names: set[str], expected: bool
) -> None:
    monkeypatch.setattr(install, "is_installed", lambda name: name in names)
    assert install.has_cuda_build() is expected


def test_what_is_installed() -> None:
    assert install.is_installed("numpy")
    assert install.is_installed("NumPy")
    assert not install.is_installed("no-such-distribution")


def test_setup_installs_then_checks(calls: list[list[str]]) -> None:
    said: list[str] = []
    install.setup(said.append, numpy2=True)
    assert calls[0][:4] == [sys.executable, "-m", "pip", "install"]
    assert "--no-deps" in calls[0]
    assert calls[1][:2] == [sys.executable, "-c"]
    assert "numpy 2.0.0" in said[-1]


def test_dry_run_runs_nothing(calls: list[list[str]]) -> None:
    said: list[str] = []
    install.setup(said.append, numpy2=True, dry_run=True)
    assert calls == []
    assert "pip install --no-deps mxnet==1.9.1" in said[0]


def test_no_wheel_is_an_error_before_anything_runs(
    calls: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(install, "missing_wheel", lambda *where: "no wheel for this machine")
    with pytest.raises(install.SetupError, match="no wheel for this machine"):
        install.setup(ignore)
    assert calls == []


def test_an_environment_without_pip_is_told_what_to_do(
    calls: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(install, "is_installed", lambda name: False)
    with pytest.raises(install.SetupError, match=r"ensurepip.*uv pip install --no-deps"):
        install.setup(ignore, numpy2=True)
    assert calls == []


def test_a_failing_pip_is_an_error(calls: list[list[str]], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subprocess, "run", lambda *a, **k: SimpleNamespace(returncode=3))
    with pytest.raises(install.SetupError, match="status 3"):
        install.setup(ignore)


def test_the_check_runs_for_real() -> None:
    versions = install.check()
    assert versions["mxnet"] == "1.9.1"
    assert versions["python"].startswith(f"{sys.version_info.major}.{sys.version_info.minor}")


def test_the_check_reports_what_the_child_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(install, "_CHECK", "raise OSError('libmxnet.so is gone')")
    with pytest.raises(install.SetupError, match=r"libmxnet\.so is gone"):
        install.check()

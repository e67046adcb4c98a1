"""What programs in other languages are told of the installed MXNet."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from toolkit.deploy import consumers
from toolkit.deploy.consumers import DeployInfo, deploy_info
from toolkit.utils import mxnet_import
from toolkit.utils.runtime import Report, Step

SCRIPTS = Path(__file__).resolve().parents[2] / "scripts" / "deploy"


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that passes for MXNet's, with a space in its name."""
    folder = tmp_path / "a folder" / "mxnet"
    (folder / "include" / "mxnet").mkdir(parents=True)
    (folder / "include" / "mxnet" / "c_predict_api.h").touch()
    (folder / "libmxnet.so").touch()
    monkeypatch.setattr(consumers, "mxnet_folder", lambda: folder)
    return folder


def test_the_installed_library_is_found() -> None:
    info = deploy_info()
    assert info.library.is_file()
    assert (info.include / "mxnet" / "c_predict_api.h").is_file()
    assert info.rpath == info.library.parent
    assert info.version.startswith("1.9")
    assert info.environment["MXNET_LIBRARY_PATH"] == str(info.library)
    assert int(info.environment["OMP_NUM_THREADS"]) >= 1


def test_options_of_cmake_and_lines_for_a_shell_are_quoted(installed: Path) -> None:
    info = deploy_info()
    assert shlex.split(info.cmake()) == [
        f"-DMXNET_INCLUDE_DIR={installed / 'include'}",
        f"-DMXNET_LIBRARY={installed / 'libmxnet.so'}",
    ]
    words = [shlex.split(line) for line in info.exports().splitlines()]
    assert ["export", f"MXNET_LIBRARY_PATH={installed / 'libmxnet.so'}"] in words


def test_what_the_user_set_counts(installed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    assert deploy_info().environment["OMP_NUM_THREADS"] == "7"


@pytest.mark.parametrize("value", ["OPENBLAS_CORETYPE=Zen", "kernels for Zen"])
def test_variables_of_the_preparation_before_and_after_the_load(
    installed: Path, monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    rows = (Step("blas", "applied", value), Step("tuning", "skipped", ""))
    monkeypatch.setattr(consumers.runtime, "report", lambda: Report(rows))
    environment = deploy_info().environment
    assert environment["OPENBLAS_CORETYPE"] == "Zen"
    assert "MXNET_USE_OPERATOR_TUNING" not in environment


@pytest.mark.parametrize("name", ["libmxnet.so", "include/mxnet/c_predict_api.h"])
def test_an_installation_without_its_files_is_refused(installed: Path, name: str) -> None:
    (installed / name).unlink()
    with pytest.raises(FileNotFoundError, match=name.rpartition("/")[2]):
        deploy_info()


def test_without_mxnet_the_advice_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mxnet_import, "mxnet_folder", lambda: None)
    with pytest.raises(ModuleNotFoundError, match="MXNet"):
        deploy_info()


def test_as_plain_values() -> None:
    info = DeployInfo("1.9.1", Path("/a/b.so"), Path("/a/include"), Path("/a"), "a:b:1", {"A": "1"})
    assert info.to_dict()["library"] == "/a/b.so"
    assert info.to_dict()["environment"] == {"A": "1"}


def test_the_java_project_asks_for_the_engine_that_is_named() -> None:
    text = (SCRIPTS / "java" / "pom.xml").read_text()
    for part in consumers.DJL.split(":"):
        assert f">{part}<" in text

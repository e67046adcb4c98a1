from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from toolkit.utils import checkpoints
from toolkit.utils.checkpoints import CheckpointError, read_arrays, write_params, write_safetensors
from toolkit.utils.checkpoints import read as read_module

ARRAYS = {"arg:w": np.arange(6, dtype=np.float32).reshape(2, 3), "aux:m": np.ones(3, np.float32)}


FORMATS = ["params", "safetensors", "torch", "npz"]
WORDS = {"params": "MXNet .params", "torch": "PyTorch", "npz": "NumPy .npz or .npy"}


@pytest.fixture
def paths(tmp_path: Path, files: SimpleNamespace) -> dict[str, Path]:
    """The same arrays in every format, under names that say nothing of it."""
    paths = {format: tmp_path / f"{index}.bin" for index, format in enumerate(FORMATS)}
    write_params(paths["params"], ARRAYS)
    write_safetensors(paths["safetensors"], ARRAYS)
    with paths["npz"].open("wb") as file:
        np.savez(file, **ARRAYS)
    blocks = [files.Block(array.ravel(), name) for name, array in ARRAYS.items()]
    paths["torch"].write_bytes(
        files.torch_zip(
            lambda: {block.key: files.view(block, ARRAYS[block.key].shape) for block in blocks},
            blocks,
        )
    )
    return paths


def test_all_formats_are_covered() -> None:
    assert sorted(FORMATS) == sorted(read_module.READERS)


@pytest.mark.parametrize("format", FORMATS)
def test_every_format_gives_the_same_arrays(format: str, paths: dict[str, Path]) -> None:
    for options in ({}, {"format": format}):
        for path in (paths[format], str(paths[format])):
            arrays = read_arrays(path, **options)
            assert set(arrays) == set(ARRAYS)
            for name, array in ARRAYS.items():
                assert arrays[name].dtype == array.dtype
                np.testing.assert_array_equal(arrays[name], array)


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("forced", FORMATS)
def test_another_format_than_forced_is_refused(
    format: str, forced: str, paths: dict[str, Path]
) -> None:
    if format == forced:
        return
    with pytest.raises(CheckpointError) as caught:
        read_arrays(paths[format], format=forced)
    text = str(caught.value)
    assert text.startswith(f"{paths[format]}: expected ")
    expected, found = text.split(": expected ")[1].split(", found ")
    assert WORDS.get(forced, forced) in expected
    assert WORDS.get(format, format) in found


@pytest.mark.parametrize("forced", FORMATS)
@pytest.mark.parametrize("content", [b"\x07" * 50, b"\xff\xfe" * 999, b"\x01"])
def test_a_forced_format_is_tried_on_what_is_unknown(
    content: bytes, forced: str, tmp_path: Path
) -> None:
    path = tmp_path / "x"
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match="x: unreadable"):
        read_arrays(path, format=forced)


def test_an_unknown_format_names_the_nearest() -> None:
    with pytest.raises(ValueError, match="unknown checkpoint format 'parms'; did you mean params"):
        read_arrays("x", format="parms")


def test_a_wrong_file_names_found_and_expected(tmp_path: Path) -> None:
    path = tmp_path / "resnet.params"
    path.write_bytes(b"<!doctype html><title>Sign in</title>")
    with pytest.raises(CheckpointError) as caught:
        read_arrays(path)
    message = (
        "expected one of MXNet .params, safetensors, PyTorch, NumPy .npz or .npy, found an HTML"
    )
    assert f"{path}: {message}" in str(caught.value)
    with pytest.raises(CheckpointError, match=r"expected MXNet \.params, found an HTML page"):
        read_arrays(path, format="params")


def test_a_missing_file_names_what_is_near(tmp_path: Path) -> None:
    (tmp_path / "resnet50-0000.params").write_bytes(b"")
    with pytest.raises(FileNotFoundError, match=r"did you mean resnet50-0000.params\?") as caught:
        read_arrays(tmp_path / "resnet50-0001.params")
    assert str(tmp_path / "resnet50-0001.params") in str(caught.value)


def test_a_missing_folder_is_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"nowhere.x\.params"):
        read_arrays(tmp_path / "nowhere" / "x.params")


def test_an_empty_file_is_said(tmp_path: Path) -> None:
    (tmp_path / "x.params").touch()
    with pytest.raises(CheckpointError, match=r"x\.params: the file is empty"):
        read_arrays(tmp_path / "x.params")


def test_a_folder_is_said(tmp_path: Path) -> None:
    (tmp_path / "model.safetensors").touch()
    with pytest.raises(CheckpointError, match=r"a folder, not a file; it holds model\.safetensors"):
        read_arrays(tmp_path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_what_is_no_file_is_said(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(CheckpointError, match="not a regular file"):
        read_arrays(tmp_path / "pipe")


def test_too_little_memory_is_said(paths: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    def greedy(source: object) -> dict[str, np.ndarray]:
        raise MemoryError

    monkeypatch.setitem(read_module.READERS, "params", greedy)
    with pytest.raises(CheckpointError, match="more memory than there is"):
        read_arrays(paths["params"])


def test_the_package_hands_on_its_names() -> None:
    assert set(checkpoints.__all__) == {
        "CheckpointError",
        "read_arrays",
        "write_params",
        "write_safetensors",
    }
    for name in checkpoints.__all__:
        assert getattr(checkpoints, name).__name__ == name


def test_readers_need_no_framework(run_bare: Callable[[str], str]) -> None:
    loaded = run_bare("import toolkit.utils.checkpoints.read")
    assert "numpy" in loaded.split()
    for name in ("mxnet", "torch", "safetensors", "requests"):
        assert name not in loaded.split()


@pytest.fixture
def run_bare() -> Callable[[str], str]:
    """Runs a statement in a new interpreter; gives the top-level modules that it loaded."""

    def run(statement: str) -> str:
        code = f"{statement}; import sys; sys.stdout.write(' '.join(sys.modules))"
        environment = {**os.environ, "TOOLKIT_RUNTIME": "0"}
        command = [sys.executable, "-c", code]
        return subprocess.run(
            command, check=True, capture_output=True, text=True, env=environment
        ).stdout

    return run

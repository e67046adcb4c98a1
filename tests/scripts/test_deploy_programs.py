"""The C++ and Java programs give what Python gives, and say what is wrong."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from toolkit.deploy import load

KINDS = ("classifier", "detector", "text")


@pytest.fixture(
    scope="session",
    params=[pytest.param(name, marks=getattr(pytest.mark, name)) for name in ("cpp", "java")],
)
def programs(request: pytest.FixtureRequest) -> Any:
    """Those of each language in turn."""
    return request.getfixturevalue(request.param)


@pytest.mark.parametrize("kind", KINDS)
def test_prints_what_python_finds(
    programs: Any, kind: str, prints_as_python: Callable[..., None]
) -> None:
    prints_as_python(programs, kind)


@pytest.mark.parametrize("kind", KINDS)
def test_all_outputs_are_those_of_python(
    programs: Any, kind: str, exports: dict[str, Path], batches: dict[str, Any], tmp_path: Path
) -> None:
    found = programs.outputs(exports[kind], tmp_path, *batches[kind])
    wanted = load(exports[kind])(*batches[kind])
    assert len(found) == len(wanted)
    for left, right in zip(found, wanted, strict=True):
        assert left.dtype == right.dtype
        np.testing.assert_allclose(left, right, atol=1e-5)


def test_pictures_are_prepared_as_in_python(programs: Any, same_preparation: Callable) -> None:
    same_preparation(programs)


def test_a_damaged_export_is_refused(
    programs: Any, damaged: tuple[Path, tuple[str, ...]], picture_files: Path
) -> None:
    prefix, words = damaged
    said = programs("classify", prefix, picture_files / "photograph.jpg", status=2)
    assert said.startswith("error: ")
    assert said.count("\n") == 1
    for word in words:
        assert word in said


@pytest.mark.parametrize(
    ("kind", "shapes", "words"),
    [
        ("classifier", [(1, 3, 32)], ("4 axes", "3, 32")),
        ("classifier", [(1, 5, 32, 32)], ("5, 32, 32", "exported for", "any, 3, 32, 32")),
        ("text", [(1, 12), (1, 12)], ("3 inputs", "got 2")),
    ],
)
def test_inputs_that_do_not_fit_are_refused(
    programs: Any,
    exports: dict[str, Path],
    tmp_path: Path,
    kind: str,
    shapes: list[tuple[int, ...]],
    words: tuple[str, ...],
) -> None:
    paths = [tmp_path / f"{i}.npy" for i in range(len(shapes))]
    for path, shape in zip(paths, shapes, strict=True):
        np.save(path, np.zeros(shape, np.float32))
    said = programs("run_arrays", exports[kind], tmp_path / "out", *paths, status=2)
    assert said.count("\n") == 1
    for word in words:
        assert word in said


def test_what_is_no_picture_is_refused(
    programs: Any, exports: dict[str, Path], tmp_path: Path
) -> None:
    path = tmp_path / "empty.jpg"
    path.write_bytes(b"\xff\xd8\xff\xe0 no picture")
    assert str(path) in programs("classify", exports["classifier"], path, status=2)


def test_threads_share_one_network(
    programs: Any, exports: dict[str, Path], batches: dict[str, Any], tmp_path: Path
) -> None:
    np.save(tmp_path / "in.npy", batches["detector"][0])
    words = ("--pool", 2, "--threads", 32, "--requests", 500)
    programs("run_arrays", exports["detector"], tmp_path / "out", tmp_path / "in.npy", *words)

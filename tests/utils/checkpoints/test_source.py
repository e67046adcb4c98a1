from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import numpy as np
import pytest

from toolkit.utils.checkpoints import CheckpointError, read_arrays, write_params
from toolkit.utils.checkpoints import source as source_module
from toolkit.utils.checkpoints.elements import ELEMENTS
from toolkit.utils.checkpoints.source import Cursor, Source, brief

Make = Callable[[bytes], Source]


@pytest.mark.parametrize(
    ("offset", "length"), [(-1, 1), (0, 5), (4, 1), (5, 0), (0, -1), (1, 1 << 70)]
)
def test_spans_stay_inside_the_file(offset: int, length: int, source: Make) -> None:
    with pytest.raises(CheckpointError, match=r"source: .*truncated: the part takes"):
        source(b"1234").span(offset, length, "the part")


def test_errors_tell_file_format_and_place(source: Make) -> None:
    made = source(b"1234")
    made.format = "safetensors"
    error = str(made.error("no header", 2))
    assert error == f"{made.path}: unreadable safetensors file: no header (at byte 2 of 4)"


@pytest.mark.parametrize("shape", [(-1,), (1 << 60, 8), (0, 1 << 60, 1 << 60), (1,) * 33])
def test_shapes_that_no_array_has(shape: tuple[int, ...], source: Make) -> None:
    with pytest.raises(CheckpointError, match="impossible shape"):
        source(b"").count(shape, "it")


@pytest.mark.parametrize(("shape", "count"), [((), 1), ((3, 2), 6), ((0, 5), 0), ((1,) * 32, 1)])
def test_shapes_that_arrays_have(shape: tuple[int, ...], count: int, source: Make) -> None:
    assert source(b"").count(shape, "it") == count


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("offset", [0, 1, 4])
def test_arrays_are_native_and_aligned(order: str, offset: int, source: Make) -> None:
    values = np.array([[1, -2], [3, 4]], f"{order}i4")
    array = source(bytes(offset) + values.tobytes()).array(
        offset, ELEMENTS["int32"], (2, 2), "it", order
    )
    assert array.dtype.isnative
    assert array.flags.aligned
    np.testing.assert_array_equal(array, values)


def test_memory_beyond_the_file_is_limited(source: Make) -> None:
    made = source(b"1234")
    made.claim(800 << 20, "one")
    with pytest.raises(CheckpointError, match="another would take 314572800 bytes"):
        made.claim(300 << 20, "another")


def test_a_cursor_reads_fields_in_turn(source: Make) -> None:
    cursor = Cursor(source(b"\x01\x02\x00\xff\xff\xff\xff"))
    assert cursor.fields("BH", "a") == (1, 2)
    assert cursor.field("i", "b") == -1
    with pytest.raises(CheckpointError, match="the end takes 1 bytes"):
        cursor.take(1, "the end")


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    path = tmp_path / "w.params"
    write_params(path, {"w": np.arange(1 << 20, dtype=np.float32), "b": np.ones(3, np.float64)})
    return path


def test_large_files_are_mapped(
    weights: Path,
    monkeypatch: pytest.MonkeyPatch,
    frugal: Callable[[], AbstractContextManager[None]],
) -> None:
    small = read_arrays(weights)
    monkeypatch.setattr(source_module, "MAPPED_FROM", 1 << 10)
    with frugal():
        large = read_arrays(weights)
    for name, array in large.items():
        np.testing.assert_array_equal(array, small[name])


@pytest.mark.parametrize("mapped_from", [1, 1 << 40])
def test_writing_to_an_array_leaves_the_file(
    mapped_from: int, weights: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(source_module, "MAPPED_FROM", mapped_from)
    before = weights.read_bytes()
    arrays = read_arrays(weights)
    for array in arrays.values():
        array[:] = 7
    assert (arrays["w"] == 7).all()
    assert weights.read_bytes() == before


def test_a_mapped_file_may_be_replaced_while_in_use(
    weights: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(source_module, "MAPPED_FROM", 1)
    arrays = read_arrays(weights)
    write_params(weights, {"w": np.zeros(2, np.float32)})
    assert arrays["w"][-1] == (1 << 20) - 1


def deep() -> list:
    value: list = []
    for _ in range(100_000):
        value = [value]
    return value


def bomb() -> list:
    value: list = [1]
    for _ in range(60):
        value = [value] * 10
    return value


def test_brief_is_brief() -> None:
    for value in ("x" * 10**6, 1 << 10**5, deep(), bomb(), {b"k" * 10**6: [()]}):
        assert len(brief(value)) <= 123
    assert brief("a") == "'a'"

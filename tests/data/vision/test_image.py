from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from toolkit.data.vision.image import ImageError, read_image

Encode = Callable[..., bytes]


@pytest.fixture
def file(tmp_path: Path, photo: np.ndarray, encode: Encode) -> Path:
    path = tmp_path / "a picture.png"
    path.write_bytes(encode(photo, "PNG"))
    return path


@pytest.mark.parametrize(
    "source",
    [
        Path,
        str,
        lambda path: path.read_bytes(),
        lambda path: bytearray(path.read_bytes()),
        lambda path: memoryview(path.read_bytes()),
        lambda path: io.BytesIO(path.read_bytes()),
        lambda path: Image.open(io.BytesIO(path.read_bytes())),
        lambda path: np.array(Image.open(io.BytesIO(path.read_bytes()))),
    ],
    ids=["Path", "str", "bytes", "bytearray", "view", "file", "Pillow", "array"],
)
def test_every_source_gives_the_same(
    source: Callable[[Path], Any], file: Path, photo: np.ndarray
) -> None:
    image = read_image(source(file))
    np.testing.assert_array_equal(image, photo)
    assert image.dtype == np.uint8
    assert image.flags.c_contiguous
    assert image.flags.writeable


def test_an_open_file_is_read(file: Path, photo: np.ndarray) -> None:
    with open(file, "rb") as stream:
        np.testing.assert_array_equal(read_image(stream), photo)
    with open(file, encoding="latin-1") as stream, pytest.raises(TypeError, match="binary mode"):
        read_image(stream)  # type: ignore[arg-type]


def test_an_array_of_mxnet_is_read(photo: np.ndarray) -> None:
    mx = pytest.importorskip("mxnet")
    array = mx.nd.array(photo, dtype="uint8")
    np.testing.assert_array_equal(read_image(array), photo)


def test_home_is_expanded(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(file.parent))
    assert read_image(f"~/{file.name}").shape == (43, 61, 3)


@pytest.mark.parametrize("source", [None, 3, ["a.png"], {"a": 1}])
def test_other_sources_are_refused(source: Any) -> None:
    with pytest.raises(TypeError, match="give one path"):
        read_image(source)


def test_errors_name_the_file_and_the_reason(tmp_path: Path) -> None:
    (tmp_path / "empty.jpg").touch()
    (tmp_path / "page.jpg").write_text("<!DOCTYPE html><html>")
    for name, reason in {
        "": "Is a directory",
        "none.jpg": "No such file",
        "empty.jpg": "empty",
        "page.jpg": "known format.*DOCTYPE",
        "null\0byte.jpg": "null",
        "x" * 5000: "too long",
    }.items():
        with pytest.raises(ImageError, match=f"(?s)cannot read {tmp_path}.*{reason}") as caught:
            read_image(f"{tmp_path}/{name}")
        assert len(str(caught.value)) < 600


def test_an_address_is_fetched_or_the_error_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOOLKIT_OFFLINE", "1")
    with pytest.raises(ImageError, match=r"cannot read http://127.0.0.1/a.png: .*TOOLKIT_OFFLINE"):
        read_image("http://127.0.0.1/a.png")

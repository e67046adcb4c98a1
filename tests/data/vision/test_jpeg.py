from __future__ import annotations

import struct
from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image

from toolkit.data.vision.jpeg import JpegHeader, exif_orientation, jpeg_header

Encode = Callable[..., bytes]


@pytest.mark.parametrize(("mode", "channels"), [("L", 1), ("RGB", 3), ("CMYK", 4)])
@pytest.mark.parametrize("progressive", [False, True])
def test_the_header(
    mode: str, channels: int, progressive: bool, photo: np.ndarray, encode: Encode
) -> None:
    data = encode(Image.fromarray(photo).convert(mode), "JPEG", progressive=progressive)
    assert jpeg_header(memoryview(data)) == JpegHeader(43, 61, channels, 8, 1)


def test_long_comments_and_fill_bytes_are_skipped(photo: np.ndarray, encode: Encode) -> None:
    data = encode(photo, "JPEG", comment=b"\xff\xc0\xff\xda" * 2000)
    data = data[:2] + b"\xff\xff\xff" + data[2:]
    assert jpeg_header(memoryview(data)) == JpegHeader(43, 61, 3, 8, 1)


def test_other_and_broken_files_have_none(photo: np.ndarray, encode: Encode) -> None:
    data = encode(photo, "JPEG")
    for other in (b"", b"\xff\xd8", b"\xff\xd8\xff", data[:30], encode(photo, "PNG")):
        assert jpeg_header(memoryview(other)) is None
    assert jpeg_header(memoryview(data[:2] + b"\xff\xe0\0\0" + data[20:])) is None


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("start", [b"", b"Exif\0\0"])
def test_orientation(order: str, start: bytes) -> None:
    magic = start + (b"II" if order == "<" else b"MM")
    width = struct.pack(f"{order}HHIHH", 0x0100, 3, 1, 640, 0)
    for value, expected in [(6, 6), (0, 1), (9, 1)]:
        entry = struct.pack(f"{order}HHIHH", 0x0112, 3, 1, value, 0)
        exif = magic + struct.pack(f"{order}HIH", 42, 8, 2) + width + entry
        assert exif_orientation(exif) == expected
        assert exif_orientation(memoryview(exif)) == expected
    assert exif_orientation(exif[:-5]) == 1

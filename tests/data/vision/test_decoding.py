from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageOps

from toolkit.data.vision.decoding import decode_image, pillow_to_rgb
from toolkit.data.vision.image import ImageError

Encode = Callable[..., bytes]
LOSSLESS = {"PNG": {}, "WEBP": {"lossless": True}, "TIFF": {}, "BMP": {}, "PPM": {}}


def by_pillow(data: bytes) -> np.ndarray:
    return np.array(ImageOps.exif_transpose(Image.open(io.BytesIO(data))).convert("RGB"))


@pytest.mark.parametrize("format", LOSSLESS)
def test_lossless_formats_come_back(format: str, photo: np.ndarray, encode: Encode) -> None:
    data = encode(photo, format, **LOSSLESS[format])
    np.testing.assert_array_equal(decode_image(data, "it"), photo)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"progressive": True},
        {"subsampling": 2},
        {"quality": 20},
        {"keep_rgb": True},
        {"optimize": True, "restart_marker_blocks": 2},
    ],
)
@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_jpeg_has_pillows_pixels(
    mode: str, options: dict[str, int], photo: np.ndarray, encode: Encode
) -> None:
    data = encode(Image.fromarray(photo).convert(mode), "JPEG", **options)
    np.testing.assert_array_equal(decode_image(data, "it"), by_pillow(data))


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_rotation_is_applied(
    format: str, orientation: int, photo: np.ndarray, encode: Encode
) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = encode(photo, format, exif=exif, **LOSSLESS.get(format, {}))
    image = decode_image(data, "it")
    np.testing.assert_array_equal(image, by_pillow(data))
    assert image.flags.c_contiguous
    assert image.shape == ((43, 61, 3) if orientation < 5 else (61, 43, 3))
    np.testing.assert_array_equal(pillow_to_rgb(Image.open(io.BytesIO(data)), "it"), image)


@pytest.mark.parametrize(
    "exif", [b"", b"Exif\0\0", b"Exif\0\0MM\0*\xff\xff\xff\xff", b"Exif\0\0II"]
)
def test_broken_exif_is_passed_over(exif: bytes, photo: np.ndarray, encode: Encode) -> None:
    data = encode(photo, "PNG", exif=exif)
    np.testing.assert_array_equal(decode_image(data, "it"), photo)
    assert decode_image(encode(photo, "JPEG", exif=exif), "it").shape == photo.shape


def test_transparency_is_laid_over_white(encode: Encode) -> None:
    rgba = np.array([[[200, 100, 0, 255], [200, 100, 0, 0], [200, 100, 0, 128]]], np.uint8)
    expected = [[[200, 100, 0], [255, 255, 255], [227, 177, 127]]]
    assert decode_image(encode(rgba, "PNG"), "it").tolist() == expected
    palette = Image.new("P", (2, 1))
    palette.putpalette([10, 20, 30, 40, 50, 60])
    palette.putpixel((1, 0), 1)
    for transparency in (1, b"\xff\x00"):
        data = encode(palette, "PNG", transparency=transparency)
        assert decode_image(data, "it").tolist() == [[[10, 20, 30], [255, 255, 255]]]
    gray = Image.new("LA", (1, 1), (0, 127))
    assert decode_image(encode(gray, "PNG"), "it").tolist() == [[[128, 128, 128]]]
    keyed = encode(Image.new("RGB", (1, 1), (1, 2, 3)), "PNG", transparency=(1, 2, 3))
    assert decode_image(keyed, "it").tolist() == [[[255, 255, 255]]]


@pytest.mark.parametrize(
    ("mode", "format"),
    [
        *[(mode, format) for mode in ("1", "L", "P") for format in ("PNG", "TIFF", "GIF")],
        *[("L", "JPEG"), ("CMYK", "JPEG"), ("CMYK", "TIFF")],
    ],
)
def test_color_modes(mode: str, format: str, photo: np.ndarray, encode: Encode) -> None:
    image = Image.fromarray(photo).convert(mode)
    decoded = decode_image(encode(image, format), "it").astype(int)
    assert decoded.shape == photo.shape
    assert np.abs(decoded - np.array(image.convert("RGB"))).mean() < 8


def test_sixteen_bits_keep_the_high_byte(photo: np.ndarray, encode: Encode) -> None:
    gray = photo[..., 0]
    for format in ("PNG", "TIFF"):
        data = encode(gray.astype(np.uint16) * 257, format)
        np.testing.assert_array_equal(decode_image(data, "it"), np.stack([gray] * 3, 2))


def test_sixteen_bits_of_colour(photo: np.ndarray) -> None:
    rows = (photo.astype(">u2") * 257).reshape(43, -1).view(np.uint8)
    packed = zlib.compress(np.pad(rows, ((0, 0), (1, 0))).tobytes())
    data = png(struct.pack(">IIBBBBB", 61, 43, 16, 2, 0, 0, 0), packed)
    np.testing.assert_array_equal(decode_image(data, "it"), photo)


@pytest.mark.parametrize("format", ["GIF", "WEBP", "PNG", "TIFF"])
def test_the_first_frame_of_an_animation(format: str, encode: Encode) -> None:
    frames = [Image.new("RGB", (8, 6), color) for color in ("red", "lime", "blue")]
    options = {"lossless": True} if format == "WEBP" else {}
    data = encode(frames[0], format, save_all=True, append_images=frames[1:], **options)
    image = decode_image(data, "it")
    assert image.shape == (6, 8, 3)
    assert (image == (255, 0, 0)).all()


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF"])
def test_a_cut_off_file_is_refused(
    format: str, photo: np.ndarray, encode: Encode, capfd: pytest.CaptureFixture[str]
) -> None:
    data = encode(photo, format)
    for size in (1, 10, 30, len(data) // 4, len(data) // 2, len(data) * 3 // 4):
        with pytest.raises(ImageError, match="cannot read picture 7"):
            decode_image(data[:size], "picture 7")
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "PPM", "ICO"])
def test_damage_gives_an_image_or_an_image_error(
    format: str, photo: np.ndarray, encode: Encode
) -> None:
    data = encode(photo, format)
    rng = np.random.default_rng(1)
    refused = 0
    for _ in range(60):
        damaged = bytearray(data)
        for place in rng.integers(len(data), size=rng.integers(1, 20)):
            damaged[min(place, place % 400)] = rng.integers(256)  # mostly in the header
        try:
            image = decode_image(damaged, "it")
        except ImageError:
            refused += 1
        else:
            assert image.ndim == 3
            assert image.dtype == np.uint8
    assert refused or format in ("BMP", "PPM")  # which hardly have a header


def png(header: bytes, packed: bytes = b"") -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        crc = struct.pack(">I", zlib.crc32(kind + data))
        return struct.pack(">I", len(data)) + kind + data + crc

    chunks = chunk(b"IHDR", header) + chunk(b"IDAT", packed) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + chunks


@pytest.mark.parametrize("side", [12000, 60000])  # Pillow warns of the one, refuses the other
@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
def test_decompression_bombs_are_refused(side: int, photo: np.ndarray, encode: Encode) -> None:
    bomb = png(struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0))
    with pytest.raises(ImageError, match=r"bomb.png.*pixels"):
        decode_image(bomb, "bomb.png")
    jpeg = encode(photo, "JPEG")
    start = jpeg.index(b"\xff\xc0") + 5
    bomb = jpeg[:start] + struct.pack(">HH", side, side) + jpeg[start + 4 :]
    with pytest.raises(ImageError, match=f"bomb.jpg: {side} x {side} pixels are more than"):
        decode_image(bomb, "bomb.jpg")


def test_the_limit_is_pillows(
    photo: np.ndarray, encode: Encode, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = encode(photo, "JPEG")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 43 * 61 - 1)
    with pytest.raises(ImageError, match="MAX_IMAGE_PIXELS"):
        decode_image(data, "it")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", None)
    assert decode_image(data, "it").shape == photo.shape


def test_formats_that_run_programs_are_refused(photo: np.ndarray, encode: Encode) -> None:
    with pytest.raises(ImageError, match=r"not an image of a known format.*PS-Adobe"):
        decode_image(encode(photo, "EPS"), "it")


@pytest.mark.realdata
def test_photographs_have_pillows_pixels(data_root: Path) -> None:
    paths = sorted((data_root / "imagenet_samples").glob("*.JPEG"))[::8]
    assert len(paths) == 25
    for path in paths:
        data = path.read_bytes()
        np.testing.assert_array_equal(decode_image(data, path.name), by_pillow(data))

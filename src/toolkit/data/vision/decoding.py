"""Decodes image files in memory: OpenCV for plain JPEG, Pillow for everything else."""

from __future__ import annotations

import io

import cv2
import numpy as np
from PIL import Image

from toolkit.data.vision.download import MAX_BYTES
from toolkit.data.vision.jpeg import JpegHeader, exif_orientation, jpeg_header
from toolkit.data.vision.pixels import ImageError, array_to_rgb, over_white, upright

# What Pillow may decode: neither PostScript and the like, which run programs, nor Targa, which any
# file may be taken for, since it has no signature.
FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "PPM", "ICO", "JPEG2000", "AVIF")
DEEP_MODES = ("I;16", "I;16B", "I;16L", "I;16N", "I", "F")  # more than eight bits a channel


def decode_image(data: bytes | bytearray | memoryview, name: str) -> np.ndarray:
    """Decodes an image file in memory to (H, W, 3) uint8 RGB; ``name`` is for error messages.

    Raises:
        ImageError: as ``read_image``.
    """
    if not len(data):
        raise ImageError(f"cannot read {name}: it is empty (0 bytes)")
    if len(data) > MAX_BYTES:
        raise ImageError(f"cannot read {name}: more than {MAX_BYTES >> 20} MiB")
    header = jpeg_header(memoryview(data))
    if header is not None and header.bits == 8 and header.channels in (1, 3):
        pixels = _decode_jpeg(data, header, name)
        if pixels is not None:
            return pixels
    try:
        image = Image.open(io.BytesIO(data), formats=_formats())
    except Image.UnidentifiedImageError as error:
        raise ImageError(
            f"cannot read {name}: not an image of a known format ({', '.join(FORMATS)}); "
            f"it begins with {bytes(data[:16])!r}"
        ) from error
    except Exception as error:  # Pillow's parsers raise errors of every kind on broken files
        raise ImageError(f"cannot read {name}: {error}") from error
    _check_size(*image.size, name)
    return pillow_to_rgb(image, name)


def pillow_to_rgb(image: Image.Image, name: str) -> np.ndarray:
    """The first frame of a Pillow image as (H, W, 3) uint8 RGB, upright.

    Raises:
        ImageError: the file behind it is broken; ``name`` says which.
    """
    try:
        image.load()
        if image.mode in DEEP_MODES:
            pixels = array_to_rgb(np.array(image), name)
        elif image.has_transparency_data:
            pixels = over_white(np.array(image.convert("RGBA")))
        else:
            pixels = np.array(image.convert("RGB"))
    except ImageError:
        raise
    except Exception as error:  # Pillow's decoders raise errors of every kind on broken files
        raise ImageError(f"cannot read {name}: {error or type(error).__name__}") from error
    exif = image.info.get("exif")
    return upright(pixels, exif_orientation(exif) if isinstance(exif, bytes) else 1)


def _decode_jpeg(
    data: bytes | bytearray | memoryview, header: JpegHeader, name: str
) -> np.ndarray | None:
    """The same pixels as Pillow's in less time; None where the file is cut off or odd."""
    _check_size(header.width, header.height, name)
    flags = cv2.IMREAD_COLOR_RGB | cv2.IMREAD_IGNORE_ORIENTATION
    pixels = cv2.imdecode(np.frombuffer(data, np.uint8), flags)
    return None if pixels is None else upright(pixels, header.orientation)


def _formats() -> list[str]:
    """Those of ``FORMATS`` that the installed Pillow was built with."""
    Image.init()
    return [name for name in FORMATS if name in Image.OPEN]


def _check_size(width: int, height: int, name: str) -> None:
    limit = Image.MAX_IMAGE_PIXELS
    if limit is not None and width * height > limit:
        raise ImageError(
            f"cannot read {name}: {width} x {height} pixels are more than {limit}; set "
            "PIL.Image.MAX_IMAGE_PIXELS to read larger pictures from a source you trust"
        )

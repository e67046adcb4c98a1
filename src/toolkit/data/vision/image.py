"""Reads a picture from wherever it is, as RGB."""

from __future__ import annotations

import os
from typing import BinaryIO

import numpy as np
from PIL import Image

from toolkit.data.vision.decoding import decode_image, pillow_to_rgb
from toolkit.data.vision.download import MAX_BYTES, DownloadError, download
from toolkit.data.vision.pixels import ImageError, array_to_rgb


def read_image(
    source: str | os.PathLike[str] | bytes | BinaryIO | np.ndarray | Image.Image,
) -> np.ndarray:
    """Reads one picture as (H, W, 3) uint8 RGB, contiguous and upright.

    EXIF rotation is applied. Gray is repeated in three channels, transparent pixels are laid over
    white, 16-bit values keep their high byte, and of an animation the first frame is taken.

    Args:
        source: a path, an ``http(s)://`` address, the bytes of an image file, a binary file object,
            a Pillow image, or an array (H, W), (H, W, 1), (H, W, 3) or (H, W, 4) of uint8, uint16,
            bool, other integers in 0..255 or floats in 0..1. An array that already is the result
            is returned as it is, not copied.

    Raises:
        ImageError: nothing there, not an image, cut off or corrupt; more pixels than
            ``PIL.Image.MAX_IMAGE_PIXELS`` or more than 256 MiB; a download that fails or is
            forbidden by ``TOOLKIT_OFFLINE``.
        TypeError: ``source`` is none of the above.
    """
    if isinstance(source, np.ndarray):
        return array_to_rgb(source, "the array")
    if isinstance(source, Image.Image):
        return pillow_to_rgb(source, str(getattr(source, "filename", "") or "the Pillow image"))
    if isinstance(source, (bytes, bytearray, memoryview)):
        return decode_image(source, f"the image of {len(source)} bytes")
    if isinstance(source, str) and source.lower().startswith(("http://", "https://")):
        try:
            return decode_image(download(source), source)
        except DownloadError as error:
            raise ImageError(f"cannot read {source}: {error}") from error
    if isinstance(source, (str, os.PathLike)):
        return _from_file(os.path.expanduser(os.fsdecode(source)))
    if hasattr(source, "read"):
        data = source.read(MAX_BYTES + 1)
        if not isinstance(data, bytes):
            raise TypeError(f"the file object gives {type(data).__name__}; open it in binary mode")
        return decode_image(data, str(getattr(source, "name", "the file object")))
    if hasattr(source, "asnumpy"):  # an array of MXNet
        return array_to_rgb(source.asnumpy(), "the array")
    raise TypeError(
        f"cannot read an image from {type(source).__name__}; give one path, URL, bytes, file "
        "object, NumPy array or Pillow image"
    )


def _from_file(path: str) -> np.ndarray:
    try:
        with open(path, "rb") as file:
            data = file.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:  # ValueError: a null byte in the name
        reason = getattr(error, "strerror", None) or error
        raise ImageError(f"cannot read {path[:300]}: {reason}") from error
    return decode_image(data, path)

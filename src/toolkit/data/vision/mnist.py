"""MNIST (LeCun et al., 1998) and Fashion-MNIST (Xiao et al., 2017, 1708.07747)."""

from __future__ import annotations

import gzip
import math
import zlib
from pathlib import Path

import numpy as np

from toolkit.data.vision.arrays import ArrayImages
from toolkit.utils.files import cache_dir

IDX_TYPES = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}

GARMENTS = "t-shirt/top trouser pullover dress coat sandal shirt sneaker bag ankle_boot"


class MNIST(ArrayImages):
    """Samples ``(image, digit)``: (28, 28, 1) uint8, white on black.

    ``root`` holds the four official files, packed or not; by default ``datasets/mnist`` of the
    cache, where Gluon keeps them.

    Raises:
        ValueError: a file is missing or broken.
    """

    classes = tuple("0123456789")

    def __init__(self, root: str | Path | None = None, train: bool = True) -> None:
        super().__init__(*_load(root, "mnist", train))


class FashionMNIST(ArrayImages):
    """Samples ``(image, garment)``: (28, 28, 1) uint8, white on black.

    ``root`` holds the four official files, named as MNIST's; by default ``datasets/fashion-mnist``
    of the cache, where Gluon keeps them.

    Raises:
        ValueError: a file is missing or broken.
    """

    classes = tuple(GARMENTS.split())

    def __init__(self, root: str | Path | None = None, train: bool = True) -> None:
        super().__init__(*_load(root, "fashion-mnist", train))


def read_idx(path: str | Path) -> np.ndarray:
    """The array of an IDX file, packed by gzip or not.

    Raises:
        ValueError: no such file, or its header or size is wrong.
    """
    path = Path(path)
    try:
        data = path.read_bytes()
        if data[:2] == b"\x1f\x8b":
            data = gzip.decompress(data)
    except (OSError, EOFError, zlib.error) as error:
        raise ValueError(f"cannot read {path}: {error}") from error
    if len(data) < 4 or data[:2] != b"\0\0" or data[2] not in IDX_TYPES:
        raise ValueError(f"{path} is no IDX file: it begins with {data[:4]!r}")
    start = 4 + 4 * data[3]
    shape = tuple(int.from_bytes(data[i : i + 4], "big") for i in range(4, start, 4))
    dtype = np.dtype(IDX_TYPES[data[2]])
    expected = start + math.prod(shape) * dtype.itemsize
    if len(data) != expected:
        raise ValueError(f"{path} has {len(data)} bytes; its shape {shape} needs {expected}")
    return np.frombuffer(data, dtype, offset=start).reshape(shape).astype(dtype.newbyteorder("="))


def _load(root: str | Path | None, name: str, train: bool) -> tuple[np.ndarray, np.ndarray]:
    folder = cache_dir(root, "datasets") / ("" if root else name)
    stem = "train" if train else "t10k"
    images = read_idx(_find(folder, f"{stem}-images-idx3-ubyte"))
    labels = read_idx(_find(folder, f"{stem}-labels-idx1-ubyte"))
    if images.ndim != 3 or labels.ndim != 1:
        raise ValueError(f"{folder}: images of shape {images.shape}, labels of {labels.shape}")
    return images[..., None], labels.astype(np.int32)


def _find(folder: Path, name: str) -> Path:
    for path in (folder / f"{name}.gz", folder / name):
        if path.is_file():
            return path
    raise ValueError(f"{folder} has neither {name}.gz nor {name}; give the folder that has as root")

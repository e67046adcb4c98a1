"""Images in RecordIO files, as MXNet's ``im2rec`` writes them.

The format is read here without MXNet: a record is a magic number, a word of three flag bits and
29 length bits, the content, and padding to four bytes; content that holds the magic number itself
is split there. The content is a header (flag, label, id, id2), extra labels, and an encoded image.
"""

from __future__ import annotations

import contextlib
import io
import mmap
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from toolkit.data.dataset import Dataset
from toolkit.data.vision.decoding import decode_image

MAGIC = struct.pack("<I", 0xCED7230A)
HEADER = struct.Struct("<IfQQ")  # number of extra labels, label, id, id2
Bytes = bytes | mmap.mmap
WHOLE, FIRST, MIDDLE, LAST = range(4)  # the three flag bits: which part of a split record


class RecordError(ValueError):
    """A record file, its index or one of its records is not what it should be."""


@dataclass(frozen=True)
class ImageRecordDataset(Dataset):
    """Samples ``(image, label)`` of a ``.rec`` file.

    The image is (H, W, 3) uint8 RGB; the label a float, or a float32 vector where the record
    holds several. Where ``path`` with the suffix ``.idx`` exists, it gives the order of the
    samples; otherwise the file is scanned once, which takes about a second for a million records.

    Raises:
        RecordError: a record or the index is corrupt; it names the file, the record and why.
        ImageError: the image of a record cannot be decoded.
    """

    path: Path
    offsets: np.ndarray = field(init=False, repr=False, compare=False)  # (N,) int64, bytes

    def __init__(self, path: str | Path) -> None:
        object.__setattr__(self, "path", Path(path))
        index = self.path.with_suffix(".idx")
        with _mapped(self.path) as data:
            offsets = read_index(index) if index.is_file() else _scan(data, self.path)
        object.__setattr__(self, "offsets", offsets)

    def __len__(self) -> int:
        return len(self.offsets)

    def __getitem__(self, index: int) -> tuple[np.ndarray, float | np.ndarray]:
        index = self.position(index)
        with _mapped(self.path) as data:
            return self._sample(data, index)

    def load_arrays(self) -> tuple[np.ndarray, np.ndarray]:
        """Decodes everything at once: for small images of one size, such as CIFAR's.

        Returns:
            The images, (N, H, W, 3) uint8 RGB, and their labels, (N,) int32.

        Raises:
            RecordError: images of different sizes, labels that are no whole numbers.
        """
        data = self.path.read_bytes()
        images, labels = np.empty((0, 0, 0, 3), np.uint8), np.empty(len(self), np.int32)
        for index in range(len(self)):
            image, label = self._sample(data, index)
            if index == 0:
                images = np.empty((len(self), *image.shape), np.uint8)
            if image.shape != images.shape[1:]:
                raise RecordError(
                    f"{self._name(index)} is an image of shape {image.shape}, those before it are "
                    f"{images.shape[1:]}; load_arrays needs one size"
                )
            if not isinstance(label, float) or not label.is_integer():
                raise RecordError(
                    f"{self._name(index)} has the label {label}; load_arrays needs class indices"
                )
            images[index], labels[index] = image, label
        return images, labels

    def _name(self, index: int) -> str:
        return f"record {index} of {self.path}"

    def _sample(self, data: Bytes, index: int) -> tuple[np.ndarray, float | np.ndarray]:
        name = self._name(index)
        content = _content(data, int(self.offsets[index]), name)
        if len(content) < HEADER.size:
            raise RecordError(f"{name} has {len(content)} bytes, less than an image header")
        count, label = HEADER.unpack_from(content)[:2]
        start = HEADER.size + 4 * count
        if start >= len(content):
            raise RecordError(f"{name} says it has {count} labels, but has {len(content)} bytes")
        image = decode_image(memoryview(content)[start:], name)
        if count == 0:
            return image, label
        return image, np.frombuffer(content, "<f4", count, HEADER.size).astype(np.float32)


def read_index(path: Path) -> np.ndarray:
    """The offsets of an ``.idx`` file, (N,) int64, in its order: lines of key, tab, offset."""
    try:
        rows = [line.split("\t") for line in path.read_text().splitlines() if line.strip()]
        return np.array([int(row[1]) for row in rows], np.int64)
    except (IndexError, ValueError) as error:
        raise RecordError(
            f"{path} is no record index (lines of key, tab, offset): {error}"
        ) from error


@contextlib.contextmanager
def _mapped(path: Path) -> Iterator[mmap.mmap]:
    """The bytes of a file without reading them; nothing stays open, so workers may fork."""
    with open(path, "rb") as file:
        if not file.seek(0, io.SEEK_END):
            raise RecordError(f"{path} is empty (0 bytes)")
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            yield data


def _scan(data: Bytes, path: Path) -> np.ndarray:
    """The offset of each record of a file that has no index, (N,) int64."""
    offsets: list[int] = []
    position, flag = 0, WHOLE
    while position < len(data):
        name = f"record {len(offsets)} of {path}"
        if flag in (WHOLE, LAST):
            offsets.append(position)
        flag, size = _part(data, position, name)
        position += 8 + size + -size % 4
    return np.array(offsets, np.int64)


def _part(data: Bytes, position: int, name: str) -> tuple[int, int]:
    """The flag and the size of the part of a record that begins at a position."""
    start = data[position : position + 8]
    if len(start) < 8 or start[:4] != MAGIC:
        raise RecordError(
            f"{name}: no record begins at byte {position} (found {start.hex() or 'the end'}); "
            "the file is corrupt, or its .idx belongs to another file"
        )
    word = int.from_bytes(start[4:], "little")
    flag, size = word >> 29, word & 0x1FFFFFFF
    missing = position + 8 + size - len(data)
    if missing > 0:
        raise RecordError(f"{name} is cut off: the file ends {missing} bytes too early")
    return flag, size


def _content(data: Bytes, position: int, name: str) -> bytes:
    """What the record at a position holds, its parts put together."""
    parts: list[bytes] = []
    while True:
        flag, size = _part(data, position, name)
        if flag > LAST or (flag in (WHOLE, FIRST)) == bool(parts):
            raise RecordError(f"{name}: part {len(parts)} of the record has the flag {flag}")
        parts.append(data[position + 8 : position + 8 + size])
        if flag in (WHOLE, LAST):
            return MAGIC.join(parts)
        position += 8 + size + -size % 4

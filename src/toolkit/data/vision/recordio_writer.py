"""Writes images to RecordIO files that ``ImageRecordDataset`` and MXNet read."""

from __future__ import annotations

import contextlib
import struct
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO

import numpy as np

from toolkit.data.vision.recordio import FIRST, HEADER, LAST, MAGIC, MIDDLE, WHOLE, RecordError
from toolkit.utils.disk import atomic_write

MAX_PART = (1 << 29) - 1  # bytes: what the length field of a record holds
Label = float | Sequence[float] | np.ndarray


class ImageRecordWriter:
    """Writes records one after the other; ``image_record_writer`` makes it.

    ``len`` is the number of records so far.
    """

    def __init__(self, records: IO[bytes], index: IO[str]) -> None:
        self._records = records
        self._index = index
        self._keys: set[int] = set()
        self._position = 0

    def __len__(self) -> int:
        return len(self._keys)

    def write(self, image: bytes, label: Label, key: int | None = None) -> None:
        """Adds an encoded image (JPEG, PNG, ...) with its label or its vector of labels.

        Args:
            image: the content of an image file.
            label: a number, or a vector of float32.
            key: names the record in the index; by default its position.

        Raises:
            ValueError: a key that was used before or does not fit 64 bits, labels that are no
                numbers.
            RecordError: a record of more than 512 MiB.
        """
        key = len(self) if key is None else int(key)
        if key in self._keys or not 0 <= key < 1 << 64:
            why = "is used twice" if key in self._keys else "is not within 0..2^64-1"
            raise ValueError(f"the key {key} of a record {why}")
        content = encode_record(image, label, key)
        parts = framed(content, f"record {key}")
        self._records.write(parts)
        self._index.write(f"{key}\t{self._position}\n")
        self._position += len(parts)
        self._keys.add(key)


@contextlib.contextmanager
def image_record_writer(path: str | Path) -> Iterator[ImageRecordWriter]:
    """A writer of ``path`` (a ``.rec`` file) and of the ``.idx`` file beside it.

    Both take their places when the block ends well; until then files of these names stay as they
    are, and where the block fails they are left so.

    Raises:
        ValueError: a path of another suffix.
        OSError: the folder cannot be written.
    """
    path = Path(path)
    if path.suffix != ".rec":
        raise ValueError(f"{path} does not end in .rec")
    index = path.with_suffix(".idx")
    with atomic_write(index, "w") as rows, atomic_write(path) as records:
        yield ImageRecordWriter(records, rows)
        # The records move first. Between the two moves there must be no index of the old ones
        # beside them; none at all is fine: readers then scan.
        index.unlink(missing_ok=True)


def encode_record(image: bytes, label: Label, key: int) -> bytes:
    """The content of a record: a header with the label or the number of labels, labels, image."""
    try:
        labels = np.asarray(label, "<f4")
    except (TypeError, ValueError) as error:
        raise ValueError(f"label {label!r} of record {key} is not a number or several") from error
    if labels.ndim > 1 or not labels.size:
        raise ValueError(
            f"labels of record {key} have the shape {labels.shape}, not one number or (N,)"
        )
    if labels.ndim == 0:
        return HEADER.pack(0, float(labels), key, 0) + image
    return HEADER.pack(labels.size, 0.0, key, 0) + labels.tobytes() + image


def framed(content: bytes, name: str) -> bytes:
    """A record as it stands in the file: split wherever it holds the magic number itself.

    Raises:
        RecordError: it is too long for the format; ``name`` says which.
    """
    if len(content) > MAX_PART:
        raise RecordError(f"{name} has {len(content)} bytes, the format holds {MAX_PART}")
    cuts = [place for place in _places(content, MAGIC) if place % 4 == 0]
    starts = [0] + [cut + 4 for cut in cuts]
    parts = [content[a:b] for a, b in zip(starts, [*cuts, len(content)], strict=True)]
    flags = [WHOLE] if len(parts) == 1 else [FIRST, *[MIDDLE] * (len(parts) - 2), LAST]
    pieces = []
    for flag, part in zip(flags, parts, strict=True):
        pieces += [MAGIC, struct.pack("<I", flag << 29 | len(part)), part, b"\0" * (-len(part) % 4)]
    return b"".join(pieces)


def _places(content: bytes, pattern: bytes) -> Iterator[int]:
    place = content.find(pattern)
    while place >= 0:
        yield place
        place = content.find(pattern, place + 1)

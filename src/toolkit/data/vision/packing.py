"""Packs image files into RecordIO files, as MXNet's ``im2rec`` does."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from tqdm import tqdm

from toolkit.data.batchify import List
from toolkit.data.dataset import Dataset
from toolkit.data.generators import natural, order_rng
from toolkit.data.loader import DataLoader
from toolkit.data.vision.decoding import decode_image
from toolkit.data.vision.folder import ImageFolderDataset
from toolkit.data.vision.jpeg import jpeg_header
from toolkit.data.vision.listing import read_list
from toolkit.data.vision.pixels import ImageError
from toolkit.data.vision.recordio_writer import image_record_writer
from toolkit.data.vision.transforms.geometry import resize_short
from toolkit.utils.disk import atomic_write

PNG_START = b"\x89PNG\r\n\x1a\n"
BATCH = 16  # images that a worker hands over at once
Item = tuple[int, Path, tuple[float, ...]]  # number, picture, labels


@dataclass(frozen=True)
class Packed:
    """What became of one set of images."""

    path: Path  # of the .rec file
    written: int
    skipped: int  # pictures that cannot be read


@dataclass(frozen=True)
class Packing:
    """How images are packed: from a folder with one folder a class, or from a ``.lst`` file.

    Raises:
        ValueError: a field out of range.
    """

    resize: int | None = None  # shorter side, of larger pictures; None: as they are
    quality: int | None = None  # of JPEG, 1..100; None: 95, and JPEG and PNG files go in unchanged
    train_ratio: float = 1.0  # below 1 the sets <prefix>_train, _test and _val (the rest) are made
    test_ratio: float = 0.0
    shuffle: bool = True  # a list keeps its order, unless it is split
    seed: int = 0
    workers: int = 0  # processes
    on_error: str = "raise"  # "skip": unreadable pictures are left out and counted

    def __post_init__(self) -> None:
        if self.resize is not None:
            natural("resize", self.resize, least=1)
        if self.quality is not None and not 1 <= natural("quality", self.quality) <= 100:
            raise ValueError(f"quality {self.quality} is not within 1..100")
        ratios = (self.train_ratio, self.test_ratio)
        if not all(0 <= ratio <= 1 for ratio in ratios) or sum(ratios) > 1 + 1e-9:
            raise ValueError(
                f"train_ratio {self.train_ratio} and test_ratio {self.test_ratio} must be 0 or "
                "more and at most 1 together"
            )

    def pack(self, source: str | Path, prefix: str | Path) -> list[Packed]:
        """Writes ``<prefix>.rec``, ``.idx`` and ``.lst``, or these three for each set of a split.

        Args:
            source: a folder with a folder for each class, or a ``.lst`` file whose paths are
                relative to its own folder.
            prefix: of the files to write.

        Raises:
            ValueError: no pictures in the source, or a split that leaves a set empty.
            LoadingError: a picture cannot be read, and ``on_error`` is "raise".
        """
        items = find_items(Path(source))
        split = self.train_ratio + self.test_ratio < 1 or self.test_ratio > 0
        if self.shuffle and (split or Path(source).is_dir()):
            items = [items[i] for i in order_rng(self.seed, 0).permutation(len(items))]
        sets = self._split(items) if split else {"": items}
        empty = [name for name, some in sets.items() if not some]
        if empty:
            raise ValueError(f"{len(items)} pictures leave the set {empty[0].strip('_')} empty")
        root = Path(source) if Path(source).is_dir() else Path(source).parent
        return [
            self._pack_set(some, root, Path(f"{prefix}{name}.rec")) for name, some in sets.items()
        ]

    def _split(self, items: list[Item]) -> dict[str, list[Item]]:
        test = round(len(items) * self.test_ratio)
        train = round(len(items) * (self.train_ratio + self.test_ratio))
        ratios = {
            "_train": (self.train_ratio, items[test:train]),
            "_test": (self.test_ratio, items[:test]),
            "_val": (1 - self.train_ratio - self.test_ratio, items[train:]),
        }
        return {name: some for name, (ratio, some) in ratios.items() if ratio > 1e-9}

    def _pack_set(self, items: list[Item], root: Path, path: Path) -> Packed:
        data = EncodedImages(tuple(item[1] for item in items), self.resize, self.quality)
        written = []
        with contextlib.ExitStack() as stack:
            loader = stack.enter_context(
                DataLoader(
                    data,
                    BATCH,
                    batchify=List(),
                    workers=self.workers,
                    on_error=self.on_error,
                    prefetch=4,
                )
            )
            rows = stack.enter_context(atomic_write(path.with_suffix(".lst"), "w"))
            writer = stack.enter_context(image_record_writer(path))
            bar = stack.enter_context(tqdm(total=len(items), desc=path.name, unit="img"))
            for batch in loader.batches(0):
                for position, encoded in batch:
                    number, picture, labels = items[position]
                    label = labels[0] if len(labels) == 1 else labels
                    writer.write(encoded.tobytes(), label, number)
                    rows.write(list_line(number, labels, picture, root))
                    written.append(number)
                bar.update(len(written) + loader.skipped - bar.n)
            if not written:
                raise ValueError(f"none of the {len(items)} pictures for {path} can be read")
        return Packed(path, len(written), loader.skipped)


@dataclass(frozen=True)
class EncodedImages(Dataset):
    """Samples ``(index, content of an image file)`` of pictures, ready to be packed.

    Raises:
        ImageError: on access, where a picture cannot be read.
    """

    paths: tuple[Path, ...]
    resize: int | None
    quality: int | None

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, index: int) -> tuple[int, np.ndarray]:
        path = self.paths[index]
        try:
            data = path.read_bytes()
        except OSError as error:
            raise ImageError(f"cannot read {path}: {error.strerror}") from error
        return index, np.frombuffer(
            encode_image(data, str(path), self.resize, self.quality), np.uint8
        )


def encode_image(data: bytes, name: str, resize: int | None, quality: int | None) -> bytes:
    """The image file to be packed for one that was read, after decoding it as a check.

    Raises:
        ImageError: it cannot be decoded; ``name`` says which it is.
    """
    image = decode_image(data, name)
    shrinks = resize is not None and min(image.shape[:2]) > resize
    header = jpeg_header(memoryview(data))
    # Others than ours do not turn pictures upright when they read records.
    plain = data.startswith(PNG_START) or (header is not None and header.orientation == 1)
    if plain and not shrinks and quality is None:
        return data
    if shrinks:
        assert resize is not None
        image = resize_short(image, resize, "area")
    options = [cv2.IMWRITE_JPEG_QUALITY, quality or 95]
    done, encoded = cv2.imencode(".jpg", cv2.cvtColor(image, cv2.COLOR_RGB2BGR), options)
    if not done:
        raise ImageError(f"{name} of shape {image.shape} cannot be encoded as JPEG")
    return encoded.tobytes()


def find_items(source: Path) -> list[Item]:
    """The pictures of a folder of class folders or of a ``.lst`` file, numbered from 0 or by it."""
    if source.is_dir():
        data = ImageFolderDataset(source)
        return [(number, path, (float(i),)) for number, (path, i) in enumerate(data.items)]
    if source.suffix != ".lst" or not source.is_file():
        raise ValueError(f"{source} is neither a folder of class folders nor a .lst file")
    items = [
        (number, source.parent / name, labels)
        for number, (name, labels) in zip(_numbers(source), read_list(source), strict=True)
    ]
    if not items:
        raise ValueError(f"{source} lists no pictures")
    return items


def list_line(number: int, labels: Sequence[float], picture: Path, root: Path) -> str:
    """A line of a ``.lst`` file; the path is relative to ``root`` where it lies below it."""
    path = picture.relative_to(root) if picture.is_relative_to(root) else picture
    return "\t".join([str(number), *(f"{label:.9g}" for label in labels), path.as_posix()]) + "\n"


def _numbers(source: Path) -> list[int]:
    lines = [line for line in source.read_text(encoding="utf-8").splitlines() if line.strip()]
    try:
        return [int(float(line.split("\t", 1)[0])) for line in lines]
    except ValueError as error:
        raise ValueError(f"{source} has a line that begins with no number: {error}") from error

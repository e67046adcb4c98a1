from __future__ import annotations

import gzip
import struct
from pathlib import Path

import numpy as np
import pytest

from toolkit.data.vision.mnist import MNIST, FashionMNIST, read_idx

LABELS = b"\0\0\x08\x01" + struct.pack(">I", 3) + bytes([7, 0, 9])
IMAGES = b"\0\0\x08\x03" + struct.pack(">III", 3, 28, 28) + bytes(i % 251 for i in range(3 * 784))


@pytest.mark.parametrize("kind", [MNIST, FashionMNIST])
@pytest.mark.parametrize(("train", "stem"), [(True, "train"), (False, "t10k")])
def test_files_packed_or_not(kind: type[MNIST], train: bool, stem: str, tmp_path: Path) -> None:
    (tmp_path / f"{stem}-labels-idx1-ubyte").write_bytes(LABELS)
    (tmp_path / f"{stem}-images-idx3-ubyte.gz").write_bytes(gzip.compress(IMAGES))
    data = kind(tmp_path, train=train)
    image, label = data[2]
    assert (len(data), label, len(data.classes)) == (3, 9, 10)
    assert image.shape == (28, 28, 1)
    assert image[0, :3, 0].tolist() == [(2 * 784 + i) % 251 for i in range(3)]
    images, labels = data.load_arrays()
    assert images.shape == (3, 28, 28, 1)
    assert (labels.dtype, labels.tolist()) == (np.int32, [7, 0, 9])


def test_the_cache_is_the_default(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOOLKIT_HOME", str(tmp_path))
    with pytest.raises(ValueError, match=r"datasets.mnist has neither train-images-idx3-ubyte.gz"):
        MNIST()
    with pytest.raises(ValueError, match=r"datasets.fashion-mnist has neither t10k-images"):
        FashionMNIST(train=False)


def test_idx_types(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"\0\0\x0b\x02" + struct.pack(">II4h", 2, 2, 1, -2, 300, 4))
    assert read_idx(path).tolist() == [[1, -2], [300, 4]]
    path.write_bytes(b"\0\0\x0d\x01" + struct.pack(">I2f", 2, 0.5, -1))
    assert read_idx(path).tolist() == [0.5, -1]


def test_broken_files_are_named(tmp_path: Path) -> None:
    path = tmp_path / "a.gz"
    packed = gzip.compress(LABELS)
    for broken, reason in {
        b"": "is no IDX file",
        b"\x89PNG": "is no IDX file: it begins with b'.x89PNG'",
        LABELS[:-1]: r"has 10 bytes; its shape \(3,\) needs 11",
        IMAGES[:9]: "has 9 bytes",
        packed[:-9]: "cannot read",
        packed[:15] + b"zzz" + packed[18:]: "cannot read",
    }.items():
        path.write_bytes(broken)
        with pytest.raises(ValueError, match=f"a.gz.*{reason}|{reason}.*a.gz"):
            read_idx(path)
    with pytest.raises(ValueError, match="No such file"):
        read_idx(tmp_path / "b")


@pytest.mark.realdata
def test_the_real_counts(data_root: Path) -> None:
    train, test = MNIST(data_root / "mnist"), MNIST(data_root / "mnist", train=False)
    assert (len(train), len(test)) == (60000, 10000)
    counts = np.bincount(test.labels).tolist()
    assert counts == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
    assert train.labels[:5].tolist() == [5, 0, 4, 1, 9]
    assert round(float(train.images.mean()) / 255, 4) == 0.1307

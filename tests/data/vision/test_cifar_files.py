from __future__ import annotations

import io
import os
import pickle
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from toolkit.data.vision.cifar_files import CifarFiles

CIFAR10 = CifarFiles("cifar-10", ("labels",))
CIFAR100 = CifarFiles("cifar-100", ("coarse_labels", "fine_labels"))
PIXELS = np.random.default_rng(0).integers(0, 256, (2, 3072), np.uint8)
BINARY = b"\x03" + PIXELS[0].tobytes() + b"\x07" + PIXELS[1].tobytes()


def pickled(labels: Any = (3, 7), protocol: int = 2, **more: Any) -> bytes:
    """A batch as the Python version has it; Python 3 writes its byte strings through _codecs."""
    return pickle.dumps({b"data": PIXELS, b"labels": list(labels), **more}, protocol)


def unpacked(root: Path, name: str, data: bytes) -> None:
    (root / name).parent.mkdir(parents=True, exist_ok=True)
    (root / name).write_bytes(data)


def packed(root: Path, name: str, data: bytes) -> None:
    archive, _, member = name.partition("!")
    with tarfile.open(root / archive, "w:gz") as tar:
        for path, content in {"other/readme.html": b"<html>", member: data}.items():
            info = tarfile.TarInfo(path)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))


@pytest.mark.parametrize(
    ("write", "name", "data"),
    [
        (unpacked, "test_batch.bin", BINARY),
        (unpacked, "cifar-10-batches-bin/test_batch.bin", BINARY),
        (packed, "cifar-10-binary.tar.gz!cifar-10-batches-bin/test_batch.bin", BINARY),
        (unpacked, "test_batch", pickled()),
        (unpacked, "cifar-10-batches-py/test_batch", pickled(protocol=4)),
        (packed, "cifar-10-python.tar.gz!cifar-10-batches-py/test_batch", pickled()),
    ],
)
def test_every_form_gives_the_same(
    write: Callable[[Path, str, bytes], None], name: str, data: bytes, tmp_path: Path
) -> None:
    write(tmp_path, name, data)
    images, labels = CIFAR10.read(tmp_path, ["test_batch"])
    np.testing.assert_array_equal(images.transpose(0, 3, 1, 2).reshape(2, -1), PIXELS)
    assert images.flags.c_contiguous
    assert labels.tolist() == [[3], [7]]


def test_two_labels(tmp_path: Path) -> None:
    coarse, fine = [1, 2], [30, 40]
    content = {"data": PIXELS, "coarse_labels": coarse, "fine_labels": fine}
    unpacked(tmp_path, "cifar-100-python/test", pickle.dumps(content))
    assert CIFAR100.read(tmp_path, ["test"])[1].tolist() == [[1, 30], [2, 40]]
    unpacked(tmp_path, "cifar-100-binary/test.bin", b"\x05\x06" + PIXELS[0].tobytes())
    assert CIFAR100.read(tmp_path, ["test"])[1].tolist() == [[5, 6]]


class Evil:
    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (os.environ["EVIL"],)


def test_a_malicious_pickle_does_not_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EVIL", str(tmp_path / "broken in"))
    unpacked(tmp_path, "test_batch", pickle.dumps({b"data": PIXELS, b"labels": Evil()}))
    with pytest.raises(ValueError, match=r"test_batch is no CIFAR batch.*posix.mkdir"):
        CIFAR10.read(tmp_path, ["test_batch"])
    assert not (tmp_path / "broken in").exists()


@pytest.mark.parametrize(
    ("name", "data", "reason"),
    [
        ("test_batch.bin", BINARY[:-1], "has 6145 bytes, no multiple of 3073"),
        ("test_batch.bin", b"", "has 0 bytes"),
        ("test_batch", b"", "is no CIFAR batch.*EOFError"),
        ("test_batch", b"\x80\x02}q\x00.", "KeyError"),
        ("test_batch", pickle.dumps([1]), "AttributeError"),
        ("test_batch", pickled(labels=[1]), "2 images, but labels"),
        ("cifar-10-binary.tar.gz", b"\x1f\x8b\x08broken", r"cannot read .*binary.tar.gz"),
    ],
)
def test_broken_files_are_named(name: str, data: bytes, reason: str, tmp_path: Path) -> None:
    unpacked(tmp_path, name, data)
    with pytest.raises(ValueError, match=f"{name}.*{reason}|{reason}"):
        CIFAR10.read(tmp_path, ["test_batch"])


def test_an_archive_that_lacks_the_file(tmp_path: Path) -> None:
    packed(tmp_path, "cifar-10-binary.tar.gz!else.bin", BINARY)
    with pytest.raises(ValueError, match=r"binary.tar.gz has no file test_batch.bin"):
        CIFAR10.read(tmp_path, ["test_batch"])

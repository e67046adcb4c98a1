from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from toolkit.data.vision.cifar import CIFAR10, CIFAR100


def rows(count: int, labels: list[list[int]]) -> bytes:
    pixels = np.random.default_rng(count).integers(0, 256, (len(labels), 3072), np.uint8)
    return np.hstack([np.array(labels, np.uint8), pixels]).tobytes()


def test_cifar10(tmp_path: Path) -> None:
    for i in range(1, 6):
        (tmp_path / f"data_batch_{i}.bin").write_bytes(rows(i, [[i], [9]]))
    (tmp_path / "test_batch.bin").write_bytes(rows(9, [[6]]))
    train, test = CIFAR10(tmp_path), CIFAR10(tmp_path, train=False)
    assert train.labels.tolist() == [1, 9, 2, 9, 3, 9, 4, 9, 5, 9]
    image, label = test[0]
    assert test.classes[label] == "frog"
    pixels = np.frombuffer(rows(9, [[6]])[1:], np.uint8)
    assert image.shape == (32, 32, 3)
    assert image[0, 0].tolist() == [pixels[0], pixels[1024], pixels[2048]]
    assert image[1, 2].tolist() == [pixels[34], pixels[1058], pixels[2082]]


def test_cifar100_has_classes_and_groups(tmp_path: Path) -> None:
    (tmp_path / "train.bin").write_bytes(rows(1, [[19, 99], [0, 4]]))
    fine, coarse = CIFAR100(tmp_path), CIFAR100(tmp_path, fine_label=False)
    assert [fine.classes[i] for i in fine.labels] == ["worm", "beaver"]
    assert [coarse.classes[i] for i in coarse.labels] == ["vehicles_2", "aquatic_mammals"]
    assert (len(fine.classes), len(coarse.classes)) == (100, 20)
    assert len(CIFAR100(tmp_path).classes) == 100
    assert list(fine.classes) == sorted(fine.classes)


def test_missing_files_and_the_default_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOOLKIT_HOME", str(tmp_path))
    with pytest.raises(ValueError, match=r"datasets.cifar10 has neither data_batch_1.bin"):
        CIFAR10()
    with pytest.raises(ValueError, match=r"datasets.cifar100 .*cifar-100-binary.tar.gz"):
        CIFAR100()


def test_labels_out_of_range(tmp_path: Path) -> None:
    (tmp_path / "test_batch.bin").write_bytes(rows(1, [[10]]))
    with pytest.raises(ValueError, match=r"labels from 10 to 10 found, but there are 10 classes"):
        CIFAR10(tmp_path, train=False)

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import pytest

from toolkit.data.dataset import Dataset


@dataclass(frozen=True)
class Numbers(Dataset):
    count: int

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> tuple[int, str]:
        index = self.position(index)
        return index, str(index)


@dataclass(frozen=True)
class Pictures(Dataset):
    def __len__(self) -> int:
        return 5

    def __getitem__(self, index: int) -> np.ndarray:
        return np.full((40, 30, 3), self.position(index), np.uint8)


def shrink(image: np.ndarray) -> np.ndarray:
    return cv2.resize(image, (20, 10))


def plus_one(number: int) -> int:
    return number + 1


def test_samples_in_order() -> None:
    data = Numbers(3)
    assert list(data) == [(0, "0"), (1, "1"), (2, "2")]
    assert data[-1] == (2, "2")
    for index in (3, -4):
        with pytest.raises(IndexError, match=rf"index {index} .*Numbers\(count=3\) has 3 samples"):
            data[index]


def test_transforms_are_lazy_and_chain() -> None:
    seen: list[int] = []

    def both(number: int, name: str) -> str:
        seen.append(number)
        return f"{name}{number}"

    data = Numbers(4).transform_first(plus_one).transform(both)
    assert seen == []
    assert data[1] == "12"
    assert (seen, len(data)) == ([2], 4)
    assert Pictures().transform(shrink)[2].shape == (10, 20, 3)
    assert Pictures().transform_first(shrink)[2].shape == (10, 20, 3)


def test_the_base_has_no_samples() -> None:
    with pytest.raises(NotImplementedError):
        len(Dataset())
    with pytest.raises(NotImplementedError):
        Dataset()[0]


@pytest.mark.parametrize("workers", [0, 2])
def test_gluons_loader_takes_it(workers: int) -> None:
    mx = pytest.importorskip("mxnet")
    shrink(Pictures()[0])  # OpenCV has run before the workers are forked
    data = Pictures().transform_first(shrink)
    loader = mx.gluon.data.DataLoader(data, batch_size=2, num_workers=workers, timeout=60)
    batches = [batch.asnumpy() for batch in loader]
    assert [batch.shape for batch in batches] == [(2, 10, 20, 3), (2, 10, 20, 3), (1, 10, 20, 3)]
    assert np.concatenate(batches)[:, 0, 0, 0].tolist() == [0, 1, 2, 3, 4]

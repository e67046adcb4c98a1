"""What every data set of the toolkit is: a length, items by index, and lazy transforms."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any


class Dataset:
    """A sequence of samples; Gluon's ``DataLoader`` takes it as it is.

    Final data sets define ``__len__`` and ``__getitem__``. They hold no open file and no lock, so
    they can be pickled into the worker processes of a loader.
    """

    def __len__(self) -> int:
        raise NotImplementedError

    def __getitem__(self, index: int) -> Any:
        raise NotImplementedError

    def __iter__(self) -> Iterator[Any]:
        return (self[i] for i in range(len(self)))

    def transform(self, fn: Callable[..., Any]) -> TransformedDataset:
        """A data set of ``fn(*sample)`` (``fn(sample)`` where samples are no tuples), on access."""
        return TransformedDataset(self, fn)

    def transform_first(self, fn: Callable[[Any], Any]) -> TransformedDataset:
        """A data set whose samples have ``fn`` applied to their first element, on access."""
        return TransformedDataset(self, fn, first_only=True)

    def position(self, index: int) -> int:
        """``index`` as 0..len-1: negative ones count from the end; raises IndexError."""
        size = len(self)
        if not -size <= index < size:
            raise IndexError(f"index {index} is out of range: {self!r} has {size} samples")
        return index % size


@dataclass(frozen=True)
class TransformedDataset(Dataset):
    """The samples of another data set with a function applied when they are asked for."""

    data: Dataset
    fn: Callable[..., Any]
    first_only: bool = False  # apply to the first element of the sample alone

    def __len__(self) -> int:
        return len(self.data)

    def __getitem__(self, index: int) -> Any:
        sample = self.data[index]
        if not isinstance(sample, tuple):
            return self.fn(sample)
        return (self.fn(sample[0]), *sample[1:]) if self.first_only else self.fn(*sample)

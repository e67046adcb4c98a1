"""What a row of the table of data sets says, and how rows are written shortly."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from toolkit.data.text.datasets.labelled import Reader

Splits = Mapping[str, tuple[str, ...]]
TRAIN_DEV_TEST = ("train", "dev", "test")
TRAIN_VALID_TEST = ("train", "valid", "test")


@dataclass(frozen=True)
class Layout:
    """One way in which the files of a data set are laid out."""

    splits: Splits  # the files of each, which are read together
    read: Reader
    encoding: str = "utf-8"


@dataclass(frozen=True)
class TextSet:
    """A data set."""

    task: str
    layouts: tuple[Layout, ...] = field(repr=False)  # the first whose files are there is read
    source: str  # where it is published
    classes: tuple[str, ...] = ()  # in order of their numbers
    licence: str = ""  # what forbids fetching it for you
    home: str = ""  # the set whose files these are, where it is another one


def one(read: Reader, encoding: str = "utf-8", /, **splits: str) -> Layout:
    """A layout of one file a split."""
    return Layout({split: (file,) for split, file in splits.items()}, read, encoding)


def named(
    read: Reader, pattern: str, splits: Sequence[str] = TRAIN_DEV_TEST, encoding: str = "utf-8"
) -> Layout:
    """The same where ``{}`` in a pattern of file names is the split."""
    return Layout({split: (pattern.format(split),) for split in splits}, read, encoding)


def several(read: Reader, files: Sequence[str], /, **splits: str) -> Layout:
    """A layout of several files a split, patterns in which ``{}`` is what the split is called."""
    return Layout(
        {split: tuple(f.format(name) for f in files) for split, name in splits.items()}, read
    )

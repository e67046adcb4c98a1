"""Data sets larger than memory, as streams of their lines."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from toolkit.data.text.datasets.gluonnlp_names import GLUONNLP
from toolkit.data.text.streams import LineStream
from toolkit.utils.files import cache_dir
from toolkit.utils.registry import unknown


@dataclass(frozen=True)
class LargeSet:
    """A data set in many files."""

    splits: Mapping[str, str]  # of each, a pattern of its files' names
    folder: str  # that its archive unpacks to
    source: str  # where it is published


LARGE: Mapping[str, LargeSet] = MappingProxyType(
    {
        # The billion word benchmark: Chelba et al., 2013, https://arxiv.org/abs/1312.3005.
        # A sentence a line, its words between spaces. Its vocabulary: get_vocab("gbw").
        "GBW": LargeSet(
            MappingProxyType(
                {
                    "train": "training-monolingual.tokenized.shuffled/news.en-00*-of-00100",
                    "test": (
                        "heldout-monolingual.tokenized.shuffled/news.en.heldout-00000-of-00050"
                    ),
                }
            ),
            "1-billion-word-language-modeling-benchmark-r13output",
            "https://www.statmt.org/lm-benchmark/",
        ),
    }
)


def open_dataset(
    name: str, split: str = "train", *, root: str | os.PathLike[str] | None = None
) -> LineStream:
    """The lines of a split, read as they are needed; the files of "train" are shuffled.

    Args:
        name: one of ``LARGE``, or GluonNLP's name of one.
        split: such as "train".
        root: the folder that holds the unpacked files or the folder of the archive; by default
            ``datasets/<name>`` of the cache.

    Raises:
        ValueError: no such name or split.
        FileNotFoundError: the files are not there: the message says where they are published.
    """
    name = GLUONNLP.get(name.lower(), name)
    if name not in LARGE:
        raise ValueError(unknown("large data set", name, LARGE))
    row = LARGE[name]
    if split not in row.splits:
        raise ValueError(unknown(f"split of {name}", split, row.splits))
    folder = cache_dir(root, "datasets") / ("" if root is not None else name.lower())
    pattern = row.splits[split]
    files = sorted([*folder.glob(pattern), *(folder / row.folder).glob(pattern)])
    if not files:
        raise FileNotFoundError(
            f"{folder} has no {name} {split}; looked for {pattern}, also in {row.folder}. "
            f"It is published at {row.source}; give the folder of its unpacked archive as root"
        )
    return LineStream(files, shuffle=split == "train")

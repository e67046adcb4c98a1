"""One door to the text data sets."""

from __future__ import annotations

import csv
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

from toolkit.data.dataset import Dataset
from toolkit.data.text.datasets.gluonnlp_names import GLUONNLP
from toolkit.data.text.datasets.rows import Layout, TextSet
from toolkit.data.text.datasets.source import DatasetError, Source
from toolkit.data.text.datasets.table import DATASETS
from toolkit.utils.files import cache_dir, fetch
from toolkit.utils.registry import unknown


@dataclass(frozen=True)
class Mirrored:
    """A file that the mirrors have."""

    dataset: str
    file: str
    url_path: str
    member: str  # of a zip file, else empty
    sha1: str


@dataclass(frozen=True, eq=False)
class TextDataset(Dataset):
    """The samples of a split, in memory."""

    name: str
    split: str
    samples: Sequence[Any] = field(repr=False)
    classes: tuple[str, ...] = ()  # in order of their numbers

    def __len__(self) -> int:
        return len(self.samples)

    def __getitem__(self, index: int) -> Any:
        return self.samples[self.position(index)]


@cache
def mirrored() -> tuple[Mirrored, ...]:
    """All rows."""
    text = resources.files("toolkit.data.text.datasets") / "mirrors.tsv"
    rows = csv.DictReader(text.read_text(encoding="utf-8").splitlines(), delimiter="\t")
    return tuple(Mirrored(**row) for row in rows)


def list_datasets(pattern: str = "*", *, task: str | None = None) -> list[str]:
    """The names that match a shell pattern, of all tasks or one."""
    return sorted(
        name
        for name, row in DATASETS.items()
        if fnmatchcase(name, pattern) and task in (None, row.task)
    )


def load_dataset(
    name: str, split: str = "train", *, root: str | os.PathLike[str] | None = None
) -> TextDataset:
    """A split of a data set, read whole.

    Args:
        name: one of ``list_datasets()``, or GluonNLP's name of one.
        split: such as "train"; a wrong one is answered with those there are.
        root: the folder that holds its files, laid out as published. By default
            ``datasets/<name>`` of the cache, where what the mirrors have is fetched to.

    Raises:
        ValueError: no such name or split; a file that is not what it should be (its line is
            named) or that has nothing in it.
        FileNotFoundError: the files are not there and no mirror has them: where they are
            published, what they are called, and the licence that forbids fetching, if one does.
        OSError: a mirror has them and cannot be reached, see ``toolkit.utils.files.fetch``.
    """
    name = GLUONNLP.get(name.lower(), name)
    if name not in DATASETS:
        raise ValueError(unknown("data set", name, DATASETS))
    row = DATASETS[name]
    known = {split: None for layout in row.layouts for split in layout.splits}
    if split not in known:
        raise ValueError(unknown(f"split of {name}", split, known))
    home = row.home or name
    folder = cache_dir(root, "datasets") / ("" if root is not None else home.lower())
    layout = _there(row, split, folder)
    if layout is None and root is None:
        layout = _fetched(home, row, split, folder)
    if layout is None:
        raise FileNotFoundError(_missing(name, row, split, folder))
    sources = [Source(folder, file, layout.encoding) for file in layout.splits[split]]
    samples = layout.read(sources)
    if not samples:
        raise DatasetError(f"{' and '.join(str(s.folder / s.name) for s in sources)}: no samples")
    return TextDataset(name, split, samples, row.classes)


def _there(row: TextSet, split: str, folder: Path) -> Layout | None:
    """The first layout whose files are all in the folder."""
    for layout in row.layouts:
        files = layout.splits.get(split, ())
        if files and all(Source(folder, file).path.is_file() for file in files):
            return layout
    return None


def _fetched(home: str, row: TextSet, split: str, folder: Path) -> Layout | None:
    """The layout whose files the mirrors have, after they were fetched; None: they have not."""
    rows = {mirror.file: mirror for mirror in mirrored() if mirror.dataset == home}
    for layout in row.layouts:
        files = {file.partition("!")[0] for file in layout.splits.get(split, ())}
        if files and files <= rows.keys():
            for file in sorted(files):
                one = rows[file]
                member = one.member or None
                fetch(one.url_path, folder / file, digest=f"sha1:{one.sha1}", member=member)
            return layout
    return None


def _missing(name: str, row: TextSet, split: str, folder: Path) -> str:
    layouts = [layout.splits[split] for layout in row.layouts if split in layout.splits]
    files = ", or ".join(" with ".join(names) for names in layouts)
    why = f"it is not fetched for you: {row.licence}. " if row.licence else ""
    return (
        f"{folder} has no {name} {split}; looked for {files}. {why}"
        f"It is published at {row.source}; give its folder as root"
    )

"""The word vectors that GluonNLP published, by name: rows of a table."""

from __future__ import annotations

import csv
import os
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

from toolkit.data.text.embedding.load import load_embedding
from toolkit.data.text.embedding.token_embedding import TokenEmbedding
from toolkit.utils.files import cache_dir, fetch
from toolkit.utils.registry import unknown


@dataclass(frozen=True)
class PublishedVectors:
    """A file of vectors."""

    source: str  # glove, word2vec, fasttext
    name: str
    file: str
    sha1: str

    @property
    def subwords(self) -> bool:
        """Whether it is a fastText model, which gives unknown words a vector, too."""
        return self.file.endswith(".bin")

    @property
    def url_path(self) -> str:
        """Below each mirror."""
        return f"gluon/embeddings/{self.source}/{self.file}"


@cache
def published() -> tuple[PublishedVectors, ...]:
    """All rows."""
    table = resources.files("toolkit.data.text.embedding") / "tables.tsv"
    rows = csv.DictReader(table.read_text(encoding="utf-8").splitlines(), delimiter="\t")
    return tuple(PublishedVectors(**row) for row in rows)


def list_embeddings(pattern: str = "*", *, source: str | None = None) -> list[str]:
    """The names that match a shell pattern, of all sources or one, each once."""
    return sorted(
        {
            row.name
            for row in published()
            if fnmatchcase(row.name, pattern) and source in (None, row.source)
        }
    )


def get_embedding(
    name: str,
    *,
    subwords: bool = False,
    root: str | os.PathLike[str] | None = None,
    **options: Any,
) -> TokenEmbedding:
    """Published vectors, such as ``"glove.6B.50d"``; fetched once, verified by hash.

    Args:
        name: one of ``list_embeddings()``.
        subwords: the fastText model, which gives unknown words vectors of their n-grams.
        root: the cache; by default ``embedding`` of ``$TOOLKIT_HOME``, ``$MXNET_HOME`` or
            ``~/.mxnet``, where GluonNLP keeps them.
        options: of ``load_embedding``.

    Raises:
        ValueError: no such name.
        OSError: no place has the file, see ``toolkit.utils.files.fetch``.
    """
    rows = {row.name: row for row in published() if row.subwords == subwords}
    if name not in rows:
        kind = "fastText model with subwords" if subwords else "embedding"
        raise ValueError(unknown(kind, name, rows))
    row = rows[name]
    place = cache_dir(root, "embedding") / row.source / Path(row.file)
    return load_embedding(fetch(row.url_path, place, digest=f"sha1:{row.sha1}"), **options)

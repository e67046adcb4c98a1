"""One door to vectors in files."""

from __future__ import annotations

import codecs
import os
from pathlib import Path
from typing import Any

from toolkit.data.text.embedding.fasttext_bin import MAGIC, read_fasttext_bin
from toolkit.data.text.embedding.npz_vectors import read_npz_vectors
from toolkit.data.text.embedding.text_vectors import read_text_vectors
from toolkit.data.text.embedding.token_embedding import TokenEmbedding
from toolkit.data.text.embedding.word2vec_bin import read_word2vec_bin

UNKNOWNS = ("<unk>", "<UNK>", "UNK")  # a table's own vector for unknown tokens


def load_embedding(
    path: str | os.PathLike[str], *, progress: bool = True, **options: Any
) -> TokenEmbedding:
    """The vectors of a file, whoever wrote it.

    Args:
        path: ``.npz`` of GluonNLP or ``TokenEmbedding.save`` (mapped, not read, where it is not
            compressed); ``.bin`` of fastText (unknown words get a vector of their n-grams) or of
            word2vec; everything else is text, with or without a header line.
        progress: show a bar.
        options: of ``TokenEmbedding``. By default the table's own ``<unk>`` stands for unknown
            tokens where it has one.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: the file is empty, broken or cut off; the message has the line or record.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"no file {path}")
    with path.open("rb") as file:
        head = file.read(100)
    if not head:
        raise ValueError(f"{path} is empty")
    unknown: Any = None
    if head[:4] == b"PK\x03\x04":
        tokens, vectors, unknown = read_npz_vectors(path)
    elif _is_fasttext(head, path):
        unknown = read_fasttext_bin(path)
        tokens, vectors = list(unknown.words), unknown.vectors(progress=progress)
    elif _is_word2vec(head):
        tokens, vectors = read_word2vec_bin(path, progress=progress)
    else:
        tokens, vectors = read_text_vectors(path, progress=progress)
    if unknown is None:
        known = set(tokens)
        unknown = next((token for token in UNKNOWNS if token in known), "zeros")
    return TokenEmbedding(tokens, vectors, **{"unknown": unknown, **options})


def _is_fasttext(head: bytes, path: Path) -> bool:
    if int.from_bytes(head[:4], "little") == MAGIC:
        return True
    # The first format has no mark: small numbers of four bytes.
    return path.suffix == ".bin" and head[3:4] == b"\0" == head[7:8]


def _is_word2vec(head: bytes) -> bool:
    """Whether a header of two numbers is followed by a word and then by no text."""
    first, _, rest = head.partition(b"\n")
    parts = first.split()
    if len(parts) != 2 or not all(part.isdigit() for part in parts):
        return False
    try:
        text = codecs.getincrementaldecoder("utf-8")().decode(rest)
    except UnicodeDecodeError:
        return True
    return any(char < " " and char not in "\t\n\r" for char in text)

"""The vocabularies that GluonNLP published, by the name of the corpus, and their tokenizers."""

from __future__ import annotations

import csv
import os
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path

from toolkit.data.text.tokenizers import (
    TEMPLATES,
    ByteBPETokenizer,
    SentencePieceTokenizer,
    Tokenizer,
    WordPieceOptions,
    WordPieceTokenizer,
    WordTokenizer,
)
from toolkit.data.text.tokenizers.byte_bpe import read_merges
from toolkit.data.text.vocab import Vocab
from toolkit.utils.files import cache_dir, fetch
from toolkit.utils.registry import unknown

# The merges of GPT-2 serve RoBERTa, too.
MERGES, ROBERTA = "openai_webtext", "openwebtext_ccnews_stories_books_cased"
WORDS = ("wikitext-2", "gbw", "WMT2014_src", "WMT2014_tgt")
Root = str | os.PathLike[str] | None


@dataclass(frozen=True)
class PublishedFile:
    """A file of a vocabulary or of a tokenizer."""

    name: str
    file: str
    sha1: str


@cache
def published_files() -> dict[tuple[str, str], PublishedFile]:
    """All rows by name and the file's suffix: ``.vocab``, ``.spiece``, ``.json``."""
    table = resources.files("toolkit.data.text") / "published_vocabs.tsv"
    rows = csv.DictReader(table.read_text(encoding="utf-8").splitlines(), delimiter="\t")
    files = (PublishedFile(**row) for row in rows)
    return {(one.name, Path(one.file).suffix): one for one in files}


def list_vocabs() -> list[str]:
    """The names of all published vocabularies."""
    return sorted({name for name, _ in published_files()})


def get_vocab(name: str, *, root: Root = None) -> Vocab:
    """A published vocabulary, such as ``"book_corpus_wiki_en_uncased"``; fetched once, verified.

    Args:
        name: one of ``list_vocabs()``.
        root: the cache; by default ``models`` of it, where GluonNLP keeps them.

    Raises:
        ValueError: no such name.
        OSError: no place has the file, see ``toolkit.utils.files.fetch``.
    """
    if (name, ".vocab") in published_files():
        return Vocab.load(_fetched(name, ".vocab", root))
    return get_tokenizer(name, root=root).vocab


def get_tokenizer(name: str, *, engine: str = "auto", root: Root = None) -> Tokenizer:
    """The tokenizer that goes with a published vocabulary.

    Args:
        name: one of ``list_vocabs()``.
        engine: of WordPiece and byte-level BPE, see these.
        root: as for ``get_vocab``.

    Raises:
        ValueError: no such name.
        OSError: no place has a file.
    """
    if (name, ".spiece") in published_files():
        template = TEMPLATES["xlnet" if name.startswith("xlnet") else "bert"]
        return SentencePieceTokenizer(_fetched(name, ".spiece", root), template=template)
    vocab = Vocab.load(_fetched(name, ".vocab", root))
    if name in WORDS:
        return WordTokenizer(vocab=vocab)
    if name in (MERGES, ROBERTA):
        merges = read_merges(_fetched(MERGES, ".json", root))
        template = TEMPLATES["roberta" if name == ROBERTA else "plain"]
        return ByteBPETokenizer(vocab, merges, template=template, engine=engine)
    options = WordPieceOptions(lower=not name.endswith("_cased"), longest_word=200)
    return WordPieceTokenizer(vocab, options, engine=engine)


def _fetched(name: str, suffix: str, root: Root) -> Path:
    files = published_files()
    if (name, suffix) not in files:
        raise ValueError(unknown("vocabulary", name, {known for known, _ in files}))
    row = files[name, suffix]
    archive = f"gluon/dataset/vocab/{Path(row.file).with_suffix('.zip')}"
    place = cache_dir(root, "models") / row.file
    return fetch(archive, place, digest=f"sha1:{row.sha1}", member=row.file)

"""Byte-level BPE of GPT-2 and RoBERTa.

Radford et al., 2019, "Language Models are Unsupervised Multitask Learners"; merges after Sennrich
et al., 2015, https://arxiv.org/abs/1508.07909.
"""

from __future__ import annotations

import heapq
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from itertools import pairwise
from pathlib import Path

from toolkit.data.text.splitters import read_lines
from toolkit.data.text.tokenizers.cached_words import CachedWords
from toolkit.data.text.tokenizers.encoding import Pieces, PlainPieces
from toolkit.data.text.tokenizers.engines import Engine, RustEngine, chosen
from toolkit.data.text.tokenizers.template import TEMPLATES, Template
from toolkit.data.text.tokenizers.tokenizer import Tokenizer
from toolkit.data.text.tokenizers.unicode_classes import gpt2_words
from toolkit.data.text.vocab import Vocab

Pair = tuple[str, str]


@cache
def byte_letters() -> str:
    """The printable character that stands for each byte, 256 of them.

    A byte that Latin-1 prints stands for itself; the others get the characters from U+0100 on.
    """
    printed = {*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)}
    rest = iter(range(0x100, 0x200))
    return "".join(chr(byte if byte in printed else next(rest)) for byte in range(256))


class ByteBPETokenizer(Tokenizer):
    """Words with the blank before them, as bytes, merged pair by pair; loses nothing.

    Args:
        vocab: the tokens, in the letters that stand for bytes.
        merges: the pairs to merge, the first ones first.
        template: the special tokens around texts; none by default.
        special_in_text: a special token's name in a text is the token.
        add_blank: put a blank before a text that begins with none, as before any other word.
        engine: "tokenizers", the library; "python"; or "auto", the library where it is there.

    Raises:
        ValueError: the vocabulary lacks a byte that no unknown token stands in for, or what a
            pair becomes.
    """

    def __init__(
        self,
        vocab: Vocab,
        merges: Sequence[Pair],
        *,
        template: Template = TEMPLATES["plain"],
        special_in_text: bool = False,
        add_blank: bool = False,
        engine: str = "auto",
    ) -> None:
        super().__init__(vocab, template)
        self.merges, self.add_blank = tuple(merges), add_blank
        _check(vocab, self.merges)
        special: dict[str, int] = {}
        if special_in_text:
            named = (*vocab.special_tokens.values(), *template.tokens, vocab.unknown_token)
            special = {token: vocab[token] for token in named if token is not None}
        self.engine = chosen(engine)
        make = _rust if self.engine == "tokenizers" else _pure
        self._cut: Engine = make(vocab, self.merges, special)

    @classmethod
    def load(
        cls,
        vocab: str | os.PathLike[str],
        merges: str | os.PathLike[str],
        *,
        special_tokens: Mapping[str, str] | None = None,
        template: Template = TEMPLATES["plain"],
        engine: str = "auto",
    ) -> ByteBPETokenizer:
        """From two files, as OpenAI, Hugging Face or GluonNLP lay them out.

        Args:
            vocab: ``encoder.json`` or ``vocab.json`` (token to index), or GluonNLP's ``.vocab``.
            merges: ``vocab.bpe``, ``merges.txt`` or GluonNLP's ``bpe_ranks`` file: a pair a line.
            special_tokens: such as ``{"eos_token": "<|endoftext|>"}``, which is in GPT-2's files.
            template: the special tokens around texts.
            engine: see the class.

        Raises:
            ValueError: a file is broken; the message has its name and the place.
        """
        known = read_encoder(Path(vocab), special_tokens or {})
        return cls(known, read_merges(Path(merges)), template=template, engine=engine)

    def cut(self, texts: Sequence[str]) -> Sequence[Pieces]:
        """The pieces of each text; their offsets cover it all."""
        if self.add_blank:
            return [_shifted(p, t) for p, t in zip(self._cut(_blanks(texts)), texts, strict=True)]
        return self._cut(texts)

    def cut_ids(self, texts: Sequence[str]) -> list[list[int]]:
        """The indices of each text's pieces."""
        return self._cut.ids(_blanks(texts) if self.add_blank else texts)

    def join(self, tokens: Sequence[str]) -> str:
        """The text, byte by byte; bytes that are no UTF-8 become U+FFFD."""
        found = bytearray()
        place = _byte_of()
        for token in tokens:
            known = [place.get(char) for char in token]
            found += token.encode() if None in known else bytes(known)  # type: ignore[arg-type]
        return found.decode("utf-8", "replace")


def read_encoder(path: Path, special_tokens: Mapping[str, str]) -> Vocab:
    """The vocabulary of a JSON file: token to index, or GluonNLP's.

    Raises:
        ValueError: it is no such JSON, an index is missing or there twice.
    """
    try:
        document = json.loads(path.read_bytes().decode("utf-8"))
    except ValueError as error:
        raise ValueError(f"{path} is no JSON: {error}") from error
    if isinstance(document, dict) and "idx_to_token" in document:
        return Vocab.load(path)
    if not isinstance(document, dict) or not document:
        raise ValueError(f"{path} is no vocabulary: expected an object of token to index")
    tokens = sorted(document, key=lambda token: (document[token], token))
    for index, token in enumerate(tokens):
        if document[token] != index:
            raise ValueError(f"{path} has no token of index {index}, or one twice near {token!r}")
    found = "<unk>" if "<unk>" in document else None
    return Vocab.from_tokens(tokens, unknown_token=found, **special_tokens)


def read_merges(path: Path) -> list[Pair]:
    """The pairs of a file with one a line; a first line with ``#version`` is none.

    Raises:
        ValueError: it is not UTF-8, empty, or a line is no pair.
    """
    pairs = []
    for number, line in enumerate(read_lines(path), 1):
        parts = line.split(" ")
        if line.startswith("#version") or parts == [""]:
            continue
        if len(parts) != 2:
            raise ValueError(f"{path}, line {number}: expected two tokens, got {line[:80]!r}")
        pairs.append((parts[0], parts[1]))
    if not pairs:
        raise ValueError(f"{path} holds no pair to merge")
    return pairs


@cache
def _byte_of() -> dict[str, int]:
    return {letter: byte for byte, letter in enumerate(byte_letters())}


def _check(vocab: Vocab, merges: Sequence[Pair]) -> None:
    missing = [letter for letter in byte_letters() if letter not in vocab]
    if missing and vocab.unknown_token is None:
        raise ValueError(f"the vocabulary lacks bytes ({missing[0]!r} first) and an unknown token")
    for rank, (left, right) in enumerate(merges):
        if left + right not in vocab:
            raise ValueError(f"merge {rank} makes {left + right!r}, which the vocabulary has not")


def _blanks(texts: Sequence[str]) -> list[str]:
    return [text if not text or text[0] == " " else f" {text}" for text in texts]


def _shifted(pieces: Pieces, text: str) -> PlainPieces:
    """The pieces of a text that was given a blank, at their places without it."""
    by = 0 if not text or text[0] == " " else 1
    offsets = [(max(a - by, 0), b - by) for a, b in pieces.offsets]
    return PlainPieces(pieces.ids, pieces.tokens, offsets)


def _rust(vocab: Vocab, merges: Sequence[Pair], special: Mapping[str, int]) -> RustEngine:
    from tokenizers import models, pre_tokenizers

    model = models.BPE(vocab.token_to_idx, list(merges), unk_token=vocab.unknown_token)
    words = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
    return RustEngine.build(model, None, words, special)


def _pure(vocab: Vocab, merges: Sequence[Pair], special: Mapping[str, int]) -> CachedWords:
    ranks = {pair: rank for rank, pair in enumerate(merges)}
    return CachedWords(gpt2_words(), _CutWord(vocab, ranks), special)


@dataclass(frozen=True)
class _CutWord:
    """Cuts one word."""

    vocab: Vocab = field(repr=False)
    ranks: dict[Pair, int] = field(repr=False)

    def __call__(self, word: str) -> PlainPieces:
        letters = byte_letters()
        chars = [letters[byte] for byte in word.encode()]
        owner = [i for i, char in enumerate(word) for _ in char.encode()]  # of each byte
        tokens = merged(chars, self.ranks)
        offsets, start = [], 0
        for token in tokens:
            end = start + len(token)
            offsets.append((owner[start], owner[end - 1] + 1))
            start = end
        return PlainPieces(self.vocab[tokens], tokens, offsets)


def merged(symbols: list[str], ranks: Mapping[Pair, int]) -> list[str]:
    """Merges neighbours, the pair of the lowest rank first, the leftmost of several first.

    A linked list and a heap: the time grows with n log n, so that a word of megabytes ends.
    """
    symbols = list(symbols)
    after = list(range(1, len(symbols) + 1))
    before = list(range(-1, len(symbols) - 1))
    heap = [(ranks[pair], i, pair) for i, pair in enumerate(pairwise(symbols)) if pair in ranks]
    heapq.heapify(heap)
    while heap:
        _, i, (left, right) = heapq.heappop(heap)
        j = after[i]
        if symbols[i] != left or j >= len(symbols) or symbols[j] != right:
            continue  # one of the two was merged meanwhile
        symbols[i], symbols[j] = left + right, ""
        after[i] = after[j]
        if after[i] < len(symbols):
            before[after[i]] = i
        for a in (before[i], i):
            b = after[a] if a >= 0 else len(symbols)
            if b < len(symbols) and (pair := (symbols[a], symbols[b])) in ranks:
                heapq.heappush(heap, (ranks[pair], a, pair))
    return [symbol for symbol in symbols if symbol]

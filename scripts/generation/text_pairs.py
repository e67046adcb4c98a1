"""Pairs of texts as a network reads and writes them: batches, the loss, translations."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from toolkit.data import DataLoader
from toolkit.data.batchify import Pad, Stack, Tuple
from toolkit.data.text.tokenizers import Tokenizer
from toolkit.loss import SoftmaxCrossEntropyLoss
from toolkit.model_zoo import generate
from toolkit.utils.training import StepResult

import mxnet as mx
import numpy as np

IGNORED = -1  # where a target has ended
BATCHIFY = Tuple(Pad(), Stack(), Pad(), Pad(value=IGNORED))


def make_pieces(texts: Sequence[str], count: int, path: Path) -> None:
    """Writes a SentencePiece model of texts, with T5's first pieces: padding, the end, unknown."""
    import sentencepiece

    path.parent.mkdir(parents=True, exist_ok=True)
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(texts),
        model_prefix=str(path.with_suffix("")),
        vocab_size=count,
        character_coverage=1.0,
        hard_vocab_limit=False,
        num_threads=1,
        minloglevel=2,
        **{"pad_id": 0, "eos_id": 1, "unk_id": 2, "bos_id": -1},
    )


class Pairs:
    """Pairs in pieces: the source, its length, the words so far and the words that follow them.

    Args:
        pairs: Sources and targets.
        tokenizer: Whose texts end with a special token.
        prefix: Before each source.
        max_length: Most pieces of a text.
        start: The word before the first of a target.
    """

    def __init__(
        self,
        pairs: Sequence[tuple[str, str]],
        tokenizer: Tokenizer,
        *,
        prefix: str,
        max_length: int,
        start: int,
    ) -> None:
        self.tokenizer, self.start = tokenizer, start
        sources = [prefix + source for source, _ in pairs]
        self.sources = tokenizer.encode_ids(sources, max_length=max_length)
        self.targets = tokenizer.encode_ids([t for _, t in pairs], max_length=max_length)

    @property
    def lengths(self) -> list[int]:
        """The pieces of both texts of each pair."""
        return [len(a) + len(b) for a, b in zip(self.sources, self.targets, strict=True)]

    def __len__(self) -> int:
        return len(self.sources)

    def __getitem__(self, index: int) -> tuple:
        source, target = self.sources[index], self.targets[index]
        words = np.array([self.start, *target[:-1]], np.int32)
        return np.array(source, np.int32), np.int32(len(source)), words, np.array(target, np.int32)


class Objective:
    """The cross-entropy of every word that follows; a batch weighs as many as it has words."""

    def __init__(self, smoothing: float = 0.0) -> None:
        self.loss = SoftmaxCrossEntropyLoss(smoothing, ignore=IGNORED)

    def __call__(self, net: Any, batch: tuple) -> StepResult:
        tokens, lengths, words, labels = batch
        scores = net(tokens, mx.nd.zeros_like(tokens), lengths, words)
        return StepResult(self.loss(scores, labels))


def translate(
    net: mx.gluon.HybridBlock, pairs: Pairs, batch_size: int, *, max_tokens: int = 64
) -> list[str]:
    """The text of the likeliest words for each source."""
    found: list[str] = []
    for tokens, lengths, _, _ in DataLoader(pairs, batch_size, batchify=BATCHIFY).batches(0):
        tokens, lengths = (mx.nd.array(field, dtype="int32") for field in (tokens, lengths))
        writer = net.writer(tokens, mx.nd.zeros_like(tokens), lengths)
        rows = generate(writer, writer.beginnings, max_tokens=max_tokens, end=writer.end).tolist()
        texts = (row[: row.index(writer.end)] if writer.end in row else row for row in rows)
        found += pairs.tokenizer.decode_batch(texts)
    return found

"""What tagging scripts share: sentences in pieces, the loss, the score and the predicted tags."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from toolkit.data import DataLoader
from toolkit.data.batchify import Pad, Stack, Tuple
from toolkit.data.samplers import SortedBuckets
from toolkit.data.text.word_pieces import WordPieces, cut_words
from toolkit.loss import SoftmaxCrossEntropyLoss
from toolkit.utils.metrics.entities import OUTSIDE, EntityScores

import mxnet as mx
import numpy as np

BATCHIFY = Tuple(Pad(), Pad(), Stack(), Pad(value=-1), Stack())
LOSS = SoftmaxCrossEntropyLoss(ignore=-1)


@dataclass(frozen=True)
class Tagged:
    """Sentences in pieces, each with a tag a word and a class (0 where there are none)."""

    pieces: list[WordPieces]
    tags: list[list[int]]
    classes: list[int]

    def __len__(self) -> int:
        return len(self.pieces)

    def __getitem__(self, index: int) -> tuple:
        one = self.pieces[index]
        labels = one.spread(self.tags[index]).astype(np.float32)
        length, kind = np.int32(len(one.tokens)), np.float32(self.classes[index])
        return one.tokens, one.segments, length, labels, kind

    def batches(self, batch_size: int, seed: int) -> DataLoader:
        """Shuffled, like lengths together."""
        lengths = [len(one.tokens) for one in self.pieces]
        order = SortedBuckets(lengths, batch_size, seed=seed)
        return DataLoader(self, sampler=order, batchify=BATCHIFY, seed=seed)


def numbers(names: Sequence[str]) -> dict[str, int]:
    return {name: number for number, name in enumerate(names)}


def encode(
    sentences: Sequence[tuple[Sequence[str], Sequence[str], int]],
    tags: Sequence[str],
    tokenizer: Any,
    max_length: int,
) -> Tagged:
    """Words, their tags and a class each; a tag that was never trained becomes "O"."""
    known = numbers(tags)
    return Tagged(
        [cut_words(words, tokenizer, max_length=max_length) for words, _, _ in sentences],
        [[known.get(tag, known[OUTSIDE]) for tag in own] for _, own, _ in sentences],
        [kind for _, _, kind in sentences],
    )


@dataclass
class PieceScores:
    """Entities among the words that have a first piece: for the log while training goes on."""

    tags: Sequence[str]
    name: str = "entity_f1"

    def __post_init__(self) -> None:
        self._scores = EntityScores()

    def reset(self) -> None:
        self._scores.reset()

    def update(self, labels: Any, outputs: Any) -> None:
        found = outputs.asnumpy().argmax(-1)
        for wanted, own in zip(labels.asnumpy().astype(int), found, strict=True):
            words = wanted >= 0
            pair = ([self.tags[i] for i in row[words]] for row in (wanted, own))
            self._scores.update(*([row] for row in pair))

    def get(self) -> dict[str, float]:
        return self._scores.get()


def predict_scores(net: mx.gluon.Block, data: Tagged, batch_size: int) -> list[tuple]:
    """Each sentence's outputs, an array a head, in the order of the sentences."""
    rows: list[tuple] = []
    loader = DataLoader(data, batch_size, batchify=BATCHIFY)
    for tokens, segments, lengths, _, _ in loader.batches(0):
        inputs = [mx.nd.array(field, dtype="int32") for field in (tokens, segments, lengths)]
        outputs = net(*inputs)
        outputs = outputs if isinstance(outputs, (list, tuple)) else [outputs]
        mx.nd.waitall()
        rows += zip(*(output.asnumpy() for output in outputs), strict=True)
    return rows


def word_tags(data: Tagged, scores: Sequence[np.ndarray], tags: Sequence[str]) -> list[list[str]]:
    """The best tag of every word; of one that was cut off "O"."""
    return [
        one.gather([tags[i] for i in own.argmax(-1)], OUTSIDE)
        for one, own in zip(data.pieces, scores, strict=True)
    ]

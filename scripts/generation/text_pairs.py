"""What is trained on pairs of texts, and the texts that are written after that."""

from __future__ import annotations

from typing import Any

from toolkit.data import DataLoader
from toolkit.data.text.pairs import IGNORED, PAIR_BATCHIFY, TextPairs
from toolkit.loss import SoftmaxCrossEntropyLoss
from toolkit.model_zoo import generate
from toolkit.utils.training import StepResult

import mxnet as mx


class Objective:
    """The cross-entropy of every word that follows; a batch weighs as many as it has words."""

    def __init__(self, smoothing: float = 0.0) -> None:
        self.loss = SoftmaxCrossEntropyLoss(smoothing, ignore=IGNORED)

    def __call__(self, net: Any, batch: tuple) -> StepResult:
        tokens, lengths, words, labels = batch
        scores = net(tokens, mx.nd.zeros_like(tokens), lengths, words)
        return StepResult(self.loss(scores, labels))


def translate(
    net: mx.gluon.HybridBlock, pairs: TextPairs, batch_size: int, *, max_tokens: int = 64
) -> list[str]:
    """The text of the likeliest words for each source."""
    found: list[str] = []
    for tokens, lengths, _, _ in DataLoader(pairs, batch_size, batchify=PAIR_BATCHIFY).batches(0):
        tokens, lengths = (mx.nd.array(field, dtype="int32") for field in (tokens, lengths))
        writer = net.writer(tokens, mx.nd.zeros_like(tokens), lengths)
        rows = generate(writer, writer.beginnings, max_tokens=max_tokens, end=writer.end).tolist()
        texts = (row[: row.index(writer.end)] if writer.end in row else row for row in rows)
        found += pairs.tokenizer.decode_batch(texts)
    return found

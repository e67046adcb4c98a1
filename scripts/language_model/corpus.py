"""Running text for language models: its words as numbers, piece by piece, and what is scored."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from toolkit.data.text import BPTTDataset, Vocab, count_tokens
from toolkit.data.text.datasets import load_dataset
from toolkit.utils.training import StepResult

import mxnet as mx
import numpy as np

END = "<eos>"  # of each line
LOSS = mx.gluon.loss.SoftmaxCELoss()


def read_words(data: Path, name: str, split: str) -> list[str]:
    """All words of a split, with the end of each line."""
    return [word for line in load_dataset(name, split, root=data) for word in (*line, END)]


def make_vocab(words: Iterable[str]) -> Vocab:
    """Every word that training sees, by frequency; what it never saw is unknown."""
    return Vocab(count_tokens(words), padding_token=None, bos_token=None, eos_token=END)


@dataclass(frozen=True)
class Pieces:
    """The pieces of a text, in order; each row of a batch goes on where the last one ended.

    Batches are ``(first, data, target)``: whether they begin an epoch, and words ``(N, T)`` with
    those that follow them.
    """

    words: np.ndarray  # all of them, as numbers
    batch_size: int
    length: int  # T
    seed: int | None = None  # moves the beginning of each epoch by chance, unless None

    def __len__(self) -> int:
        return len(self._dataset(self.words))

    def batches(self, epoch: int, start: int = 0) -> Iterator[tuple[bool, np.ndarray, np.ndarray]]:
        words = self.words
        if self.seed is not None:
            rng = np.random.default_rng((self.seed, epoch))
            words = np.roll(words, -rng.integers(len(words)))
        dataset = self._dataset(words)
        for index in range(start, len(dataset)):
            data, target = dataset[index]
            yield index == 0, data.T, target.T

    def _dataset(self, words: np.ndarray) -> BPTTDataset:
        return BPTTDataset(words, self.batch_size, self.length)


class Objective:
    """The loss of each next word; what was read before is kept from batch to batch.

    Penalties in training: Merity et al., 2017, https://arxiv.org/abs/1708.01009.

    Args:
        large: Factor of the mean square of the features.
        jumps: Factor of the mean square of their changes from word to word.
    """

    def __init__(self, large: float = 0.0, jumps: float = 0.0) -> None:
        self._large, self._jumps = large, jumps
        self._states: dict[mx.Context, Any] = {}

    def __call__(self, net: mx.gluon.Block, batch: Sequence[Any]) -> StepResult:
        first, data, target = batch
        before = None if first else self._states.get(data.context)  # none after a resume
        features, states = net.encoder.recur(data, before)
        self._states[data.context] = [tuple(part.detach() for part in pair) for pair in states]
        dropped = net.encoder.dropout(features)
        scores = net.decoder(dropped)
        loss = LOSS(scores.reshape((-1, scores.shape[-1])), target.T.reshape((-1,)))
        if mx.autograd.is_training():
            loss = loss + self._large * dropped.square().mean()
            loss = loss + self._jumps * (features[1:] - features[:-1]).square().mean()
        return StepResult(loss, count=loss.size)


class Perplexity:
    """What the mean of the losses of a run comes to; it goes before what logs it."""

    def on_epoch(self, run: Any) -> None:
        if (loss := run.fresh("val_loss")) is not None:
            run.record({"val_perplexity": math.exp(loss)})

"""Skip-gram, CBOW and fastText with negative sampling, by matrix products over tiles of text.

Mikolov et al., 2013, https://arxiv.org/abs/1310.4546; Bojanowski et al., 2016,
https://arxiv.org/abs/1607.04606. The text is cut into tiles of neighbouring words. All scores of
a tile's words with what stands around them, and with noise words that the tile shares (Ji et al.,
2016, https://arxiv.org/abs/1604.04661), are one matrix product; a mask leaves those of each window.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from toolkit.data.text import CandidateSampler, NGramHashes

import numpy as np

TILE, TILES = 16, 32  # words of a tile; tiles that are worked on at once
LARGEST = 0.4  # step of one row in a block: rate times pairs; more would overshoot


@dataclass(frozen=True)
class Options:
    """How vectors are trained."""

    dim: int = 100
    window: int = 5  # words on each side, at most; each word draws its own
    negatives: int = 5  # noise words for each pair
    shared: int = 16  # noise words that a tile draws for all its pairs
    sample: float = 1e-3  # words more frequent than this share are thinned out
    rate: float = 0.025  # falls to a ten-thousandth in equal steps
    cbow: bool = False  # predict a word from those around it, not those from it
    seed: int = 0


class Words:
    """Input vectors, one a word."""

    def __init__(self, size: int, dim: int, rng: np.random.Generator) -> None:
        self.table = uniform(rng, size, dim)

    def __call__(self, ids: np.ndarray) -> np.ndarray:
        return self.table[ids]

    def add(self, ids: np.ndarray, grads: np.ndarray, steps: np.ndarray) -> None:
        add_rows(self.table, ids, grads, steps)

    def vectors(self) -> np.ndarray:
        return self.table


class Subwords:
    """Input vectors, each the mean of those of the word and of its n-grams."""

    def __init__(
        self, words: Sequence[str], dim: int, rng: np.random.Generator, hashes: NGramHashes
    ) -> None:
        self.table = uniform(rng, len(words) + len(hashes), dim)
        found = hashes(words)
        rows = [np.append(i, len(words) + h) for i, h in enumerate(found)]
        self.sizes = np.array([len(row) for row in rows])
        self.starts = np.cumsum(self.sizes) - self.sizes
        self.rows = np.concatenate(rows)

    def __call__(self, ids: np.ndarray) -> np.ndarray:
        unique, place = np.unique(ids, return_inverse=True)
        return self._means(unique)[place.reshape(ids.shape)]

    def add(self, ids: np.ndarray, grads: np.ndarray, steps: np.ndarray) -> None:
        unique, place = np.unique(ids, return_inverse=True)
        sums = np.zeros((len(unique), grads.shape[-1]), np.float32)
        add_rows(sums, place.ravel(), grads, steps)
        sizes = self.sizes[unique]
        add_rows(self.table, self._rows(unique), np.repeat(sums / sizes[:, None], sizes, 0))

    def vectors(self) -> np.ndarray:
        return self._means(np.arange(len(self.sizes)))

    def _rows(self, ids: np.ndarray) -> np.ndarray:
        sizes = self.sizes[ids]
        within = np.arange(sizes.sum()) - np.repeat(np.cumsum(sizes) - sizes, sizes)
        return self.rows[np.repeat(self.starts[ids], sizes) + within]

    def _means(self, ids: np.ndarray) -> np.ndarray:
        sizes = self.sizes[ids]
        sums = np.add.reduceat(self.table[self._rows(ids)], np.cumsum(sizes) - sizes, axis=0)
        return sums / sizes[:, None].astype(np.float32)


class Trainer:
    """Trains on texts that are given as indices of words.

    Args:
        counts: how often each word is there, (V,).
        inputs: the vectors that are wanted.
        options: how they are trained.
    """

    def __init__(self, counts: np.ndarray, inputs: Words | Subwords, options: Options) -> None:
        self.inputs, self.options = inputs, options
        self.outputs = np.zeros((len(counts), options.dim), np.float32)
        self.noise = CandidateSampler(counts, 0.75)
        share = np.maximum(counts / counts.sum(), 1e-12) / options.sample
        self.kept = np.minimum(1, np.sqrt(1 / share) + 1 / share)

    def train(self, ids: np.ndarray, ends: np.ndarray, epochs: int, threads: int = 1) -> None:
        """Trains on a corpus.

        Args:
            ids: all words, (T,).
            ends: where each sentence ends in it, ascending; pairs stay within sentences.
            epochs: times that it is read.
            threads: that work at once, each on blocks of its own, without locks (Hogwild).
        """
        sentence = np.searchsorted(ends, np.arange(len(ids)), side="right")
        with ThreadPoolExecutor(threads) as pool:
            for epoch in range(epochs):
                rng = np.random.default_rng((self.options.seed, epoch))
                kept = np.flatnonzero(rng.random(len(ids)) < self.kept[ids])
                blocks = list(self._blocks(ids[kept], sentence[kept]))
                done = (epoch + np.arange(len(blocks)) / max(len(blocks), 1)) / epochs
                rates = self.options.rate * np.maximum(1 - done, 1e-4)
                seeds = [
                    np.random.default_rng((self.options.seed, epoch, i)) for i in range(len(blocks))
                ]
                list(pool.map(self._step, blocks, rates.astype(np.float32), seeds))

    def _blocks(self, ids: np.ndarray, sentence: np.ndarray) -> Iterator[tuple[np.ndarray, ...]]:
        """Tiles of a corpus with what stands around them: ids and sentences, (n, TILE + 2 W)."""
        w = self.options.window
        pad = -len(ids) % TILE
        ids = np.pad(ids, (w, w + pad))
        sentence = np.pad(sentence, (w, w + pad), constant_values=-1)
        around = [
            np.lib.stride_tricks.sliding_window_view(x, TILE + 2 * w)[::TILE]
            for x in (ids, sentence)
        ]
        for start in range(0, len(around[0]), TILES):
            yield tuple(x[start : start + TILES] for x in around)

    def _step(
        self, block: tuple[np.ndarray, ...], rate: np.float32, rng: np.random.Generator
    ) -> None:
        """Works on one block."""
        ids, sentence = block
        w, n = self.options.window, len(ids)
        own = ids[:, w : w + TILE]
        reach = rng.integers(1, w + 1, (n, TILE, 1))
        offset = np.abs(np.arange(TILE + 2 * w) - w - np.arange(TILE)[:, None])
        alike = sentence[:, None, :] == sentence[:, w : w + TILE, None]
        alike &= sentence[:, w : w + TILE, None] >= 0
        mask = ((offset > 0) & (offset <= reach) & alike).astype(np.float32)
        noise = self.noise((n, self.options.shared), rng)
        (self._cbow if self.options.cbow else self._skipgram)(ids, own, mask, noise, rate)

    def _skipgram(
        self,
        ids: np.ndarray,
        own: np.ndarray,
        mask: np.ndarray,
        noise: np.ndarray,
        rate: np.float32,
    ) -> None:
        inputs, others = self.inputs(own), np.concatenate([ids, noise], axis=1)
        outputs = self.outputs[others]  # (n, TILE + 2 W + shared, D)
        slope = _sigmoid(inputs @ outputs.swapaxes(1, 2))
        width = ids.shape[1]
        weight = mask.sum(2, keepdims=True) * (self.options.negatives / noise.shape[1])
        slope[..., :width] = (1 - slope[..., :width]) * mask
        slope[..., width:] *= -weight
        slope *= rate
        back = slope.swapaxes(1, 2) @ inputs
        self.inputs.add(own, slope @ outputs, rate * mask.sum(2))
        noisy = np.broadcast_to(mask.sum((1, 2))[:, None] / noise.shape[1], noise.shape)
        steps = rate * np.concatenate([mask.sum(1), noisy], axis=1)
        add_rows(self.outputs, others, back, steps)

    def _cbow(
        self,
        ids: np.ndarray,
        own: np.ndarray,
        mask: np.ndarray,
        noise: np.ndarray,
        rate: np.float32,
    ) -> None:
        count = mask.sum(2, keepdims=True)
        there = (count > 0).astype(np.float32)
        mean = (mask / np.maximum(count, 1)) @ self.inputs(ids)  # (n, TILE, D)
        right, wrong = self.outputs[own], self.outputs[noise]
        up = rate * there * (1 - _sigmoid((mean * right).sum(2, keepdims=True)))
        share = self.options.negatives / noise.shape[1]
        down = -rate * there * share * _sigmoid(mean @ wrong.swapaxes(1, 2))
        grad = up * right + down @ wrong
        noisy = np.broadcast_to(there.sum(1) / noise.shape[1], noise.shape)
        add_rows(self.outputs, own, up * mean, rate * there)
        add_rows(self.outputs, noise, down.swapaxes(1, 2) @ mean, rate * noisy)
        self.inputs.add(ids, mask.swapaxes(1, 2) @ grad, rate * mask.sum(1))


def uniform(rng: np.random.Generator, rows: int, dim: int) -> np.ndarray:
    """Vectors to begin with, (rows, dim)."""
    return ((rng.random((rows, dim), np.float32) - 0.5) / dim).astype(np.float32)


def add_rows(
    table: np.ndarray, ids: np.ndarray, grads: np.ndarray, steps: np.ndarray | None = None
) -> None:
    """Adds gradients to rows of a table, some of which are there more than once.

    ``steps`` says how large a step each is: the rate times the pairs of words that it sums up. A
    row's steps together are scaled down to ``LARGEST``: all were taken at one point, and would
    overshoot where one after another they would not.
    """
    ids = ids.ravel()
    order = np.argsort(ids, kind="stable")
    ordered = ids[order]
    starts = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]])
    sums = np.add.reduceat(grads.reshape(len(ids), -1)[order], starts, axis=0)
    if steps is not None:
        total = np.add.reduceat(steps.ravel()[order], starts)
        sums *= (LARGEST / np.maximum(total, LARGEST))[:, None]
    table[ordered[starts]] += sums


def _sigmoid(scores: np.ndarray) -> np.ndarray:
    np.clip(scores, -30, 30, out=scores)
    np.negative(scores, out=scores)
    np.exp(scores, out=scores)
    scores += 1
    return np.reciprocal(scores, out=scores)

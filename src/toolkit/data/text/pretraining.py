"""Samples for BERT's pretraining, made while text is read: Devlin et al., 2018.

https://arxiv.org/abs/1810.04805: pairs of texts of which half follow each other, and words that are
hidden. The text has a sentence a line, and an empty line between documents.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import numpy as np

from toolkit.data.batchify import Pad, Stack, Tuple

Document = list[list[int]]  # sentences of token ids
IGNORED = -1  # label where nothing was hidden
BATCHIFY = Tuple(Pad(), Pad(), Stack(), Pad(), Pad(value=IGNORED), Stack())


@dataclass(frozen=True)
class Specials:
    """The ids that samples are made with."""

    first: int  # begins a sample
    separator: int  # ends each of its texts
    mask: int
    words: range  # ids that a hidden word may be replaced by


@dataclass(frozen=True)
class Masking:
    """How many words are hidden, and what stands in their place."""

    share: float = 0.15
    masked: float = 0.8  # of the hidden ones: the mask,
    random: float = 0.1  # any word; the rest stay as they are
    most: int = 20  # of a sample

    def __post_init__(self) -> None:
        shares = (self.share, self.masked, self.random, self.masked + self.random)
        if not all(0 <= share <= 1 for share in shares) or self.most < 1:
            raise ValueError(f"shares must be in [0, 1] and most at least 1, got {self}")

    def __call__(
        self, tokens: np.ndarray, specials: Specials, rng: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Hides words of one sample.

        Args:
            tokens: Ids (T,).
            specials: Special tokens are never hidden.
            rng: Draws which.

        Returns:
            The tokens as they are shown (T,), the places of hidden ones (P,), ascending, and what
            stood there (P,).
        """
        places = np.flatnonzero((tokens != specials.first) & (tokens != specials.separator))
        count = min(self.most, max(1, round(self.share * len(places))))
        chosen = np.sort(rng.permutation(places)[:count])
        chance = rng.random(len(chosen))
        shown = tokens.copy()
        shown[chosen[chance < self.masked]] = specials.mask
        other = chosen[(chance >= self.masked) & (chance < self.masked + self.random)]
        shown[other] = rng.integers(specials.words.start, specials.words.stop, len(other))
        return shown, chosen, tokens[chosen]


def read_documents(
    lines: Iterable[str], encode: Callable[[str], Sequence[int]]
) -> Iterator[Document]:
    """Documents of sentences in ids; empty ones are left out."""
    document: Document = []
    for line in lines:
        if line.strip():
            ids = list(encode(line))
            if ids:
                document.append(ids)
        elif document:
            yield document
            document = []
    if document:
        yield document


def cut_pairs(
    document: Document, others: Sequence[Document], room: int, rng: np.random.Generator
) -> Iterator[tuple[list[int], list[int], bool]]:
    """Pairs of texts that fill ``room`` tokens, and whether the second follows the first.

    Where it does not, it comes from one of ``others``, and what would have followed begins the next
    pair.
    """
    place = 0
    while place < len(document):
        end, length = place, 0
        while end < len(document) and length < room:
            length += len(document[end])
            end += 1
        split = place + 1 if end - place < 3 else int(rng.integers(place + 1, end))
        first = [i for sentence in document[place:split] for i in sentence]
        follows = split < end and (not others or rng.random() < 0.5)
        if follows:
            second = [i for sentence in document[split:end] for i in sentence]
            place = end
        elif others:
            other = others[int(rng.integers(len(others)))]
            begin = int(rng.integers(len(other)))
            second = [i for sentence in other[begin:] for i in sentence]
            place = split
        else:
            return
        yield (*_fit(first, second, room), follows)


def _fit(first: list[int], second: list[int], room: int) -> tuple[list[int], list[int]]:
    """Takes tokens off the longer one's end until both have room together, each at least one."""
    over = max(0, len(first) + len(second) - room)
    longer = min(over, abs(len(first) - len(second)))
    cuts = [(over - longer) // 2, over - longer - (over - longer) // 2]
    cuts[0 if len(first) > len(second) else 1] += longer
    return first[: len(first) - cuts[0]], second[: len(second) - cuts[1]]


@dataclass(frozen=True)
class PretrainingBatches:
    """A loader for ``fit``: batches out of lines that are read anew, over and over.

    A batch is tokens and segments (N, T), lengths (N,), places of hidden words (N, P), what stood
    there (N, P), ``IGNORED`` where a sample has fewer, and whether the texts follow (N,).
    """

    lines: Iterable[str]
    encode: Callable[[str], Sequence[int]]  # without special tokens
    specials: Specials
    length: int  # batches of an epoch
    batch_size: int = 32
    max_length: int = 128
    window: int = 100  # documents in memory, of which second texts are drawn
    masking: Masking = field(default_factory=Masking)
    seed: int = 0

    def __len__(self) -> int:
        return self.length

    def batches(self, epoch: int, start: int = 0) -> Iterator[Any]:
        """The batches of an epoch: other pairs and other hidden words in each.

        Raises:
            ValueError: the lines hold no pair of texts.
        """
        samples = self._samples(np.random.default_rng([self.seed, epoch]))
        for number in range(self.length):
            batch = list(islice(samples, self.batch_size))
            if number >= start:
                yield BATCHIFY(batch)

    def _samples(self, rng: np.random.Generator) -> Iterator[tuple[Any, ...]]:
        while True:
            count = 0
            for sample in self._pass(rng):
                count += 1
                yield sample
            if not count:
                raise ValueError("the text holds no pair: it needs documents of two sentences")

    def _pass(self, rng: np.random.Generator) -> Iterator[tuple[Any, ...]]:
        held: list[Document] = []
        documents = read_documents(self.lines, self.encode)
        held += islice(documents, self.window)
        for document in documents:
            place = int(rng.integers(len(held)))
            yield from self._of(held, place, rng)
            held[place] = document
        for place in rng.permutation(len(held)):
            yield from self._of(held, int(place), rng)

    def _of(
        self, held: Sequence[Document], place: int, rng: np.random.Generator
    ) -> Iterator[tuple[Any, ...]]:
        others = [*held[:place], *held[place + 1 :]]
        for first, second, follows in cut_pairs(held[place], others, self.max_length - 3, rng):
            head = [self.specials.first, *first, self.specials.separator]
            tokens = np.array([*head, *second, self.specials.separator], np.int32)
            segments = np.array([0] * len(head) + [1] * (len(second) + 1), np.int32)
            shown, places, hidden = self.masking(tokens, self.specials, rng)
            labels = hidden.astype(np.float32)
            yield shown, segments, np.int32(len(tokens)), places, labels, np.float32(follows)

"""What the parsing scripts share: sentences in numbers, batches of them, trees out of scores."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from toolkit.data import DataLoader, TokenBatches
from toolkit.data.batchify import Pad, Stack, Tuple
from toolkit.data.text import Sentence, SubwordRows, Vocab
from toolkit.data.text.word_pieces import cut_words
from toolkit.loss import ParsingLoss
from toolkit.utils.metrics import AttachmentScores, Tree
from toolkit.utils.training import StepResult
from toolkit.utils.trees import decode_trees

import mxnet as mx
import numpy as np

ROUND = 4  # lengths are multiples of this: fewer shapes for whoever plans for each
PADDED = Pad(round_to=ROUND)
COLUMNS = ("upos", "xpos")  # of tags


class Reader(Protocol):
    """What turns a sentence into the inputs of a network, the root first."""

    batchify: tuple[Callable[..., Any], ...]

    def __call__(self, sentence: Sentence) -> tuple: ...


@dataclass(frozen=True)
class WordReader:
    """Words in lower case by their numbers, each with the n-grams of its characters; and tags."""

    vocab: Vocab
    tags: Vocab | None = None
    column: str = "upos"
    subwords: SubwordRows | None = None

    @property
    def batchify(self) -> tuple[Callable[..., Any], ...]:
        words = Pad(axis=(0, 1), value=-1, round_to=ROUND) if self.subwords else PADDED
        return words, Stack(), *((PADDED,) if self.tags else ())

    def __call__(self, sentence: Sentence) -> tuple:
        forms = [word.form for word in sentence.words]
        lower = [form.lower() for form in forms]
        ids = np.array(self.vocab[[self.vocab.bos_token, *lower]], np.float32)
        length = np.float32(len(ids))
        if self.subwords is not None:
            ngrams = self.subwords(forms)
            none = np.full((1, ngrams.shape[1]), -1, np.float32)  # the root has no letters
            ids = np.concatenate([ids[:, np.newaxis], np.concatenate([none, ngrams])], axis=1)
        if self.tags is None:
            return ids, length
        names = [getattr(word, self.column) for word in sentence.words]
        return ids, length, np.array(self.tags[[self.tags.bos_token, *names]], np.float32)


@dataclass(frozen=True)
class PieceReader:
    """Words in the pieces of an encoder."""

    tokenizer: Any
    max_length: int = 256  # pieces; words beyond share the last place

    batchify = (PADDED, PADDED, Stack(), PADDED)

    def __call__(self, sentence: Sentence) -> tuple:
        forms = [word.form for word in sentence.words]
        cut = cut_words(forms, self.tokenizer, max_length=self.max_length)
        return cut.tokens, cut.segments, np.int32(len(cut.tokens)), cut.root_and_words()


def encode(sentences: Sequence[Sentence], reader: Reader, relations: Sequence[str]) -> list[tuple]:
    """The inputs of each sentence, its heads and relations, and its place among them."""
    numbers = {name: number for number, name in enumerate(relations)}
    samples = []
    for place, sentence in enumerate(sentences):
        heads = [-1, *(-1 if word.head is None else word.head for word in sentence.words)]
        labels = [0, *(numbers.get(name, 0) for name in sentence.relations)]
        tree = np.array(heads, np.float32), np.array(labels, np.float32)
        samples.append((*reader(sentence), *tree, np.int32(place)))
    return samples


def loader(samples: list[tuple], reader: Reader, tokens: int, *, seed: int | None) -> DataLoader:
    """Batches of so many tokens; shuffled where there is a seed."""
    lengths = [len(sample[0]) for sample in samples]
    order = TokenBatches(lengths, tokens, shuffle=seed is not None, seed=seed or 0)
    batchify = Tuple(*reader.batchify, Pad(value=-1, round_to=ROUND), PADDED, Stack())
    return DataLoader(samples, sampler=order, batchify=batchify, seed=seed or 0)


LOSS = ParsingLoss()


def objective(net: mx.gluon.Block, batch: tuple) -> StepResult:
    *inputs, heads, labels, places = batch
    arcs, relations = net(*inputs)
    loss = LOSS(arcs, relations, heads, labels)
    return StepResult(loss, labels=places, outputs=(arcs, relations))


@dataclass
class Decoder:
    """Turns scores of sentences into their trees."""

    sentences: Sequence[Sentence]
    relations: Sequence[str]

    def __call__(self, places: Any, outputs: Any) -> Iterator[tuple[int, list[int], list[str]]]:
        """Of each sentence of a batch its place, its heads and its relations."""
        arcs, kinds = (part.asnumpy() for part in outputs)
        rows = [int(place) for place in places.asnumpy()]
        lengths = [1 + len(self.sentences[row].words) for row in rows]
        root = self.relations.index("root") if "root" in self.relations else None
        trees = decode_trees(arcs, kinds, lengths, root)
        for row, (heads, labels) in zip(rows, trees, strict=True):
            yield row, heads.tolist(), [self.relations[label] for label in labels]


@dataclass
class TreeMetric:
    """The attachment scores of what a network makes of sentences whose trees are known."""

    decode: Decoder
    name: str = "las"

    def __post_init__(self) -> None:
        self.scores = AttachmentScores()

    def reset(self) -> None:
        self.scores.reset()

    def update(self, labels: Any, outputs: Any) -> None:
        for place, *tree in self.decode(labels, outputs):
            self.scores.update([true_tree(self.decode.sentences[place])], [tree])

    def get(self) -> dict[str, float]:
        return self.scores.get()


def true_tree(sentence: Sentence) -> Tree:
    return Tree(sentence.heads, sentence.relations, [word.form for word in sentence.words])

"""Dependency trees of texts, by the task ``parser``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from toolkit.data.text.word_pieces import cut_words
from toolkit.deploy.classification import softmax
from toolkit.deploy.text_model import TextModel
from toolkit.utils.trees import decode_trees

ROOT = "root"  # what treebanks call the relation to the root; no other word has it


@dataclass(frozen=True)
class Dependency:
    """A word of a text, and the word that it depends on."""

    index: int  # of the word, from 1
    word: str
    head: int  # index of the other, 0 the root
    relation: str  # to it; its number where relations have no names
    prob: float  # of this head among all, in [0, 1]


def parse_texts(
    model: TextModel, texts: Sequence[str], pairs: Sequence[str] | None, top: int
) -> list[list[Dependency]]:
    """The tree of each text, a row a word; words are apart by blanks, punctuation as well."""
    sentences = [text.split() for text in texts]
    cut = [cut_words(words, model.tokenizer, max_length=model.max_length) for words in sentences]
    outputs = model.run([(one.tokens, one.segments, one.root_and_words()) for one in cut])
    root = model.labels.index(ROOT) if model.labels and ROOT in model.labels else None
    found = []
    for words, (arcs, kinds) in zip(sentences, outputs, strict=True):
        size = len(words) + 1
        ((heads, labels),) = decode_trees(arcs[None], kinds[None], [size], root)
        probs = softmax(arcs[:size, :size])[np.arange(1, size), heads]
        names = [model.labels[label] if model.labels else str(label) for label in labels]
        rows = zip(words, heads.tolist(), names, probs.tolist(), strict=True)
        found.append([Dependency(index, *row) for index, row in enumerate(rows, 1)])
    return found

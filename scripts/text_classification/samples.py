"""The texts that a classifier is trained on, and those that it is scored on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from toolkit.data.text.datasets import load_dataset

import numpy as np

# By name, the data set and the split that is scored.
SPLITS = {
    "TREC": ("TREC", "test"),
    "SST_2": ("SST_2", "test"),
    "SST_1": ("SST_1", "test"),
    "SST-2": ("GLUE-SST-2", "dev"),
}
WHOLE = ("MR", "CR", "MPQA", "SUBJ")  # without splits: ten folds
LEAST = 5  # words of a sentence
Samples = Sequence[tuple[str, int]]


def open_samples(
    root: Path, name: str, *, fold: int = 0, share: float | None = None
) -> tuple[Samples, Samples, int]:
    """Samples to train with, samples to score, and the number of classes.

    Args:
        root: the folder of the files.
        name: of ``SPLITS`` or ``WHOLE``.
        fold: which tenth is scored of what has no splits.
        share: of the training samples that is scored in place of the others.
    """
    order = np.random.default_rng(0)  # the same parts for every seed
    data, split = SPLITS.get(name, (name, ""))
    if name in WHOLE:
        whole = load_dataset(data, "all", root=root)
        folds = np.array_split(order.permutation(len(whole)), 10)
        train, scored = parted(list(whole), folds[fold])
        classes = whole.classes
    else:
        first = load_dataset(data, "train", root=root)
        train, classes = list(first), first.classes
        scored = list(load_dataset(data, split, root=root))
    if share is not None and name == "SST-2":
        train, scored = parted_sentences(train, share, order)
    elif share is not None:
        train, scored = parted(train, order.permutation(len(train))[: round(len(train) * share)])
    return train, scored, len(classes)


def parted(samples: Samples, chosen: np.ndarray) -> tuple[Samples, Samples]:
    """The others, the chosen ones."""
    places = set(chosen.tolist())
    rest = [sample for i, sample in enumerate(samples) if i not in places]
    return rest, [samples[i] for i in sorted(places)]


def parted_sentences(
    samples: Samples, share: float, order: np.random.Generator
) -> tuple[Samples, Samples]:
    """Phrases of the other sentences, and a share of the sentences: what dev is to train.

    The training set of SST-2 is phrases of sentences, among them the sentences themselves: the
    phrases that are part of no other one and that a full stop ends. A phrase stays with the
    others if one of them has it, too.
    """
    longest = sorted(samples, key=lambda sample: -len(sample[0].split()))
    parts: set[tuple[str, ...]] = set()
    outer = []  # part of no other phrase
    for text, label in longest:
        words = tuple(text.split())
        if words not in parts:
            outer.append((text, label))
            parts.update(phrases(words))
    sentences = [
        place
        for place, (text, _) in enumerate(outer)
        if text.endswith(".") and len(text.split()) >= LEAST
    ]
    number = round(len(sentences) * share)
    others, scored = parted(outer, np.array(sentences)[order.permutation(len(sentences))[:number]])
    kept = {phrase for text, _ in others for phrase in phrases(tuple(text.split()))}
    return [sample for sample in samples if tuple(sample[0].split()) in kept], scored


def phrases(words: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """All runs of words."""
    for start in range(len(words)):
        for end in range(start + 1, len(words) + 1):
            yield words[start:end]

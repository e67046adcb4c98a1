"""How many words of sentences have the right head, and the right relation to it.

As the shared task of CoNLL 2018 counts where words are given, Zeman et al., 2018, K18-2001;
punctuation is what that of CoNLL-X left out, Buchholz and Marsi, 2006, W06-2920.
"""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Sequence
from typing import Any, NamedTuple

KINDS = ("uas", "las", "las_full")
PARTS = ("", "_no_punct")  # all words, and all but punctuation


class Tree(NamedTuple):
    """The tree of one sentence."""

    heads: Sequence[int]  # the number of each word's head, 0 the root
    relations: Sequence[str]
    words: Sequence[str] = ()  # of a tree that others are measured by: what tells punctuation


def is_punctuation(word: str) -> bool:
    """Whether all characters are punctuation, as Unicode has it."""
    return all(unicodedata.category(char).startswith("P") for char in word)


class AttachmentScores:
    """Shares of words whose head is right (UAS), and whose relation is right besides (LAS).

    ``las`` takes ``nsubj:pass`` for ``nsubj``, as CoNLL 2018 does; ``las_full`` wants both parts.
    It is a metric for ``evaluate``, over several workers as well.
    """

    name = "las"

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Forgets all sentences."""
        self._counts: Counter[str] = Counter()

    def update(self, labels: Sequence[Tree], outputs: Sequence[Any]) -> None:
        """Counts sentences: true trees, with their words, and predicted ones.

        Raises:
            ValueError: a tree with another number of heads, relations or words, or another number
                of sentences.
        """
        for wanted, found in zip(labels, outputs, strict=True):
            heads, relations = found[0], found[1]
            sizes = [len(part) for part in (*wanted, heads, relations)]
            if len(set(sizes)) > 1:
                raise ValueError(
                    f"{sizes[3]} heads and {sizes[4]} relations for a sentence of "
                    f"{sizes[0]} heads, {sizes[1]} relations and {sizes[2]} words"
                )
            for row in zip(*wanted, heads, relations, strict=True):
                self._count(*row)

    def _count(self, head: int, relation: str, word: str, found: int, called: str) -> None:
        right = head == found
        facts = {
            "words": True,
            "uas": right,
            "las": right and _main(relation) == _main(called),
            "las_full": right and relation == called,
        }
        self._counts.update(name for name, holds in facts.items() if holds)
        if not is_punctuation(word):
            self._counts.update(f"{name}_no_punct" for name, holds in facts.items() if holds)

    def get(self) -> dict[str, float]:
        """``uas``, ``las``, ``las_full`` and each with ``_no_punct``, in [0, 1]."""
        return {
            f"{name}{kind}": self._counts[f"{name}{kind}"] / max(self._counts[f"words{kind}"], 1)
            for kind in PARTS
            for name in KINDS
        }

    def sums(self) -> dict[str, float]:
        """What was counted, to be added up over workers."""
        names = [f"{name}{kind}" for name in ("words", *KINDS) for kind in PARTS]
        return {name: float(self._counts[name]) for name in names}

    def set_sums(self, sums: dict[str, float]) -> None:
        """Sets what was counted."""
        self._counts = Counter({name: round(value) for name, value in sums.items()})


def _main(relation: str) -> str:
    return relation.partition(":")[0]

"""Pairs of texts as a network reads the first and writes the second."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from toolkit.data.batchify import Pad, Stack, Tuple
from toolkit.data.text.tokenizers import Tokenizer

IGNORED = -1  # the label where a target has ended
PAIR_BATCHIFY = Tuple(Pad(), Stack(), Pad(), Pad(value=IGNORED))


class TextPairs:
    """Pairs in pieces: the source, its length, the words so far and the words that follow them.

    ``PAIR_BATCHIFY`` makes batches of them: ``(N, S)``, ``(N,)``, ``(N, T)`` and labels ``(N, T)``,
    which are ``IGNORED`` where a target has ended.

    Args:
        pairs: Sources and targets.
        tokenizer: Whose texts end with a special token.
        start: The word before the first of a target.
        prefix: Before each source: what is to be done with it.
        max_length: Most pieces of a text.
        target_tokenizer: Of the targets, where it is another.
    """

    def __init__(
        self,
        pairs: Sequence[tuple[str, str]],
        tokenizer: Tokenizer,
        *,
        start: int,
        prefix: str = "",
        max_length: int | None = None,
        target_tokenizer: Tokenizer | None = None,
    ) -> None:
        self.tokenizer, self.start = tokenizer, start
        self.target_tokenizer = target_tokenizer or tokenizer
        sources = [prefix + source for source, _ in pairs]
        targets = [target for _, target in pairs]
        self.sources = self.tokenizer.encode_ids(sources, max_length=max_length)
        self.targets = self.target_tokenizer.encode_ids(targets, max_length=max_length)

    @property
    def lengths(self) -> list[int]:
        """The pieces of both texts of each pair together."""
        return [len(a) + len(b) for a, b in zip(self.sources, self.targets, strict=True)]

    @property
    def longest(self) -> list[int]:
        """The pieces of the longer text of each pair."""
        return [max(len(a), len(b)) for a, b in zip(self.sources, self.targets, strict=True)]

    def __len__(self) -> int:
        return len(self.sources)

    def __getitem__(self, index: int) -> tuple[np.ndarray, np.int32, np.ndarray, np.ndarray]:
        source, target = self.sources[index], self.targets[index]
        words = np.array([self.start, *target[:-1]], np.int32)
        return np.array(source, np.int32), np.int32(len(source)), words, np.array(target, np.int32)

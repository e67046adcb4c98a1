"""Questions with their contexts as an encoder reads them, and answers as pieces of the text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from toolkit.data.text.windows import Window, question_windows


@dataclass(frozen=True)
class Passage:
    """A question and its context, in overlapping windows of tokens."""

    context: str
    offsets: Sequence[tuple[int, int]]  # characters of each token of the context
    windows: Sequence[Window]

    def text(self, first: int, last: int) -> str:
        """The piece of the context from one token to another, inclusive."""
        return self.context[self.offsets[first][0] : self.offsets[last][1]]

    def find(self, window: Window, start: int, text: str) -> tuple[int, int]:
        """The first and the last token of an answer, as places in a window.

        Args:
            window: One of ``windows``.
            start: Where the answer begins, in characters of the context.
            text: The answer.

        Returns:
            ``(0, 0)``, the first special token, where the window does not hold the whole answer.
        """
        end = start + len(text)
        covered = [
            place for place, (a, b) in enumerate(self.offsets) if a < end and b > start and b > a
        ]
        if not covered:
            return 0, 0
        ends = [np.flatnonzero(window.places == place) for place in (covered[0], covered[-1])]
        if any(not len(found) for found in ends):
            return 0, 0
        return int(ends[0][0]), int(ends[1][0])


def cut_passage(
    question: str,
    context: str,
    tokenizer: Any,
    *,
    length: int = 384,
    stride: int = 128,
    question_length: int = 64,
) -> Passage:
    """Cuts a context into windows that each hold the whole question, as BERT or RoBERTa read pairs.

    Args:
        question: What is asked.
        context: The text that may hold the answer.
        tokenizer: One of ``toolkit.data.text.tokenizers`` whose texts begin with one special token
            and end with another.
        length: Tokens of a window.
        stride: Tokens by which each window begins later than the one before.
        question_length: Most tokens of the question.

    Raises:
        ValueError: no room is left for the context, or the tokenizer has no such special tokens.
    """
    ends = tokenizer.encode("").ids
    if len(ends) != 2:
        raise ValueError(
            f"windows need one special token before a text and one after it, there are {len(ends)}"
        )
    tokens = tokenizer.encode(context, special=False)
    windows = question_windows(
        tokenizer.encode(question, special=False).ids,
        tokens.ids,
        first=ends[0],
        separator=ends[1],
        between=len(tokenizer.encode("", "").ids) - 2,
        length=length,
        stride=stride,
        question_length=question_length,
    )
    return Passage(context, tokens.offsets, windows)

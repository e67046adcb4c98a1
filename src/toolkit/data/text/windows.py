"""Long texts in overlapping windows, for models that read only so many tokens at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Window:
    """A question and a part of its context, as one input of an encoder."""

    tokens: np.ndarray  # ids (T,): first, question, separators, part of the context, separator
    segments: np.ndarray  # (T,): 0 up to the context, 1 from there on
    places: np.ndarray  # (T,): each token's place in the whole context; -1 outside it
    central: np.ndarray  # (T,): whether no other window shows the token amid more context


def question_windows(
    question: Sequence[int],
    context: Sequence[int],
    *,
    first: int,
    separator: int,
    between: int = 1,
    length: int = 384,
    stride: int = 128,
    question_length: int = 64,
) -> list[Window]:
    """Cuts a context into windows that each hold the whole question.

    Args:
        question: Token ids; those beyond ``question_length`` are dropped.
        context: Token ids.
        first: Id that begins a text, ``[CLS]``.
        separator: Id that ends a text, ``[SEP]``.
        between: Separators between the question and its context: two in RoBERTa.
        length: Tokens of a window, the special ones among them.
        stride: Tokens by which each window begins later than the one before.
        question_length: Most tokens of the question.

    Returns:
        The windows in order; together they show every token of the context.

    Raises:
        ValueError: no room is left for the context, or the stride would leave tokens out.
    """
    question = list(question[:question_length])
    head = [first, *question, *[separator] * between]
    room = length - len(head) - 1
    if room < 1:
        raise ValueError(
            f"a question of {len(question)} tokens leaves no room for its context in {length}"
        )
    if stride < 1:
        raise ValueError(f"stride must be at least 1, got {stride}")
    begins = [0]
    while begins[-1] + room < len(context):
        begins.append(begins[-1] + min(stride, room))
    spans = [range(begin, min(begin + room, len(context))) for begin in begins]
    best = [_best_window(place, spans) for place in range(len(context))]
    windows = []
    for index, span in enumerate(spans):
        part = list(context[span.start : span.stop])
        places = np.full(len(head) + len(part) + 1, -1)
        places[len(head) : -1] = span
        windows.append(
            Window(
                tokens=np.array([*head, *part, separator]),
                segments=np.array([0] * len(head) + [1] * (len(part) + 1)),
                places=places,
                central=np.array([place >= 0 and best[place] == index for place in places]),
            )
        )
    return windows


def _best_window(place: int, spans: Sequence[range]) -> int:
    """The window with most context on the token's poorer side; the longer one of equals."""

    def context(index: int) -> float:
        span = spans[index]
        if place not in span:
            return -1.0
        return min(place - span.start, span.stop - 1 - place) + 0.01 * len(span)

    return max(range(len(spans)), key=context)

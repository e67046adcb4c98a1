"""The likeliest texts of a beam, of many texts at once: as GluonNLP's samplers search."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import mxnet as mx
import numpy as np

from toolkit.model_zoo.beam_search import Candidate, reordered
from toolkit.model_zoo.generation import log_softmax


@dataclass(frozen=True)
class LengthPenalty:
    """What a sum of logarithms is divided by: ``((offset + length) / (offset + 1)) ** power``.

    Wu et al., 2016, https://arxiv.org/abs/1609.08144, equation 14. With a power of 0 short texts
    are favoured, and the longer ones the more the larger it is.

    Raises:
        ValueError: an offset that is not above -1, for which there are no such powers.
    """

    power: float = 1.0
    offset: float = 5.0

    def __post_init__(self) -> None:
        if not self.offset > -1:
            raise ValueError(f"the offset must be above -1, got {self.offset!r}")

    def __call__(self, length: int) -> float:
        """The divisor for a text of so many words, its end included."""
        return float(((self.offset + length) / (self.offset + 1)) ** self.power)


@dataclass
class _Beam:
    """The best texts for one source so far: those that go on, and those that have ended."""

    open: list[tuple[int, ...]] = field(default_factory=lambda: [()])
    sums: np.ndarray = field(default_factory=lambda: np.zeros(1))  # of the open ones' logarithms
    ended: list[Candidate] = field(default_factory=list)

    def grow(
        self, logs: np.ndarray, width: int, end: int, divisor: float
    ) -> tuple[_Beam, list[int]]:
        """The beam with one more word, and which open text each of the new open ones goes on with.

        Ended texts keep their places as long as no other is better.
        """
        totals = self.sums[:, None] + logs
        scores = np.concatenate([totals.ravel() / divisor, [one.score for one in self.ended]])
        best = np.argpartition(-scores, min(width, len(scores)) - 1)[:width]
        best = best[np.argsort(-scores[best], kind="stable")]
        grown, rows, sums = _Beam([], np.zeros(0), []), [], []
        for place in best.tolist():
            if place >= totals.size:
                grown.ended.append(self.ended[place - totals.size])
                continue
            row, word = divmod(place, logs.shape[1])
            text = (*self.open[row], word)
            if word == end:
                grown.ended.append(Candidate(text, float(scores[place]), True))
            else:
                grown.open.append(text)
                rows.append(row)
                sums.append(totals[row, word])
        grown.sums = np.array(sums)
        return grown, rows

    def candidates(self, divisor: float) -> list[Candidate]:
        """All of its texts, the best first."""
        cut = zip(self.open, self.sums / divisor, strict=True)
        found = [*self.ended, *(Candidate(text, float(score), False) for text, score in cut)]
        return sorted(found, key=lambda one: -one.score)


def batch_beam_search(
    net: Any,
    tokens: Sequence[Sequence[int]],
    *,
    end: int,
    width: int = 4,
    max_tokens: int = 64,
    penalty: LengthPenalty | None = None,
) -> list[list[Candidate]]:
    """Goes on with many texts side by side; the candidates of each, best first.

    A beam holds open and ended texts alike and is searched until all have ended, so that a text
    that ended early stands against the later ones as it is, and is pushed out by better ones.
    ``beam_search`` sets ended texts aside instead, which finds more of them, one source at a time.

    Args:
        net: A network with ``step``, as ``generate`` takes it.
        tokens: Ids ``(N, T)`` of the beginnings, all of one length.
        end: Id that ends a text.
        width: Texts that are kept for each source, and candidates that are returned.
        max_tokens: Most new words.
        penalty: Of lengths; default ``LengthPenalty()``.

    Raises:
        ValueError: no beginnings, or a width or a number of words below 1.
    """
    start = np.asarray(tokens)
    if start.ndim != 2 or not start.size or width < 1 or max_tokens < 1:
        raise ValueError(
            "beams need beginnings (N, T), a width and max_tokens above 0, got "
            f"{start.shape}, {width} and {max_tokens}"
        )
    penalty = penalty or LengthPenalty()
    beams = [_Beam() for _ in start]
    scores, states = net.step(mx.nd.array(start, dtype="int32"), None)
    for length in range(1, max_tokens + 1):
        logs = log_softmax(scores.asnumpy().astype(np.float64))
        rows: list[int] = []
        first = 0  # row of the network of a beam's first open text
        for place, beam in enumerate(beams):
            if not beam.open:
                continue
            own = logs[first : first + len(beam.open)]
            beams[place], going_on = beam.grow(own, width, end, penalty(length))
            rows += [first + row for row in going_on]
            first += len(beam.open)
        if not rows or length == max_tokens:
            break
        last = [[text[-1]] for beam in beams for text in beam.open]
        scores, states = net.step(mx.nd.array(last, dtype="int32"), reordered(states, rows))
    return [beam.candidates(penalty(length)) for beam in beams]

"""One vector for a text: for search, clustering and similarity."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mxnet.gluon import HybridBlock

from toolkit.model_zoo.registry import TASKS
from toolkit.model_zoo.text.heads import PARTS
from toolkit.nn.masks import FORBIDDEN
from toolkit.utils.registry import unknown


def _mean(F: Any, x: Any, valid_length: Any) -> Any:
    # An encoder's results beyond the valid length are zero.
    length = F.reshape(F.cast(valid_length, "float32"), (-1, 1))
    return F.broadcast_div(F.sum(x, axis=1), length)


def _first(F: Any, x: Any, valid_length: Any) -> Any:
    return F.reshape(F.slice_axis(x, axis=1, begin=0, end=1), (0, -1))


def _last(F: Any, x: Any, valid_length: Any) -> Any:
    return F.SequenceLast(x, valid_length, use_sequence_length=True, axis=1)


def _max(F: Any, x: Any, valid_length: Any) -> Any:
    seen = F.SequenceMask(x, valid_length, use_sequence_length=True, value=FORBIDDEN, axis=1)
    return F.max(seen, axis=1)


POOLINGS: dict[str, Callable[..., Any]] = {
    "mean": _mean,
    "first": _first,
    "last": _last,
    "max": _max,
}


class SentenceEncoder(HybridBlock):
    """Vectors ``(N, units)`` of texts.

    Reimers and Gurevych, 2019, https://arxiv.org/abs/1908.10084.

    Args:
        encoder: A text encoder.
        classes: Taken because every task takes it; there are none.
        pooling: ``mean`` of the tokens, the ``first`` or the ``last`` token (which sums up a text
            in XLNet and in GPT-2), or the ``max`` of each unit.
        normalize: Whether vectors have length 1, so that a product is a cosine.

    Raises:
        ValueError: no such pooling.
    """

    optional_parts = PARTS

    def __init__(
        self,
        encoder: HybridBlock,
        classes: int = 0,
        *,
        pooling: str = "mean",
        normalize: bool = True,
    ) -> None:
        super().__init__()
        if pooling not in POOLINGS:
            raise ValueError(unknown("pooling", pooling, POOLINGS))
        self.encoder = encoder
        self.units = encoder.units
        self._pool = POOLINGS[pooling]
        self._normalize = normalize

    def hybrid_forward(self, F: Any, tokens: Any, segments: Any, valid_length: Any) -> Any:
        """Maps tokens and segments ``(N, T)`` and lengths ``(N,)`` to ``(N, units)``."""
        x = self._pool(F, self.encoder(tokens, segments, valid_length), valid_length)
        return F.L2Normalization(x, mode="instance") if self._normalize else x


TASKS.add("sentence_encoder", SentenceEncoder)

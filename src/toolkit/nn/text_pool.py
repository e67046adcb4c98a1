"""One vector a text, from one a token."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from mxnet.gluon import HybridBlock
from mxnet.gluon.nn import Dense

from toolkit.nn.activation import activation
from toolkit.nn.masks import FORBIDDEN
from toolkit.utils.registry import unknown


class TokenMean(HybridBlock):
    """The mean of the tokens of each text; zero for a text without any."""

    def hybrid_forward(self, F: Any, x: Any, valid_length: Any) -> Any:
        """Maps ``(N, T, U)`` and lengths ``(N,)``, float32, to ``(N, U)``."""
        x = F.SequenceMask(x, valid_length, use_sequence_length=True, axis=1)
        count = F.reshape(F.broadcast_maximum(valid_length, F.ones_like(valid_length)), (-1, 1))
        return F.broadcast_div(F.sum(x, axis=1), count)


class TokenSum(HybridBlock):
    """The sum of the tokens of each text over the root of their number; zero without any.

    What many tokens say weighs more than what one says, as in Cer et al., 2018,
    https://arxiv.org/abs/1803.11175.
    """

    def hybrid_forward(self, F: Any, x: Any, valid_length: Any) -> Any:
        """Maps ``(N, T, U)`` and lengths ``(N,)``, float32, to ``(N, U)``."""
        x = F.SequenceMask(x, valid_length, use_sequence_length=True, axis=1)
        count = F.broadcast_maximum(valid_length, F.ones_like(valid_length))
        return F.broadcast_mul(F.sum(x, axis=1), F.reshape(F.rsqrt(count), (-1, 1)))


class TokenMax(HybridBlock):
    """The largest of the tokens of each text, unit by unit; zero without any."""

    def hybrid_forward(self, F: Any, x: Any, valid_length: Any) -> Any:
        """Maps ``(N, T, U)`` and lengths ``(N,)``, float32, to ``(N, U)``."""
        x = F.transpose(x, axes=(1, 0, 2))  # MXNet takes a maximum fastest there
        x = F.SequenceMask(x, valid_length, use_sequence_length=True, value=FORBIDDEN)
        return F.broadcast_mul(F.max(x, axis=0), F.reshape(valid_length > 0, (-1, 1)))


class TokenAttention(HybridBlock):
    """A mean in which tokens weigh as a learned query finds them: Yang et al., 2016, N16-1174.

    The weights are ``softmax(q . tanh(W x + b))`` over the tokens of a text.

    Args:
        units: Of a token.
        hidden: Of the query; ``units`` by default.
    """

    def __init__(self, units: int, hidden: int | None = None) -> None:
        super().__init__()
        self.transform = Dense(hidden or units, flatten=False, in_units=units)
        self.act = activation("tanh")
        self.query = Dense(1, flatten=False, use_bias=False, in_units=hidden or units)

    def hybrid_forward(self, F: Any, x: Any, valid_length: Any) -> Any:
        """Maps ``(N, T, U)`` and lengths ``(N,)`` from 1 on, float32, to ``(N, U)``."""
        scores = F.SequenceMask(
            self.query(self.act(self.transform(x))),
            valid_length,
            use_sequence_length=True,
            axis=1,
            value=FORBIDDEN,
        )
        weights = F.softmax(scores, axis=1)
        return F.reshape(F.batch_dot(weights, x, transpose_a=True), (0, -1))


# By name, what makes one for tokens of so many units.
POOLS: Mapping[str, Callable[[int], HybridBlock]] = MappingProxyType(
    {
        "mean": lambda units: TokenMean(),
        "sum": lambda units: TokenSum(),
        "max": lambda units: TokenMax(),
        "attention": TokenAttention,
    }
)


def token_pool(name: str, units: int) -> HybridBlock:
    """A pool by name, one of ``POOLS``.

    Raises:
        ValueError: no such pool.
    """
    if name not in POOLS:
        raise ValueError(unknown("pool", name, POOLS))
    return POOLS[name](units)

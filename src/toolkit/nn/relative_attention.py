"""Attention that knows how far apart two tokens are, not where they stand."""

from __future__ import annotations

from functools import partial
from typing import Any

import mxnet as mx
from mxnet.gluon import HybridBlock
from mxnet.gluon.nn import Dense, Dropout

from toolkit.nn.attention import join_heads, split_heads


class RelativeAttention(HybridBlock):
    """Scores of content, of distance and of segments, added before softmax.

    Dai et al., 2019, https://arxiv.org/abs/1901.02860; segments: Yang et al., 2019,
    https://arxiv.org/abs/1906.08237.

    Args:
        units: Units of the tokens and of the result.
        heads: Number of heads.
        head_units: Units of each head; default ``units / heads``.
        segments: Whether it is scored if two tokens are of one segment.
        dropout: Rate on the weights of the mixture.

    Raises:
        ValueError: the units do not divide into that many heads.
    """

    def __init__(
        self,
        units: int,
        heads: int,
        *,
        head_units: int | None = None,
        segments: bool = False,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        if head_units is None and units % heads:
            raise ValueError(f"{units} units do not divide into {heads} heads")
        self.heads = heads
        each = head_units or units // heads
        self._scale = each**-0.5
        project = partial(Dense, flatten=False, use_bias=False)
        self.query = project(heads * each, in_units=units)
        self.key = project(heads * each, in_units=units)
        self.value = project(heads * each, in_units=units)
        self.position = project(heads * each, in_units=units)
        self.output = project(units, in_units=heads * each)
        bias = partial(self.params.get, shape=(heads, each), init="zeros")
        self.content_bias = bias("content_bias")
        self.position_bias = bias("position_bias")
        if segments:
            self.segment_bias = bias("segment_bias")
            self.segments = self.params.get("segments", shape=(2, heads, each))
        self.dropout = Dropout(dropout) if dropout else None

    def hybrid_forward(
        self,
        F: Any,
        x: Any,
        bias: Any,
        places: Any,
        source: Any = None,
        different: Any = None,
        **params: Any,
    ) -> Any:
        """Maps ``(N, T, units)`` to the same shape.

        Args:
            F: ``mx.nd`` or ``mx.sym``.
            x: The tokens that ask.
            bias: Added to the scores; of a shape that broadcasts to ``(N, heads, T, S)``.
            places: What ``relative_positions`` makes of ``x`` and ``source``.
            source: The tokens that are asked ``(N, S, units)``; default ``x`` itself.
            different: 1 where two tokens are of different segments, else 0: ``(N, 1, T, S)``.
            params: The block's own biases.
        """
        source = x if source is None else source
        key = split_heads(F, self.key(source), self.heads)
        value = split_heads(F, self.value(source), self.heads)
        return self._attend(F, x, (key, value), (bias, places, different), params)

    def step(self, x: Any, bias: Any, past: Any, places: Any) -> tuple[Any, Any]:
        """Attention of new tokens ``(N, T, units)`` to themselves and to earlier ones.

        ``past`` are keys and values of the earlier ones, each ``(N, heads, S, head_units)``, or
        None; returned are ``(N, T, units)`` and the same pair with the new tokens.
        """
        key, value = (split_heads(mx.nd, part(x), self.heads) for part in (self.key, self.value))
        if past is not None:
            key, value = (
                mx.nd.concat(old, new, dim=2) for old, new in zip(past, (key, value), strict=True)
            )
        params = {name: param.data(x.context) for name, param in self._reg_params.items()}
        mixed = self._attend(mx.nd, x, (key, value), (bias, places, None), params)
        return mixed, (key, value)

    def _attend(
        self,
        F: Any,
        x: Any,
        memory: tuple[Any, Any],
        context: tuple[Any, Any, Any],
        params: dict[str, Any],
    ) -> Any:
        query, (key, value), (bias, places, different) = self.query(x), memory, context
        near = self._asking(F, query, params["content_bias"])
        scores = F.linalg.gemm2(near, key, transpose_b=True)
        scores = scores + self._distance(F, query, places, key, params["position_bias"])
        if different is not None:
            scores = scores + self._segments(F, query, different, params)
        if bias is not None:
            scores = F.broadcast_add(scores, bias)
        weights = F.softmax(scores, axis=-1)
        if self.dropout is not None:
            weights = self.dropout(weights)
        return self.output(join_heads(F, F.linalg.gemm2(weights, value)))

    def _asking(self, F: Any, query: Any, bias: Any) -> Any:
        shifted = F.broadcast_add(query, F.reshape(bias, (1, 1, -1)))
        return split_heads(F, shifted * self._scale, self.heads)

    def _distance(self, F: Any, query: Any, places: Any, key: Any, bias: Any) -> Any:
        asking = self._asking(F, query, bias)
        table = split_heads(F, self.position(F.expand_dims(places, axis=0)), self.heads)
        table = F.broadcast_like(table, key, lhs_axes=(0,), rhs_axes=(0,))
        scores = by_key(F, F.linalg.gemm2(asking, table, transpose_b=True))
        return F.slice_like(scores, F.transpose(key, (0, 1, 3, 2)), axes=(3,))

    def _segments(self, F: Any, query: Any, different: Any, params: dict[str, Any]) -> Any:
        asking = self._asking(F, query, params["segment_bias"])
        table = F.expand_dims(F.transpose(params["segments"], (1, 0, 2)), axis=0)
        table = F.broadcast_like(table, asking, lhs_axes=(0,), rhs_axes=(0,))
        both = F.linalg.gemm2(asking, table, transpose_b=True)
        same = F.slice_axis(both, axis=3, begin=0, end=1)
        other = F.slice_axis(both, axis=3, begin=1, end=2)
        return F.broadcast_add(same, F.broadcast_mul(different, other - same))


def by_key(F: Any, scores: Any) -> Any:
    """Scores by distance ``(N, heads, T, D)`` in the order of the keys, ``(N, heads, T, D - 1)``.

    Distances fall by one from column to column and the first is that of the last query to a key
    before all keys. Each query is one further from a key than the query before it, so its row
    begins one column earlier: all rows at once, by reading the same numbers in rows of T.
    """
    columns = F.reshape(F.contrib.arange_like(scores, axis=3), (-1, 1))
    queries = F.reshape(F.contrib.arange_like(scores, axis=2), (1, -1))
    frame = F.BlockGrad(F.broadcast_add(columns, queries))  # known for its shape, (D, T)
    rows = {"lhs_begin": 2, "lhs_end": 4, "rhs_begin": 0, "rhs_end": 2}
    turned = F.slice_axis(F.reshape_like(scores, frame, **rows), axis=2, begin=1, end=None)
    back = F.transpose(F.slice_axis(frame, axis=0, begin=1, end=None))
    return F.reshape_like(turned, back, **rows)


def relative_positions(
    F: Any, x: Any, source: Any, *, units: int, longest: int = -1, backward_only: bool = False
) -> Any:
    """Sines, then cosines of all distances of queries to keys, the largest first: ``(D, units)``.

    The frequencies are those of Vaswani et al., 2017, https://arxiv.org/abs/1706.03762.

    Args:
        F: ``mx.nd`` or ``mx.sym``.
        x: Tokens that ask, ``(N, T, units)``.
        source: Tokens that are asked, ``(N, S, units)``; the last T are ``x``.
        units: Units of the tokens.
        longest: Larger distances count as this one; -1 for no bound.
        backward_only: Whether keys that come later are left out, because nothing looks at them.
    """
    steps = F.contrib.arange_like(x, axis=1)
    later = F.slice_axis(steps, axis=0, begin=0, end=1) if backward_only else -steps
    earlier = F.reverse(F.contrib.arange_like(source, axis=1), axis=0) + 1
    distances = F.concat(earlier, later, dim=0)
    if longest >= 0:
        distances = F.clip(distances, -longest, longest)
    pairs = F.slice_axis(F.contrib.arange_like(x, axis=2), axis=0, begin=0, end=units // 2)
    rates = 10000.0 ** (pairs * (-2.0 / units))
    angles = F.broadcast_mul(F.reshape(distances, (-1, 1)), F.reshape(rates, (1, -1)))
    return F.BlockGrad(F.concat(F.sin(angles), F.cos(angles), dim=1))


def differing(F: Any, segments: Any, others: Any) -> Any:
    """1 where segments ``(N, T)`` and others ``(N, S)`` differ, else 0: ``(N, 1, T, S)``."""
    asking, asked = F.expand_dims(segments, axis=2), F.expand_dims(others, axis=1)
    different = F.cast(F.broadcast_not_equal(asking, asked), "float32")
    return F.BlockGrad(F.expand_dims(different, axis=1))

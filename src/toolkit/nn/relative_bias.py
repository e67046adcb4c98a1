"""What the distance of two tokens adds to their score, learned: the same in every layer."""

from __future__ import annotations

from typing import Any

import mxnet as mx
from mxnet.gluon import HybridBlock

from toolkit.nn.positions import from_the_end


class RelativeBias(HybridBlock):
    """A number for each head and each bucket of distances: Raffel et al., 2019, section 2.1.

    https://arxiv.org/abs/1910.10683. Small distances have a bucket each; larger ones share buckets
    whose bounds grow evenly in their logarithm, and from ``longest`` on all share one.

    Args:
        heads: Number of heads.
        buckets: Number of buckets.
        longest: The distance from which all are alike.
        backward_only: Whether all buckets are of tokens that came before, because nothing looks
            at later ones; else half of them are of later ones.

    Raises:
        ValueError: too few buckets, or a ``longest`` that leaves some of them empty.
    """

    def __init__(
        self, heads: int, *, buckets: int = 32, longest: int = 128, backward_only: bool = False
    ) -> None:
        super().__init__()
        self._later = 0 if backward_only else buckets // 2  # the first bucket of later tokens
        self._bounds = bounds_of_buckets(buckets - self._later, longest)
        self.weight = self.params.get("weight", shape=(buckets, heads), init=mx.init.Normal(0.02))

    def hybrid_forward(self, F: Any, tokens: Any, source: Any, weight: Any) -> Any:
        """The bias ``(1, heads, T, S)`` of tokens to a source, by their lengths alone.

        Args:
            F: ``mx.nd`` or ``mx.sym``.
            tokens: Any array ``(N, T, ...)``, the tokens that ask.
            source: Any array ``(N, S, ...)``, the tokens that are asked; the last T are ``tokens``.
            weight: The block's own numbers.
        """
        asking, asked = from_the_end(F, tokens), from_the_end(F, source)
        before = F.broadcast_sub(F.reshape(asking, (-1, 1)), F.reshape(asked, (1, -1)))
        rows = F.take(weight, F.BlockGrad(self._buckets(F, before)))
        return F.expand_dims(F.transpose(rows, (2, 0, 1)), axis=0)

    def _buckets(self, F: Any, before: Any) -> Any:
        """The bucket of each distance: how many bounds it has passed."""
        distance = F.abs(before) if self._later else F.relu(before)
        bucket = sum(distance >= bound for bound in self._bounds)
        return bucket + (before < 0) * self._later if self._later else bucket


def bounds_of_buckets(buckets: int, longest: int) -> tuple[int, ...]:
    """The least distance of each bucket but the first, for distances of one direction.

    The first half of the buckets is of a distance each: 0, 1, ..., n - 1. Bucket n + k is of those
    from ``n * (longest / n) ** (k / m)`` on, where m is the number of the others; compared in whole
    numbers, because a logarithm that is rounded would miss bounds that are exact.

    Raises:
        ValueError: fewer than two buckets, or ``longest`` not above the distances with their own.
    """
    exact = buckets // 2
    if exact < 1 or longest <= exact:
        raise ValueError(
            f"distances need 2 buckets a direction and a longest above half of them, got {buckets} "
            f"and {longest}"
        )
    bounds, shared = list(range(1, exact + 1)), buckets - exact
    distance = exact
    for step in range(1, shared):
        while distance**shared * exact**step < longest**step * exact**shared:
            distance += 1
        bounds.append(distance)
    return tuple(bounds)

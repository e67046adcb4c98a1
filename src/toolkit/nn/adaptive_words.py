"""Tables of words that grow narrower as words grow rarer, and scores by the same tables."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

from mxnet.gluon import HybridBlock


class AdaptiveWords(HybridBlock):
    """Words by frequency: one table for the most frequent, narrower ones for the rarer.

    Baevski and Auli, 2018, https://arxiv.org/abs/1809.10853; vectors are scaled by the root of
    their units, as in Vaswani et al., 2017, https://arxiv.org/abs/1706.03762.

    Args:
        vocab_size: Number of words, the most frequent first.
        units: Of what comes out.
        cutoffs: Where each next table begins; none for one table.
        embedding_units: Of the first table.
        division: Each next table has so many times fewer units.

    Raises:
        ValueError: the cutoffs do not ascend between 0 and the number of words, or a table would
            have no units.
    """

    def __init__(
        self,
        vocab_size: int,
        units: int,
        *,
        cutoffs: Sequence[int] = (),
        embedding_units: int,
        division: int = 1,
    ) -> None:
        super().__init__()
        ends = (0, *cutoffs, vocab_size)
        if list(ends) != sorted(set(ends)):
            raise ValueError(f"cutoffs must ascend between 0 and {vocab_size}, got {cutoffs}")
        widths = [embedding_units // division**index for index in range(len(ends) - 1)]
        if not min(widths):
            raise ValueError(f"{embedding_units} units cannot be divided to {widths}")
        self.units = units
        self.ranges = tuple(itertools.pairwise(ends))  # of each table, its first word and its end
        self.projects = division != 1 or embedding_units != units
        for index, ((begin, end), width) in enumerate(zip(self.ranges, widths, strict=True)):
            table = self.params.get(f"table{index}", shape=(end - begin, width))
            setattr(self, f"table{index}", table)
            if self.projects:
                shape = (units, width)
                setattr(self, f"project{index}", self.params.get(f"project{index}", shape=shape))

    def hybrid_forward(self, F: Any, tokens: Any, **params: Any) -> Any:
        """Maps ``(N, T)`` to ``(N, T, units)``."""
        tokens = F.cast(tokens, "float32")
        total = None
        for index, (begin, end) in enumerate(self.ranges):
            table = params[f"table{index}"]
            places = F.clip(tokens - begin, 0, end - begin - 1)
            x = F.take(table, places, axis=0)
            if self.projects:
                weight = params[f"project{index}"]
                x = F.FullyConnected(x, weight, no_bias=True, num_hidden=self.units, flatten=False)
            if len(self.ranges) > 1:
                inside = F.broadcast_logical_and(tokens >= begin, tokens < end)
                x = F.broadcast_mul(x, F.expand_dims(inside, axis=2))
            total = x if total is None else total + x
        return total * self.units**0.5


class AdaptiveScores(HybridBlock):
    """Logarithms of the probabilities of every word, by the tables of words.

    Grave et al., 2016, https://arxiv.org/abs/1609.04309: the most frequent words compete with the
    other tables as a whole, the words of a table with each other.

    Args:
        words: The tables.
        own_projection: Whether the first table is reached by a projection of its own; the others
            are by that of the tables.
    """

    def __init__(self, words: AdaptiveWords, *, own_projection: bool = False) -> None:
        super().__init__()
        self.ranges, self.projects = words.ranges, words.projects
        for index, (begin, end) in enumerate(self.ranges):
            table = getattr(words, f"table{index}")
            bias = self.params.get(f"bias{index}", shape=(end - begin,), init="zeros")
            parts = {"table": table, "bias": bias}
            if self.projects:
                parts["project"] = getattr(words, f"project{index}")
                if own_projection and not index:
                    shape = parts["project"].shape
                    parts["project"] = self.params.get("project0", shape=shape)
            for name, param in parts.items():
                self.params._params[param.name] = param  # where a graph of this block looks
                setattr(self, f"{name}{index}", param)
        rarer = len(self.ranges) - 1
        if rarer:
            shape = (rarer, self.table0.shape[1])
            self.rarer_weight = self.params.get("rarer_weight", shape=shape)
            self.rarer_bias = self.params.get("rarer_bias", shape=(rarer,), init="zeros")

    def hybrid_forward(self, F: Any, x: Any, **params: Any) -> Any:
        """Maps ``(..., units)`` to ``(..., words)``."""
        near = self._reach(F, x, params, 0)
        first = self._score(F, near, params["table0"], params["bias0"], self._size(0))
        rarer = len(self.ranges) - 1
        if not rarer:
            return F.log_softmax(first, axis=-1)
        whole = self._score(F, near, params["rarer_weight"], params["rarer_bias"], rarer)
        first = F.log_softmax(F.concat(first, whole, dim=-1), axis=-1)
        found = [F.slice_axis(first, axis=-1, begin=0, end=self._size(0))]
        for index in range(1, rarer + 1):
            place = self._size(0) + index - 1
            table = F.slice_axis(first, axis=-1, begin=place, end=place + 1)
            near = self._reach(F, x, params, index)
            size = self._size(index)
            inside = self._score(F, near, params[f"table{index}"], params[f"bias{index}"], size)
            found.append(F.broadcast_add(F.log_softmax(inside, axis=-1), table))
        return F.concat(*found, dim=-1)

    def _size(self, index: int) -> int:
        begin, end = self.ranges[index]
        return end - begin

    def _reach(self, F: Any, x: Any, params: dict[str, Any], index: int) -> Any:
        return F.dot(x, params[f"project{index}"]) if self.projects else x

    def _score(self, F: Any, x: Any, weight: Any, bias: Any, size: int) -> Any:
        return F.FullyConnected(x, weight, bias, num_hidden=size, flatten=False)

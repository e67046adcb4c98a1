"""The contract of text encoders accepts what is right and rejects each way of being wrong."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import mxnet as mx
import pytest
from mxnet.gluon import HybridBlock
from mxnet.gluon.nn import Dense, Embedding

from toolkit.utils.testing import assert_is_text_encoder


class Encoder(HybridBlock):
    """A small one without fault: each token and the mean of its row; stubs break a part of it."""

    units: Any = 6
    vocab_size: Any = 11

    def __init__(self) -> None:
        super().__init__()
        self.table = Embedding(11, 6)
        self.kinds = Embedding(2, 6)
        self.mix = Dense(6, flatten=False, in_units=6)

    def hybrid_forward(self, F: Any, tokens: Any, segments: Any, valid_length: Any) -> Any:
        x = self.mask(F, self.table(tokens) + self.kinds(segments), valid_length)
        length = F.reshape(F.cast(valid_length, "float32"), (-1, 1, 1))
        mean = F.broadcast_div(F.sum(x, axis=1, keepdims=True), length)
        return self.mask(F, F.broadcast_add(self.mix(x), mean), valid_length)

    def mask(self, F: Any, x: Any, valid_length: Any) -> Any:
        return F.SequenceMask(x, valid_length, use_sequence_length=True, axis=1)


class NoUnits(Encoder):
    units = None


class WrongUnits(Encoder):
    units = 7


class SeesPadding(Encoder):
    def mask(self, F: Any, x: Any, valid_length: Any) -> Any:
        return x


class SeesALittleOfPadding(Encoder):
    def mask(self, F: Any, x: Any, valid_length: Any) -> Any:
        return super().mask(F, x, valid_length) + 1e-6 * F.mean(x)


class CountsPadding(Encoder):
    """Junk changes nothing, but its length does."""

    def hybrid_forward(self, F: Any, tokens: Any, segments: Any, valid_length: Any) -> Any:
        x = self.mask(F, self.table(tokens) + self.kinds(segments), valid_length)
        mean = F.mean(x, axis=1, keepdims=True)
        return self.mask(F, F.broadcast_add(self.mix(x), mean), valid_length)


class Blind(Encoder):
    def hybrid_forward(self, F: Any, tokens: Any, segments: Any, valid_length: Any) -> Any:
        x = self.table(F.zeros_like(tokens)) + self.kinds(F.zeros_like(segments))
        return self.mask(F, self.mix(x), valid_length)


class Unequal(Encoder):
    def hybrid_forward(self, F: Any, tokens: Any, segments: Any, valid_length: Any) -> Any:
        x = super().hybrid_forward(F, tokens, segments, valid_length)
        return x * 1.001 if F is mx.sym else x


class Infinite(Encoder):
    def hybrid_forward(self, F: Any, tokens: Any, segments: Any, valid_length: Any) -> Any:
        return super().hybrid_forward(F, tokens, segments, valid_length) / 0


class Pooled(Encoder):
    def hybrid_forward(self, F: Any, tokens: Any, segments: Any, valid_length: Any) -> Any:
        return F.sum(super().hybrid_forward(F, tokens, segments, valid_length), axis=1)


class Deferred(Encoder):
    def __init__(self) -> None:
        super().__init__()
        self.mix = Dense(6, flatten=False)


@pytest.mark.parametrize("build", [Encoder, Encoder()], ids=["function", "block"])
def test_an_encoder_without_fault_is_accepted(build: Callable[[], HybridBlock]) -> None:
    assert_is_text_encoder(build, (4, 6))


@pytest.mark.parametrize(
    ("stub", "message"),
    [
        (NoUnits, "units must be a positive whole number, got None"),
        (WrongUnits, r"must be an array \(3, 8, 7\), got \(3, 8, 6\)"),
        (SeesPadding, r"beyond the valid length changes results at \(row, token\) \[\(1, 0\)"),
        (SeesALittleOfPadding, "beyond the valid length changes results"),
        (CountsPadding, "row 1 without padding differs"),
        (Blind, "tokens look alike"),
        (Unequal, "hybridized result differs"),
        (Infinite, "the result is not finite"),
        (Pooled, r"must be an array \(3, 8, 6\), got \(3, 6\)"),
        (Deferred, r"unknown before the first call: \['mix.weight'\]"),
    ],
)
def test_each_fault_is_named(stub: Callable[[], HybridBlock], message: str) -> None:
    with pytest.raises(AssertionError, match=message):
        assert_is_text_encoder(stub)

from __future__ import annotations

from collections.abc import Callable

import mxnet as mx
import pytest

S = mx.sym
Symbol = mx.sym.Symbol
OPERATORS: dict[str, Callable[[Symbol], Symbol]] = {
    "arithmetic": lambda x: S.Group(
        [x + 2, 2 - x, x * 3, x / 4, 1 / (x + 5), x - 1, (x + 3) ** 2, S.square(x), -x]
    ),
    "of two": lambda x: S.Group(
        [
            S.broadcast_add(x, S.mean(x, axis=1, keepdims=True)),
            S.broadcast_mul(x, S.max(x, axis=(2, 3), keepdims=True)),
            x - S.exp(x),
            S.add_n(x, x * 2, x * 3),
        ]
    ),
    "of one": lambda x: S.Group(
        [S.exp(x), S.abs(x), S.sqrt(S.abs(x)), S.floor(x), S.hard_sigmoid(x), S.clip(x, -1, 1)]
    ),
    "powers": lambda x: S.Group([2**x, S.log2(S.abs(x) + 1)]),
    "backwards": lambda x: S.Group([S.reverse(x, axis=2), S.flip(x, axis=(0,))]),
    "shapes": lambda x: S.Group(
        [
            S.Flatten(x),
            S.reshape(x, shape=(0, -4, 2, 2, -2)),
            S.reshape(x, shape=(-1, 8)),
            S.expand_dims(x, axis=1),
        ]
    ),
    "axes": lambda x: S.Group(
        [S.transpose(x, axes=(0, 2, 3, 1)), S.SwapAxis(x, dim1=1, dim2=3), S.transpose(x)]
    ),
    "joined and cut": lambda x: S.Group(
        [
            S.concat(x, x * 2, dim=1),
            *S.split(x, num_outputs=2, axis=1),
            *S.split(x, num_outputs=4, axis=1, squeeze_axis=True),
            S.slice_axis(x, axis=2, begin=1, end=None),
            S.slice_axis(x, axis=3, begin=-3, end=-1),
            S.slice(x, begin=(None, 1), end=(None, 3)),
        ]
    ),
    "reduced": lambda x: S.Group(
        [S.sum(x, axis=1), S.mean(x, axis=0, exclude=True), S.min(x, axis=-1, keepdims=True)]
    ),
    "softmax": lambda x: S.Group([S.softmax(x, axis=1), S.log_softmax(x)]),
    "padded": lambda x: S.pad(
        x, mode="constant", pad_width=(0, 0, 0, 0, 1, 2, 3, 4), constant_value=0.5
    ),
    "products": lambda x: S.batch_dot(
        S.reshape(x, shape=(-1, 6, 8)), S.reshape(x, shape=(-1, 6, 8)), transpose_b=True
    ),
    "vectors by a matrix": lambda x: S.dot(x, S.ones((5, 8)), transpose_b=True),
    "matrices": lambda x: S.dot(S.flatten(x), S.flatten(x * 2), transpose_a=True),
}


@pytest.mark.parametrize("name", OPERATORS)
def test_the_translation_computes_the_same(
    name: str, assert_translated: Callable[[Symbol], None]
) -> None:
    assert_translated(OPERATORS[name](mx.sym.var("data")))

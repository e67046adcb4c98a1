from __future__ import annotations

from collections.abc import Callable

import mxnet as mx
import pytest

S = mx.sym
Symbol = mx.sym.Symbol


def rows(x: Symbol) -> Symbol:
    """The input as (N, 24, 8)."""
    return S.reshape(x, shape=(0, -1, 8))


def whole(x: Symbol, largest: int) -> Symbol:
    """Whole numbers from 0 to ``largest``, and some beyond."""
    return S.floor(S.abs(x) * largest)


OPERATORS: dict[str, Callable[[Symbol], Symbol]] = {
    "comparisons": lambda x: S.Group(
        [
            S.broadcast_greater(x, S.mean(x, axis=1, keepdims=True)),
            S.broadcast_lesser(x, S.mean(x, axis=1, keepdims=True)),
            S.broadcast_not_equal(S.floor(x), S.ceil(x / 2)),
            S.floor(x) == S.ceil(x / 2),
            x > 0.5,
            x <= 0.5,
            S.broadcast_logical_and(S.floor(x), S.ceil(x)),
            S.broadcast_logical_or(S.floor(x), S.ceil(x)),
        ]
    ),
    "choices": lambda x: S.Group(
        [
            S.where(x > 0, x, S.exp(x)),
            S.where(S.max(x, axis=(1, 2, 3)) > 1.9, x, -x),
            S.cast(S.cast(x, "int32"), "float32"),
        ]
    ),
    "constants": lambda x: S.Group([S.zeros_like(x), S.ones_like(x) * x]),
    "broadcast": lambda x: S.Group(
        [
            S.broadcast_like(S.mean(x, axis=(0, 1), keepdims=True), x),
            S.broadcast_axis(S.mean(x, axis=(1, 3), keepdims=True), axis=(1, 3), size=(2, 5)),
        ]
    ),
    "cut like another": lambda x: S.Group(
        [
            S.slice_like(x, S.slice(x, begin=(None, 0, 0, 0), end=(None, 2, 3, 5)), axes=(1, 3)),
            S.slice_like(S.concat(x, x, x, dim=0), x),
        ]
    ),
    "counted": lambda x: S.Group(
        [
            S.contrib.arange_like(x, axis=-1),
            S.contrib.arange_like(x, axis=0, start=3, step=2),
            S.contrib.arange_like(S.mean(x, axis=(1, 2, 3))),
        ]
    ),
    "masked": lambda x: S.Group(
        [
            S.SequenceMask(x, whole(S.max(x, axis=(1, 2, 3)), 2), use_sequence_length=True, axis=1),
            S.SequenceMask(
                S.transpose(x, axes=(2, 0, 1, 3)),
                whole(S.max(x, axis=(1, 2, 3)), 3),
                use_sequence_length=True,
                value=0.5,
            ),
            S.SequenceMask(x),
        ]
    ),
    "counted from a number": lambda x: S.Group(
        [
            S.broadcast_add(x, S.arange(2, 14, step=3, repeat=2)),
            S.broadcast_add(x, S.arange(8) * S.arange(1, 9)),
        ]
    ),
    "lengths": lambda x: S.broadcast_mul(
        S.reshape(x, (0, 4, -1, 4)), S.cast(S.shape_array(x), "float32")
    ),
    "sorted": lambda x: S.Group(
        [
            S.sort(rows(x), axis=1, is_ascend=False),
            S.sort(x, axis=2),
            S.argsort(rows(x), axis=2),
            S.argsort(rows(x), axis=1, is_ascend=False),
        ]
    ),
    "joined on a new axis": lambda x: S.Group([S.stack(x, x * 2, axis=1), S.stack(x, -x, axis=-1)]),
    "repeated": lambda x: S.tile(x, reps=(1, 2, 1, 3)),
    "taken": lambda x: S.Group(
        [
            S.take(x, whole(S.slice(x, begin=(0, 0, 0, 0), end=(1, 1, 1, 3)), 2), axis=2),
            S.pick(rows(x), whole(S.clip(S.mean(rows(x), axis=2), -1, 1), 6), axis=2),
            S.pick(
                rows(x), whole(S.clip(S.mean(rows(x), axis=2), -1, 1), 6), axis=2, keepdims=True
            ),
            S.one_hot(whole(S.clip(S.mean(x, axis=(2, 3)), -1, 1), 4), depth=5, on_value=2),
        ]
    ),
    "gathered": lambda x: S.gather_nd(
        rows(x),
        S.stack(
            S.broadcast_like(
                S.reshape(S.contrib.arange_like(x, axis=0), (-1, 1)), S.mean(rows(x), axis=2)
            ),
            whole(S.clip(S.mean(rows(x), axis=2), -1, 1), 20),
            axis=0,
        ),
    ),
    "best": lambda x: S.Group(
        [
            *S.topk(rows(x), k=3, ret_typ="both"),
            S.topk(rows(x), k=2, axis=1, is_ascend=True),
            S.topk(rows(x), k=0, ret_typ="value"),
            S.argmax(rows(x), axis=1),
            S.argmin(rows(x), axis=2, keepdims=True),
        ]
    ),
}


@pytest.mark.parametrize("name", OPERATORS)
def test_the_translation_computes_the_same(
    name: str, assert_translated: Callable[[Symbol], None]
) -> None:
    assert_translated(OPERATORS[name](mx.sym.var("data")))

from __future__ import annotations

from collections.abc import Callable

import mxnet as mx
import pytest

S = mx.sym
Symbol = mx.sym.Symbol
LAYERS: dict[str, Callable[[Symbol], Symbol]] = {
    "deformable": lambda x: S.contrib.DeformableConvolution(
        x,
        S.Convolution(x, kernel=(3, 3), pad=(1, 1), num_filter=18),
        kernel=(3, 3),
        pad=(1, 1),
        num_filter=6,
    ),
    "modulated and strided": lambda x: S.contrib.ModulatedDeformableConvolution(
        x,
        S.Convolution(x, kernel=(3, 3), pad=(1, 1), stride=(2, 2), num_filter=36) / 10,
        S.sigmoid(S.Convolution(x, kernel=(3, 3), pad=(1, 1), stride=(2, 2), num_filter=18)),
        kernel=(3, 3),
        pad=(1, 1),
        stride=(2, 2),
        num_deformable_group=2,
        num_filter=6,
        no_bias=True,
    ),
    "strided, dilated, in groups": lambda x: S.contrib.DeformableConvolution(
        x,
        S.Convolution(x, kernel=(3, 3), pad=(2, 1), dilate=(2, 1), stride=(1, 2), num_filter=36),
        kernel=(3, 3),
        pad=(2, 1),
        dilate=(2, 1),
        stride=(1, 2),
        num_deformable_group=2,
        num_group=2,
        num_filter=6,
    ),
}


@pytest.mark.parametrize("name", LAYERS)
def test_the_translation_computes_the_same(
    name: str, assert_translated: Callable[[Symbol], None]
) -> None:
    assert_translated(LAYERS[name](mx.sym.var("data")))

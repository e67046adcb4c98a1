from __future__ import annotations

from collections.abc import Callable

import mxnet as mx
import pytest

S = mx.sym
Symbol = mx.sym.Symbol
LAYERS: dict[str, Callable[[Symbol], Symbol]] = {
    "convolution": lambda x: S.Convolution(
        x, kernel=(3, 2), stride=(2, 1), pad=(1, 0), dilate=(1, 2), num_filter=6, num_group=2
    ),
    "convolution without bias": lambda x: S.Convolution(
        x, kernel=(1, 1), num_filter=3, no_bias=True
    ),
    "deconvolution": lambda x: S.Deconvolution(
        x, kernel=(3, 3), stride=(2, 2), pad=(1, 1), adj=(1, 1), num_filter=6
    ),
    "dense": lambda x: S.FullyConnected(x, num_hidden=3),
    "dense on the last axis": lambda x: S.FullyConnected(x, num_hidden=3, flatten=False),
    "dense without bias": lambda x: S.FullyConnected(x, num_hidden=3, flatten=False, no_bias=True),
    "max pooling": lambda x: S.Pooling(x, kernel=(3, 3), stride=(2, 2), pool_type="max"),
    "max pooling, full": lambda x: S.Pooling(
        x, kernel=(3, 3), stride=(2, 2), pool_type="max", pooling_convention="full"
    ),
    "average with padding": lambda x: S.Pooling(x, kernel=(3, 3), pad=(1, 1), pool_type="avg"),
    "average without padding": lambda x: S.Pooling(
        x, kernel=(3, 3), pad=(1, 1), pool_type="avg", count_include_pad=False
    ),
    "global": lambda x: S.Group(
        [S.Pooling(x, global_pool=True, pool_type=kind, kernel=(1, 1)) for kind in ("avg", "max")]
    ),
    "adaptive": lambda x: S.Group(
        [S.contrib.AdaptiveAvgPooling2D(x, output_size=size) for size in (1, (3, 2))]
    ),
    "adaptive, of parts that overlap": lambda x: S.Group(
        [S.contrib.AdaptiveAvgPooling2D(x, output_size=size) for size in (4, (2, 3), (7, 5))]
    ),
    "norm before": lambda x: S.BatchNorm(x * 2, fix_gamma=True, eps=0.01)[0],
    "layer norm": lambda x: S.LayerNorm(x, eps=1e-3),
    "group norm": lambda x: S.GroupNorm(x, num_groups=2, eps=1e-3),
    "instance norm": lambda x: S.InstanceNorm(x, eps=1e-3),
    "unit length": lambda x: S.Group(
        [S.L2Normalization(x, mode=mode) for mode in ("instance", "channel", "spatial")]
    ),
    "activations": lambda x: S.Group(
        [S.Activation(x, act_type=kind) for kind in ("relu", "sigmoid", "tanh", "softrelu")]
    ),
    "leaky": lambda x: S.Group([S.LeakyReLU(x, act_type=k) for k in ("leaky", "elu", "gelu")]),
    "prelu": lambda x: S.LeakyReLU(x, act_type="prelu"),
    "embedding": lambda x: S.Embedding(S.abs(x), input_dim=4, output_dim=5),
    "sampled": lambda x: S.BilinearSampler(x, S.slice_axis(x, axis=1, begin=0, end=2) * 0.6),
    "nearest": lambda x: S.UpSampling(x, scale=2, sample_type="nearest"),
    "bilinear": lambda x: S.Group(
        [
            S.contrib.BilinearResize2D(x, height=12, width=11, align_corners=corners)
            for corners in (True, False)
        ]
    ),
    "bilinear, by another's size": lambda x: S.Group(
        [
            S.contrib.BilinearResize2D(part, x, mode="like", align_corners=corners)
            for corners in (True, False)
            for part in (
                S.slice_axis(x, axis=3, begin=0, end=2),
                S.Pooling(x, global_pool=True, kernel=(1, 1)),
            )
        ]
    ),
    "bilinear, by a factor": lambda x: S.Group(
        [S.contrib.BilinearResize2D(x, scale_height=f, scale_width=f) for f in (0.5, 2)]
    ),
}


@pytest.mark.parametrize("name", LAYERS)
def test_the_translation_computes_the_same(
    name: str, assert_translated: Callable[[Symbol], None]
) -> None:
    assert_translated(LAYERS[name](mx.sym.var("data")))

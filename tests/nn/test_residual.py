from __future__ import annotations

import warnings
from collections.abc import Callable
from functools import partial

import mxnet as mx
import numpy as np
import pytest
from mxnet.gluon import HybridBlock
from mxnet.gluon.nn import BatchNorm, Conv2D

from toolkit.nn import (
    ConvNormAct,
    Place,
    PreActUnit,
    ResidualUnit,
    SqueezeExcitation,
    basic,
    bottleneck,
    halving_strides,
    pooled_shortcut,
    pre_activation_bottleneck,
    pre_activation_unit,
    projection,
    residual_stages,
    sequence,
    zero_gamma,
)

X = np.random.default_rng(1).normal(size=(2, 4, 6, 6)).astype("float32")


def relu(x: np.ndarray) -> np.ndarray:
    return np.maximum(x, 0)


def test_bottlenecks_stride_and_group_in_the_middle(same_everywhere: Callable) -> None:
    body = bottleneck(4, 6, widths=(8, 12), stride=2, groups=4)
    assert same_everywhere(body, X).shape == (2, 6, 3, 3)
    assert [block.conv.weight.shape for block in body] == [
        (8, 4, 1, 1),
        (12, 2, 3, 3),
        (6, 12, 1, 1),
    ]
    assert [block.act is None for block in body] == [False, False, True]


def test_the_last_normalization_of_a_bottleneck_can_be_another() -> None:
    zeros = partial(BatchNorm, gamma_initializer="zeros")
    body = bottleneck(4, 6, widths=(8, 8), last_norm=zeros)
    body.initialize()
    assert [float(block.norm.gamma.data().max().asscalar()) for block in body] == [1, 1, 0]
    body = pre_activation_bottleneck(4, 6, inner=8, last_norm=zeros)
    body.initialize()
    assert [float(block.norm.gamma.data().max().asscalar()) for block in body[:2]] == [1, 0]


def test_pre_activation_bottlenecks_end_in_a_bare_convolution(same_everywhere: Callable) -> None:
    body = pre_activation_bottleneck(4, 6, inner=8, stride=2)
    assert same_everywhere(body, X).shape == (2, 6, 3, 3)
    assert (body[2].norm, body[2].act, body[2].conv.bias) == (None, None, None)


def test_pooled_shortcuts_see_every_pixel(same_everywhere: Callable) -> None:
    shortcut = pooled_shortcut(4, 6, 2, BatchNorm)
    y = same_everywhere(shortcut, X)
    means = X.reshape(2, 4, 3, 2, 3, 2).mean((3, 5))
    np.testing.assert_allclose(y, shortcut[1](mx.nd.array(means)).asnumpy(), rtol=1e-4, atol=1e-5)


def test_a_residual_unit_activates_the_sum(same_everywhere: Callable) -> None:
    unit = ResidualUnit(ConvNormAct(4, 4, 3, act=None))
    y = same_everywhere(unit, X)
    np.testing.assert_allclose(y, relu(unit.body(mx.nd.array(X)).asnumpy() + X), atol=1e-5)


def test_a_residual_unit_with_all_its_parts(same_everywhere: Callable) -> None:
    unit = ResidualUnit(
        ConvNormAct(4, 6, 3, strides=2, act=None),
        ConvNormAct(4, 6, strides=2, act=None),
        attention=SqueezeExcitation(6, 2),
    )
    y = same_everywhere(unit, X)
    x = mx.nd.array(X)
    expected = relu((unit.attention(unit.body(x)) + unit.shortcut(x)).asnumpy())
    np.testing.assert_allclose(y, expected, atol=1e-5)


@pytest.mark.parametrize("raw_shortcut", [False, True])
def test_a_pre_activation_unit_leaves_the_sum_alone(
    raw_shortcut: bool, same_everywhere: Callable
) -> None:
    unit = PreActUnit(
        BatchNorm(in_channels=4),
        Conv2D(6, 3, 2, 1, in_channels=4),
        Conv2D(6, 1, 2, in_channels=4),
        attention=SqueezeExcitation(6, 2),
        raw_shortcut=raw_shortcut,
    )
    y = same_everywhere(unit, X)
    x = mx.nd.array(X)
    activated = mx.nd.relu(unit.norm(x))
    shortcut = unit.shortcut(x if raw_shortcut else activated)
    expected = (unit.attention(unit.body(activated)) + shortcut).asnumpy()
    np.testing.assert_allclose(y, expected, atol=1e-5)
    assert y.min() < 0


def test_a_pre_activation_unit_without_shortcut_adds_its_input(same_everywhere: Callable) -> None:
    unit = PreActUnit(BatchNorm(in_channels=4), Conv2D(4, 3, 1, 1, in_channels=4))
    y = same_everywhere(unit, X)
    body = unit.body(mx.nd.relu(unit.norm(mx.nd.array(X)))).asnumpy()
    np.testing.assert_allclose(y, body + X, atol=1e-5)


@pytest.mark.parametrize("pre_activation", [False, True])
def test_parameters_come_in_published_order(pre_activation: bool) -> None:
    """Body, attention, shortcut: files without names are matched by position."""
    body, shortcut = Conv2D(6, 3, in_channels=4), Conv2D(6, 1, in_channels=4)
    attention = SqueezeExcitation(6, 2)
    if pre_activation:
        unit = PreActUnit(BatchNorm(in_channels=4), body, shortcut, attention=attention)
    else:
        unit = ResidualUnit(body, shortcut, attention=attention)
    places = [key.split(".")[0] for key in unit._collect_params_with_prefix()]
    order = ["norm"] * pre_activation + ["body", "attention", "shortcut"]
    assert list(dict.fromkeys(places)) == order


def plain(channels: int) -> HybridBlock:
    return Conv2D(channels, 3, 1, 1, use_bias=False, in_channels=4)


@pytest.mark.skipif(not mx.runtime.Features().is_enabled("MKLDNN"), reason="no oneDNN in MXNet")
@pytest.mark.parametrize(
    "net",
    [
        sequence(plain(4), PreActUnit(BatchNorm(in_channels=4), plain(4), raw_shortcut=True)),
        sequence(
            plain(4),
            PreActUnit(BatchNorm(in_channels=4), plain(4), raw_shortcut=True),
            PreActUnit(BatchNorm(in_channels=4), plain(6), plain(6), raw_shortcut=True),
        ),
        sequence(ConvNormAct(4, 4, 3, act=None), ResidualUnit(ConvNormAct(4, 4, 3, act=None))),
        sequence(
            ConvNormAct(4, 4, 3),
            ResidualUnit(
                ConvNormAct(4, 6, 3, act=None),
                ConvNormAct(4, 6, act=None),
                attention=SqueezeExcitation(6, 2),
            ),
        ),
        sequence(
            ConvNormAct(4, 4, 3),
            PreActUnit(
                BatchNorm(in_channels=4), plain(6), plain(6), attention=SqueezeExcitation(6, 2)
            ),
        ),
    ],
    ids=["pre-act", "pre-act raw shortcut", "residual", "residual gated", "pre-act gated"],
)
def test_fusion_by_onednn_keeps_the_result(net: HybridBlock, same_everywhere: Callable) -> None:
    expected = same_everywhere(net, X)
    net.hybridize()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of parameters that the fused graph has taken in
        net.optimize_for(mx.nd.array(X), backend="MKLDNN")
    np.testing.assert_allclose(net(mx.nd.array(X)).asnumpy(), expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(
    ("strides", "made"),
    [
        ((4, 8, 16), [(1, (1, 1)), (1, (1, 1)), (2, (1, 1)), (2, (1, 1)), (1, (1, 1))]),
        ((4, 8, 8), [(1, (1, 1)), (1, (1, 1)), (2, (1, 1)), (1, (1, 2)), (1, (2, 2))]),
        ((4, 4, 4), [(1, (1, 1)), (1, (1, 1)), (1, (1, 2)), (1, (2, 4)), (1, (4, 4))]),
    ],
)
def test_stages_stride_or_dilate(
    strides: tuple[int, ...], made: list[tuple[int, tuple[int, int]]]
) -> None:
    calls: list[tuple[int, tuple[int, int]]] = []

    def unit(place: Place) -> HybridBlock:
        calls.append((place.stride, place.dilations))
        return plain(4)

    stages = residual_stages(unit, (2, 1, 2), strides)
    assert [len(stage) for stage in stages] == [2, 1, 2]
    assert calls == made


def test_a_place_knows_the_channels_around_it() -> None:
    places = [Place(0, 0, 1), Place(0, 1, 1), Place(1, 0, 2), Place(1, 3, 1)]
    widths = [place.widths(3, (8, 16)) for place in places]
    assert widths == [(3, 8), (8, 8), (8, 16), (16, 16)]


def test_a_basic_body_and_a_projection_stride_alike() -> None:
    body, shortcut = basic(4, 6, stride=2, norm=BatchNorm), projection(4, 6, 2, BatchNorm)
    assert [layer.act is None for layer in body] == [False, True]
    assert shortcut.act is None
    for block in (body, shortcut):
        block.initialize()
        assert block(mx.nd.zeros((1, 4, 8, 8))).shape == (1, 6, 4, 4)


def test_basic_bodies_dilate_and_narrow_in_between() -> None:
    zeros = zero_gamma(BatchNorm)
    body = basic(4, 6, inner=2, dilations=(2, 3), norm=BatchNorm, last_norm=zeros)
    body.initialize()
    assert [block.conv.weight.shape for block in body] == [(2, 4, 3, 3), (6, 2, 3, 3)]
    assert [block.conv._kwargs["dilate"] for block in body] == [(2, 2), (3, 3)]
    assert [float(block.norm.gamma.data().max().asscalar()) for block in body] == [1, 0]
    assert zero_gamma(BatchNorm, False) is BatchNorm


@pytest.mark.parametrize(
    ("output_stride", "strides"), [(32, (4, 8, 16, 32)), (16, (4, 8, 16, 16)), (8, (4, 8, 8, 8))]
)
def test_strides_halve_down_to_the_one_asked_for(
    output_stride: int, strides: tuple[int, ...]
) -> None:
    assert halving_strides(output_stride) == strides


def test_other_output_strides_are_refused() -> None:
    with pytest.raises(ValueError, match="output_stride must be 8, 16 or 32, got 4"):
        halving_strides(4)


@pytest.mark.parametrize(("channels", "stride", "there"), [(4, 1, False), (6, 2, True)])
def test_units_have_a_shortcut_where_channels_differ(
    channels: int, stride: int, there: bool, same_everywhere: Callable
) -> None:
    body = partial(pre_activation_bottleneck, inner=2, stride=stride)
    unit = pre_activation_unit(4, channels, body, stride=stride)
    assert same_everywhere(unit, X).shape == (2, channels, 6 // stride, 6 // stride)
    assert (unit.shortcut is not None) == there

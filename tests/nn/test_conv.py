from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import mxnet as mx
import numpy as np
import pytest
from mxnet.gluon import nn
from mxnet.gluon.nn import BatchNorm

from toolkit.nn import Conv2D, ConvNormAct, leaky_relu, relu

X = np.random.default_rng(1).normal(size=(2, 4, 9, 8)).astype("float32")


def test_the_padding_keeps_the_size_at_stride_1(same_everywhere: Callable) -> None:
    for kernel_size in (1, 3, 5, 7):
        assert same_everywhere(ConvNormAct(4, 6, kernel_size), X).shape == (2, 6, 9, 8)


def test_kernels_need_not_be_square(same_everywhere: Callable) -> None:
    block = ConvNormAct(4, 6, (1, 7))
    assert same_everywhere(block, X).shape == (2, 6, 9, 8)
    assert block.conv.weight.shape == (6, 4, 1, 7)


def test_dilation_keeps_the_size_too(same_everywhere: Callable) -> None:
    assert same_everywhere(ConvNormAct(4, 6, 3, dilation=3), X).shape == (2, 6, 9, 8)


def test_options_reach_the_convolution(same_everywhere: Callable) -> None:
    block = ConvNormAct(4, 8, 3, strides=2, groups=4, padding=0)
    assert same_everywhere(block, X).shape == (2, 8, 4, 3)
    assert block.conv.weight.shape == (8, 1, 3, 3)


def test_a_leaky_unit_lets_a_tenth_through(same_everywhere: Callable) -> None:
    expected = np.where(X > 0, X, 0.1 * X)
    np.testing.assert_allclose(same_everywhere(leaky_relu(), X), expected, rtol=1e-5)


def test_normalizes_then_activates(same_everywhere: Callable) -> None:
    block = ConvNormAct(4, 6, 3)
    y = same_everywhere(block, X)
    expected = np.maximum(block.norm(block.conv(mx.nd.array(X))).asnumpy(), 0)
    np.testing.assert_array_equal(y, expected)
    assert (y == 0).any()


def test_without_normalization_there_is_a_bias() -> None:
    assert set(ConvNormAct(4, 6)._collect_params_with_prefix()) == {
        "conv.weight",
        *(f"norm.{name}" for name in ("gamma", "beta", "running_mean", "running_var")),
    }
    plain = ConvNormAct(4, 6, norm=None)
    assert set(plain._collect_params_with_prefix()) == {"conv.weight", "conv.bias"}
    without = ConvNormAct(4, 6, norm=None, use_bias=False)
    assert set(without._collect_params_with_prefix()) == {"conv.weight"}


def test_without_activation_the_result_is_signed(same_everywhere: Callable) -> None:
    assert same_everywhere(ConvNormAct(4, 6, act=None), X).min() < 0


def test_the_norm_is_what_it_is_given() -> None:
    block = ConvNormAct(4, 6, norm=partial(BatchNorm, use_global_stats=True, epsilon=0.5))
    assert block.norm._kwargs["use_global_stats"]
    assert block.norm._kwargs["eps"] == pytest.approx(0.5)


def test_every_shape_is_known_before_the_first_call() -> None:
    params = ConvNormAct(4, 6, 3)._collect_params_with_prefix()
    assert params["conv.weight"].shape == (6, 4, 3, 3)
    assert all(0 not in p.shape for p in params.values())


def test_relu_has_no_negative_result() -> None:
    block = relu()
    np.testing.assert_array_equal(block(mx.nd.array([-2.0, 0.0, 3.0])).asnumpy(), [0, 0, 3])


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"strides": 2, "padding": 1, "use_bias": False},
        {"kernel_size": (3, 1), "strides": (2, 1), "padding": (1, 0), "dilation": 2},
        {"groups": 2, "weight_initializer": "zeros", "bias_initializer": "ones"},
    ],
)
def test_our_convolution_is_gluons(options: dict[str, Any]) -> None:
    options = {"kernel_size": 3, "in_channels": 4, **options}
    with mx.name.Prefix("a_"):
        ours = Conv2D(6, **options)
    with mx.name.Prefix("a_"):
        theirs = nn.Conv2D(6, **options)
    assert repr(ours) == repr(theirs)
    assert ours._kwargs == theirs._kwargs
    for name, param in theirs.collect_params().items():
        found = ours.collect_params()[name]
        assert (found.shape, found.init) == (param.shape, param.init)
        assert found.grad_req == param.grad_req
    assert vars(ours).keys() == vars(theirs).keys()


def test_a_convolution_names_options_that_it_lacks() -> None:
    with pytest.raises(TypeError, match="a convolution has no option stride"):
        Conv2D(6, 3, in_channels=4, stride=2)

from __future__ import annotations

from collections.abc import Callable

import mxnet as mx
import numpy as np
import pytest
from mxnet.gluon.nn import BatchNorm, Conv2D

from toolkit.nn import ConvNormAct, PreActUnit, ResidualUnit, SqueezeExcitation

X = np.random.default_rng(1).normal(size=(2, 4, 6, 6)).astype("float32")


def relu(x: np.ndarray) -> np.ndarray:
    return np.maximum(x, 0)


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

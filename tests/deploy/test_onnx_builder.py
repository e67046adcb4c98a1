from __future__ import annotations

import numpy as np
import pytest

from toolkit.deploy.nodes import Node
from toolkit.deploy.onnx_builder import TRANSLATIONS, Builder, Call, UnsupportedOperatorError

pytest.importorskip("onnx")


def call(one: tuple[int, ...] = (), two: tuple[int, ...] = (), **attrs: str) -> Call:
    builder = Builder({"x": [(1, 6)], "layer": [one]}, {"x": [(2, 6)], "layer": [two]})
    return Call(Node("op", "layer", attrs, [(Node("null", "x"), 0)]), ["x"], builder)


def test_attributes_are_read_as_values() -> None:
    given = call(a="(1, 2)", b="valid", c="None", d="0.5", e="True")
    assert [given.get(key) for key in "abcde"] == [(1, 2), "valid", None, 0.5, True]
    assert given.get("missing", 7) == 7
    assert given.axis(3) == 3


def test_nodes_and_constants_are_collected_under_the_layers_name() -> None:
    given = call()
    half = given.constant(0.5, "half")
    part = given.add("Mul", ["x", half], "part")
    assert given.add("Relu", [part]) == "layer"
    assert [node.name for node in given.builder.nodes] == ["layer.part", "layer"]
    assert given.builder.constants["layer.half"].dtype == np.float32
    assert given.builder.constants[given.integers([1, 2], "axes")].dtype == np.int64


def test_one_axis_of_a_shape_may_grow_with_the_batch() -> None:
    assert call((1, 2, 3), (2, 2, 3)).target_shape() == [-1, 2, 3]
    assert call((3, 2), (3, 4)).target_shape() == [3, -1]
    with pytest.raises(
        UnsupportedOperatorError, match=r"op with a batch on more .* in layer layer"
    ):
        call((1, 1), (2, 2)).target_shape()


def test_every_translation_has_a_name_of_mxnet() -> None:
    assert {"Convolution", "softmax", "_plus_scalar"} <= set(TRANSLATIONS)

from __future__ import annotations

import numpy as np
import pytest

from toolkit.deploy.nodes import Node
from toolkit.deploy.onnx_builder import (
    SIZES,
    TRANSLATIONS,
    Axis,
    Builder,
    Call,
    UnsupportedOperatorError,
)

onnx = pytest.importorskip("onnx")
from onnx.reference import ReferenceEvaluator  # noqa: E402


def call(
    given: tuple[Axis, ...] = ((1, 1, 1, 1),), wanted: tuple[Axis, ...] = (), **attrs: str
) -> Call:
    """A call of "op" on x, of which the axes of input and result are given."""
    probes = [
        {"x": [shape], "layer": [tuple(axis[i] for axis in wanted)]}
        for i, shape in enumerate(zip(*given, strict=True))
    ]
    builder = Builder(probes, (("x", 0), ("x", 1)))
    return Call(Node("op", "layer", attrs, [(Node("null", "x"), 0)]), ["x"], builder)


N, T = (tuple(size[i] for size in SIZES) for i in range(2))


def fixed(length: int) -> Axis:
    return (length,) * len(SIZES)


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


def test_a_shape_names_what_it_copies_and_leaves_one_axis_open() -> None:
    made = call((N, fixed(6)), (N, fixed(2), fixed(3)))
    assert made.builder.constants[made.target_shape()].tolist() == [0, 2, 3]
    flat = tuple(3 * n for n in N)
    made = call((N, fixed(6)), (flat, fixed(2)))
    assert made.builder.constants[made.target_shape()].tolist() == [-1, 2]
    made = call((N, T, fixed(6)), (N, fixed(2), T, fixed(3)))
    assert made.builder.constants[made.target_shape()].tolist() == [0, 2, -1, 3]


@pytest.mark.parametrize("axis", [N, T, tuple(2 * n * t + t + 3 for n, t in SIZES)])
def test_lengths_are_computed_of_those_of_the_inputs(axis: Axis) -> None:
    builder = call((N, T)).builder
    name = builder.shape([axis, fixed(7)], "shape")
    assert builder.shape([axis, fixed(7)], "again") == "again"
    floats = onnx.helper.make_tensor_value_info("x", 1, [None, None])
    made = onnx.helper.make_tensor_value_info(name, 7, [2])
    graph = onnx.helper.make_graph(
        builder.nodes,
        "lengths",
        [floats],
        [made],
        [onnx.numpy_helper.from_array(v, k) for k, v in builder.constants.items()],
    )
    opsets = [onnx.helper.make_opsetid("", 13)]
    model = onnx.helper.make_model(graph, opset_imports=opsets, ir_version=8)
    run = ReferenceEvaluator(model)
    for n, t in ((1, 1), (5, 31)):
        (found,) = run.run(None, {"x": np.zeros((n, t), np.float32)})
        wanted = {N: n, T: t}.get(axis, 2 * n * t + t + 3)
        assert found.tolist() == [wanted, 7]


def test_an_axis_of_any_length_where_one_is_needed_is_refused() -> None:
    given = call((N, fixed(4)))
    assert given.fixed(given.axes_of()[1]) == 4
    with pytest.raises(UnsupportedOperatorError, match=r"op along an axis of any .* layer layer"):
        given.fixed(given.axes_of()[0])


def test_means_have_axes_as_an_attribute_or_since_opset_18_as_an_input() -> None:
    given = call()
    given.reduced("ReduceMean", "x", [1])
    given.builder.opset = 19
    given.reduced("ReduceMean", "x", [1], "later")
    old, new = given.builder.nodes
    assert (len(old.input), len(new.input)) == (1, 2)
    assert [a.name for a in old.attribute] == ["axes", "keepdims"]


def test_every_translation_has_a_name_of_mxnet() -> None:
    assert {"Convolution", "softmax", "_plus_scalar"} <= set(TRANSLATIONS)

from __future__ import annotations

import json
import runpy
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest
from mxnet.gluon import HybridBlock
from mxnet.gluon.nn import Conv2D, Conv2DTranspose, Dense, Dropout, HybridSequential
from mxnet.gluon.rnn import LSTM

from toolkit.model_zoo import get_model
from toolkit.model_zoo.summary import summarize

# A row a convolution or dense layer: times, input channels, output channels, kernel, groups, side
# of the output, numbers stored beside its weight.
Row = tuple[int, int, int, int, int, int, int]


def conv(
    before: int, after: int, kernel: int, side: int, *, groups: int = 1, times: int = 1
) -> Row:
    """A convolution with its normalization: scale, shift, mean and variance."""
    return times, before, after, kernel, groups, side, 4 * after


def biased(before: int, after: int, kernel: int, side: int, *, times: int = 1) -> Row:
    return times, before, after, kernel, 1, side, after


def resnet50() -> Iterable[Row]:
    yield conv(3, 64, 7, 112)
    before = 64
    for stage, depth in enumerate((3, 4, 6, 3)):
        inner, side = 64 << stage, 56 >> stage
        yield conv(before, inner, 1, side if stage == 0 else 2 * side)
        yield conv(4 * inner, inner, 1, side, times=depth - 1)
        yield conv(inner, inner, 3, side, times=depth)
        yield conv(inner, 4 * inner, 1, side, times=depth)
        yield conv(before, 4 * inner, 1, side)
        before = 4 * inner
    yield biased(2048, 1000, 1, 1)


def cifar_resnet20() -> Iterable[Row]:
    yield conv(3, 16, 3, 32)
    yield conv(16, 16, 3, 32, times=6)
    for before, after, side in ((16, 32, 16), (32, 64, 8)):
        yield conv(before, after, 3, side)
        yield conv(after, after, 3, side, times=5)
        yield conv(before, after, 1, side)
    yield biased(64, 10, 1, 1)


def vgg16() -> Iterable[Row]:
    before, side = 3, 224
    for depth, after in ((2, 64), (2, 128), (3, 256), (3, 512), (3, 512)):
        yield biased(before, after, 3, side)
        yield biased(after, after, 3, side, times=depth - 1)
        before, side = after, side // 2
    yield biased(512 * 7 * 7, 4096, 1, 1)
    yield biased(4096, 4096, 1, 1)
    yield biased(4096, 1000, 1, 1)


def squeezenet() -> Iterable[Row]:
    yield biased(3, 96, 7, 109)
    before = 96
    for index, squeezed in enumerate((16, 16, 32, 32, 48, 48, 64, 64)):
        side = 54 if index < 3 else 27 if index < 7 else 13
        yield biased(before, squeezed, 1, side)
        yield biased(squeezed, 4 * squeezed, 1, side)
        yield biased(squeezed, 4 * squeezed, 3, side)
        before = 8 * squeezed
    yield biased(512, 1000, 1, 13)


def mobilenet_v2() -> Iterable[Row]:
    yield conv(3, 32, 3, 112)
    yield conv(32, 32, 3, 112, groups=32)
    yield conv(32, 16, 1, 112)
    before, side = 16, 112
    for channels, times, stride in (
        (24, 2, 2),
        (32, 3, 2),
        (64, 4, 2),
        (96, 3, 1),
        (160, 3, 2),
        (320, 1, 1),
    ):
        for place in range(times):
            inner = 6 * before
            yield conv(before, inner, 1, side)
            side = side // stride if place == 0 else side
            yield conv(inner, inner, 3, side, groups=inner)
            yield conv(inner, channels, 1, side)
            before = channels
    yield conv(320, 1280, 1, 7)
    yield 1, 1280, 1000, 1, 1, 1, 0


@pytest.mark.parametrize(
    ("name", "rows", "side", "published"),
    [
        ("resnet50_v1b", resnet50, 224, 25_557_032),
        ("cifar_resnet20_v1", cifar_resnet20, 32, None),
        ("vgg16", vgg16, 224, 138_357_544),
        ("squeezenet1.0", squeezenet, 224, 1_248_424),
        ("mobilenetv2_1.0", mobilenet_v2, 224, 3_503_872),
    ],
)
def test_models_cost_what_their_papers_tables_say(
    name: str, rows: Callable[[], Iterable[Row]], side: int, published: int | None
) -> None:
    counted = list(rows())
    parameters = sum(n * (i // g * o * k * k + rest) for n, i, o, k, g, _, rest in counted)
    multiply_adds = sum(n * i // g * o * k * k * s * s for n, i, o, k, g, s, _ in counted)
    summary = summarize(name, (1, 3, side, side))
    assert summary.parameters == parameters
    assert summary.multiply_adds == multiply_adds
    assert published in (None, summary.trained)
    twice = summarize(name, (2, 3, side, side))
    assert twice.parameters == parameters
    assert twice.multiply_adds == 2 * multiply_adds
    assert twice.activations == 2 * summary.activations


def small() -> HybridBlock:
    net = HybridSequential()
    net.add(Conv2D(6, 3, 2, 1, groups=2, in_channels=4, activation="relu"))
    net.add(Conv2DTranspose(5, 4, 2, 1, in_channels=6), Dropout(0.5), Dense(7, in_units=320))
    return net


def test_each_operator_is_a_row() -> None:
    summary = summarize(small(), (1, 4, 8, 8))
    rows = [(r.operator, r.output, r.parameters, r.multiply_adds) for r in summary.layers]
    assert rows == [
        ("Convolution", (1, 6, 4, 4), 6 * 2 * 9 + 6, 6 * 4 * 4 * 2 * 9),
        ("Activation", (1, 6, 4, 4), 0, 0),
        ("Deconvolution", (1, 5, 8, 8), 6 * 5 * 16 + 5, 6 * 4 * 4 * 5 * 16),
        ("Dropout", (1, 5, 8, 8), 0, 0),
        ("FullyConnected", (1, 7), 320 * 7 + 7, 320 * 7),
    ]
    assert summary.activations == 4 * (96 + 96 + 320 + 7)
    assert summarize(small(), (1, 4, 8, 8), dtype="float16").activations == 2 * 519


class Twice(HybridBlock):
    """One layer, called on each of two inputs, and the product of what it gives."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = Dense(3, flatten=False, use_bias=False, in_units=4)

    def hybrid_forward(self, F: Any, x: Any, y: Any) -> list[Any]:
        x, y = self.layer(x), self.layer(y)
        return [F.batch_dot(x, y, transpose_b=True), (x,)]


def test_a_layer_called_twice_stores_its_parameters_once() -> None:
    summary = summarize(Twice(), [(2, 5, 4), (2, 6, 4)])
    assert [row.parameters for row in summary.layers] == [12, 0, 0]
    assert [row.multiply_adds for row in summary.layers] == [2 * 5 * 12, 2 * 6 * 12, 2 * 5 * 6 * 3]


def test_recurrent_layers_multiply_by_a_matrix_for_each_gate() -> None:
    net = LSTM(5, num_layers=2, bidirectional=True, input_size=3)
    below_and_beside = (3 + 5) + (10 + 5)  # of the two layers
    summary = summarize(net, (7, 2, 3))
    assert summary.multiply_adds == 7 * 2 * 2 * 4 * 5 * below_and_beside
    assert summary.parameters == 2 * (4 * 5 * below_and_beside + 2 * 2 * 4 * 5)


def test_inputs_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match="does not take inputs"):
        summarize(small(), (1, 3, 8, 8))
    with pytest.raises(ValueError, match="unknown model 'resnet51_v1'"):
        summarize("resnet51_v1", (1, 3, 224, 224))


MAKER = runpy.run_path(str(Path(__file__).parent / "golden" / "pytorch.py"))
PYTORCH = json.loads((Path(__file__).parent / "golden" / "pytorch_costs.json").read_text("utf-8"))
# PyTorch's DenseNet copies the input of each stage, by joining it with nothing.
COPIES = {"torchvision/densenet121": 64 * 56**2 + 128 * 28**2 + 256 * 14**2 + 512 * 7**2}


@pytest.mark.parametrize("name", PYTORCH)
def test_costs_are_those_that_pytorch_counts(name: str) -> None:
    """``golden/pytorch.py`` let PyTorch count the operators of its own networks."""
    ours = MAKER["NETWORKS"][name]
    options = {"head_bias": True} if ours.startswith("mobilenetv2") else {}
    summary = summarize(get_model(ours, **options), (1, 3, 224, 224))
    expected = PYTORCH[name]
    assert summary.trained == expected["parameters"]
    assert summary.multiply_adds == expected["multiply_adds"]
    assert summary.activations == 4 * (expected["activations"] - COPIES.get(name, 0))


def test_pytorch_counted_more_than_a_few() -> None:
    assert len(PYTORCH) >= 5

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import mxnet as mx
import numpy as np
import pytest

from toolkit.deploy.legacy import drop_labels, read_graph
from toolkit.utils.checkpoints import write_params

WEIGHT = np.arange(12, dtype=np.float32).reshape(3, 4) / 10
X = np.arange(8, dtype=np.float32).reshape(2, 4) - 3


def scores() -> mx.sym.Symbol:
    return mx.sym.FullyConnected(mx.sym.var("data"), num_hidden=3, no_bias=True, name="fc")


def softmax(x: np.ndarray) -> np.ndarray:
    return np.exp(x) / np.exp(x).sum(axis=-1, keepdims=True)


@pytest.mark.parametrize(
    ("output", "wanted"),
    [
        (mx.sym.SoftmaxOutput, softmax),
        (lambda s, **k: mx.sym.SoftmaxOutput(s, multi_output=True, **k), softmax),
        (lambda s, **k: mx.sym.SoftmaxOutput(s, preserve_shape=True, **k), softmax),
        (mx.sym.LogisticRegressionOutput, lambda x: 1 / (1 + np.exp(-x))),
        (mx.sym.LinearRegressionOutput, lambda x: x),
        (mx.sym.MAERegressionOutput, lambda x: x),
        (mx.sym.SVMOutput, lambda x: x),
    ],
)
def test_labels_are_dropped(
    output: Callable[..., mx.sym.Symbol], wanted: Callable[[np.ndarray], np.ndarray]
) -> None:
    symbol = drop_labels(output(scores(), name="out"), {"fc_weight": WEIGHT})
    assert symbol.list_inputs() == ["data", "fc_weight"]
    found = symbol.bind(mx.cpu(), {"data": mx.nd.array(X), "fc_weight": mx.nd.array(WEIGHT)})
    np.testing.assert_allclose(found.forward()[0].asnumpy(), wanted(X @ WEIGHT.T), 1e-5, 1e-6)


def test_a_graph_without_labels_stays_as_it_is() -> None:
    symbol = scores()
    assert drop_labels(symbol, {}) is symbol


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    scores().save(str(tmp_path / "net-symbol.json"))
    write_params(tmp_path / "net-0000.params", {"arg:fc_weight": WEIGHT, "arg:unused": X})
    return tmp_path / "net-symbol.json", tmp_path / "net-0000.params"


def test_inputs_are_the_variables_without_a_value(files: tuple[Path, Path]) -> None:
    _, arrays, (inputs, outputs) = read_graph(*files)
    assert list(arrays) == ["fc_weight"]
    assert [(spec.name, spec.shape, spec.dtype) for spec in inputs] == [("data", None, "float32")]
    assert [spec.name for spec in outputs] == ["fc_output"]


def test_the_type_of_an_input_is_read(tmp_path: Path, files: tuple[Path, Path]) -> None:
    ids = mx.sym.var("ids", dtype="int32")
    mx.sym.take(mx.sym.var("fc_weight"), ids).save(str(tmp_path / "take-symbol.json"))
    assert read_graph(tmp_path / "take-symbol.json", files[1])[2][0][0].dtype == "int32"


def test_a_parameter_without_a_value_is_named(tmp_path: Path, files: tuple[Path, Path]) -> None:
    write_params(files[1], {"arg:other_weight": WEIGHT})
    with pytest.raises(ValueError, match=r"net-0000\.params has no value for fc_weight of"):
        read_graph(*files)
    with pytest.raises(ValueError, match="has no value for fc_weight"):
        read_graph(*files, inputs=["data"])


def test_a_graph_without_inputs_is_refused(files: tuple[Path, Path]) -> None:
    write_params(files[1], {"fc_weight": WEIGHT, "data": X})
    with pytest.raises(ValueError, match="has no input"):
        read_graph(*files)


def test_what_is_no_graph_is_refused(files: tuple[Path, Path]) -> None:
    files[0].write_text('{"layers": 3}')
    with pytest.raises(ValueError, match=r"net-symbol\.json is no graph"):
        read_graph(*files)

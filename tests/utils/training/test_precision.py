from __future__ import annotations

import json
import logging
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import mxnet as mx
import numpy as np
import pytest
from mxnet import autograd
from mxnet.gluon import HybridBlock, nn

from toolkit.model_zoo import get_model
from toolkit.utils.training import Checkpoints, Optimization, Setup, seed_everything
from toolkit.utils.training.precision import computes_in, reduced, with_casts

CPU = (mx.cpu(),)
ROUNDING = {"bfloat16": 2.0**-8, "float16": 2.0**-11}


class Encoder(HybridBlock):
    """A transformer's layer behind an embedding: tokens ``(N, T)`` to ``(N, T, U)``."""

    def __init__(self, units: int = 16) -> None:
        super().__init__()
        self.embedding = nn.Embedding(20, units)
        self.qkv = nn.Dense(3 * units, flatten=False, in_units=units)
        self.proj = nn.Dense(units, flatten=False, in_units=units)
        self.norms = nn.HybridSequential()
        self.norms.add(nn.LayerNorm(in_channels=units), nn.LayerNorm(in_channels=units))
        self.inner = nn.Dense(4 * units, flatten=False, in_units=units)
        self.outer = nn.Dense(units, flatten=False, in_units=4 * units)
        self.dropout = nn.Dropout(0.1)

    def hybrid_forward(self, F: Any, tokens: Any) -> Any:
        x = self.embedding(tokens)
        query, key, value = F.split(self.qkv(x), 3, axis=2)
        scores = F.batch_dot(query, key, transpose_b=True) / 4
        attended = F.batch_dot(F.softmax(scores), value)
        x = self.norms[0](x + self.dropout(self.proj(attended)))
        inner = F.LeakyReLU(self.inner(x), act_type="gelu")
        return self.norms[1](x + self.outer(inner))


def resnet() -> tuple[HybridBlock, mx.nd.NDArray]:
    rng = np.random.default_rng(0)
    return get_model("cifar_resnet20_v1"), mx.nd.array(rng.normal(size=(4, 3, 16, 16)))


def encoder() -> tuple[HybridBlock, mx.nd.NDArray]:
    tokens = np.random.default_rng(0).integers(0, 20, (2, 6))
    return Encoder(), mx.nd.array(tokens, dtype="int32")


def gradients(net: Any, inputs: mx.nd.NDArray) -> tuple[np.ndarray, np.ndarray]:
    """Outputs, and the gradients of all parameters in one vector."""
    with autograd.record(train_mode=False):
        outputs = net(inputs)
        loss = (outputs * 8 + 1).square().mean()
    loss.backward()
    params = net._collect_params_with_prefix().values()
    grads = [param.grad().asnumpy().ravel() for param in params if param.grad_req != "null"]
    return outputs.asnumpy(), np.concatenate(grads)


def operators(symbol: mx.sym.Symbol) -> dict[str, list[str]]:
    """The types that the inputs of each operator's nodes were cast to."""
    nodes = json.loads(symbol.tojson(remove_amp_cast=False))["nodes"]
    found: dict[str, list[str]] = {}
    for node in nodes:
        casts = [
            nodes[entry[0]]["attrs"]["dtype"]
            for entry in node["inputs"]
            if nodes[entry[0]]["op"] == "amp_cast"
        ]
        found.setdefault(node["op"], []).extend(casts)
    return found


@pytest.mark.parametrize("precision", ["bfloat16", "float16"])
@pytest.mark.parametrize("make", [resnet, encoder])
def test_networks_compute_nearly_the_same_in_low_precision(
    make: Callable[[], Any], precision: str
) -> None:
    net, inputs = make()
    seed_everything(0)
    net.initialize(mx.init.Xavier())
    net.hybridize()
    outputs, grads = gradients(net, inputs)
    with reduced(net, precision, CPU):
        low_outputs, low_grads = gradients(net, inputs)
    assert low_outputs.dtype == np.float32
    spread = outputs.std()
    assert 0 < np.abs(low_outputs - outputs).max() / spread < 20 * ROUNDING[precision]
    cosine = grads @ low_grads / np.linalg.norm(grads) / np.linalg.norm(low_grads)
    assert cosine > 1 - 20 * ROUNDING[precision]
    again, _ = gradients(net, inputs)
    np.testing.assert_array_equal(again, outputs)


def test_only_what_pays_is_computed_in_low_precision() -> None:
    net, _ = encoder()
    data = mx.sym.Variable("data")
    casts = operators(with_casts(net(data), "float16"))
    assert set(casts["FullyConnected"]) == {"float16"}
    for name in ("batch_dot", "softmax", "LayerNorm", "LeakyReLU"):
        assert set(casts[name]) <= {"float32"}, name
    assert not casts["Embedding"]


def test_values_stay_in_low_precision_from_one_convolution_to_the_next() -> None:
    net, _ = resnet()
    symbol = with_casts(net(mx.sym.Variable("data")), "bfloat16")
    nodes = json.loads(symbol.tojson(remove_amp_cast=False))["nodes"]
    counts = Counter(node["op"] for node in nodes)
    casts = operators(symbol)
    assert not casts["BatchNorm"]
    assert not casts["Activation"]
    weights = counts["Convolution"] + 2 * counts["FullyConnected"]
    assert len(casts["Convolution"] + casts["FullyConnected"]) == weights + 2  # and two inputs
    assert counts["amp_cast"] == weights + 2 + 2  # to float32 before pooling, and at the end


def test_a_weight_is_cast_once() -> None:
    data, weight = mx.sym.Variable("data"), mx.sym.Variable("weight")
    once = mx.sym.FullyConnected(data, weight, num_hidden=4, no_bias=True)
    symbol = with_casts(mx.sym.FullyConnected(once, weight, num_hidden=4, no_bias=True), "float16")
    names = [node["name"] for node in json.loads(symbol.tojson(remove_amp_cast=False))["nodes"]]
    assert len(names) == len(set(names))
    assert sum(name.startswith("weight_") for name in names) == 1


@pytest.mark.parametrize("emulated", [False, True])
def test_neutral_operators_widen_where_one_input_is_float32(emulated: bool) -> None:
    data, weight = mx.sym.Variable("data"), mx.sym.Variable("weight")
    low = mx.sym.FullyConnected(data, weight, num_hidden=4, no_bias=True)
    both = mx.sym.elemwise_add(low, low)
    mixed = mx.sym.elemwise_add(low, data)
    symbol = with_casts(mx.sym.Group([both, mixed]), "float16", native=not emulated)
    nodes = json.loads(symbol.tojson(remove_amp_cast=False))["nodes"]
    adding = [
        {nodes[entry[0]]["op"] for entry in node["inputs"]}
        for node in nodes
        if node["op"] == "elemwise_add"
    ]
    assert adding == (
        [{"amp_cast"}, {"amp_cast", "null"}]
        if emulated
        else [{"FullyConnected"}, {"amp_cast", "null"}]
    )


def test_a_run_in_low_precision_learns_and_resumes(
    kit: Any, tmp_path: Path, same_parameters: Callable
) -> None:
    optimization = Optimization("adamw", 0.02, precision="float16")
    straight, resumed = kit.make_net(), kit.make_net()
    run = kit.train(straight, optimization=optimization, epochs=12)
    assert run.values["epoch_loss"] < 0.6
    setup = Setup(folder=tmp_path, checkpoints=Checkpoints())
    kit.train(kit.make_net(), optimization=optimization, epochs=6, setup=setup)
    kit.train(resumed, optimization=optimization, epochs=12, setup=setup)
    same_parameters(straight, resumed)


def test_a_device_without_it_is_named(kit: Any, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING), reduced(kit.make_net(), "float16", CPU):
        assert "cpu(0) has no float16" in caplog.text
    assert computes_in("float16", mx.gpu(0))
    assert not computes_in("float16", mx.cpu(0))


@pytest.mark.parametrize(
    ("flags", "native"),
    [({"avx2"}, False), ({"avx2", "avx512f", "avx512bw", "avx512dq", "avx512vl"}, True)],
)
def test_bfloat16_needs_avx512(
    flags: set[str], native: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    info = ("vendor", frozenset(flags))
    monkeypatch.setattr("toolkit.utils.training.precision.cpu_info", lambda: info)
    assert computes_in("bfloat16", mx.cpu()) is native


def test_a_network_without_a_graph_is_refused() -> None:
    net = nn.Dense(3, in_units=4)
    with (
        pytest.raises(ValueError, match=r"bfloat16 needs a graph: call net.hybridize"),
        reduced(net, "bfloat16", CPU),
    ):
        pass

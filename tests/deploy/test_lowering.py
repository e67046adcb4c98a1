from __future__ import annotations

import mxnet as mx
import numpy as np
import pytest
from mxnet.gluon import HybridBlock

from toolkit.deploy import lowering
from toolkit.deploy.description import describe
from toolkit.deploy.lowering import BF16_FLAGS, lower, to_bfloat16
from toolkit.deploy.mxnet_runner import open_graph
from toolkit.deploy.nodes import VARIABLE, Nodes
from toolkit.model_zoo import get_model
from toolkit.utils.cpu import cpu_info

LACKING = not cpu_info()[1] >= BF16_FLAGS


def test_layers_hold_bfloat16_and_inputs_and_outputs_stay(classifier: HybridBlock) -> None:
    graph, _ = describe(classifier)
    low = to_bfloat16(graph)
    nodes = Nodes.of(low.symbol)
    assert not [node for node in nodes if node.op == "BatchNorm"]
    weights = [node.inputs[1][0].name for node in nodes if node.op == "Convolution"]
    assert len(weights) == 21
    assert {str(low.arrays[name].dtype) for name in weights} == {"[('bfloat16', '<u2')]"}
    assert {node.name for node in nodes if node.op == VARIABLE} == {"data", *low.arrays}
    assert graph.arrays["head.output.weight"].dtype == np.float32


def test_weights_are_rounded_to_the_nearest(classifier: HybridBlock) -> None:
    graph, _ = describe(classifier)
    low = to_bfloat16(graph)
    wanted = graph.arrays["head.output.weight"].asnumpy()
    found = mx.nd.amp_cast(low.arrays["head.output.weight"], dtype="float32").asnumpy()
    assert (found != wanted).any()
    np.testing.assert_allclose(found, wanted, rtol=2**-8)


@pytest.mark.skipif(LACKING, reason="this CPU has no AVX-512, which MXNet's bfloat16 needs")
def test_answers_are_those_of_float_to_three_digits(classifier: HybridBlock) -> None:
    graph, manifest = describe(classifier)
    data = np.random.default_rng(0).normal(size=(4, 3, 32, 32)).astype(np.float32)
    (wanted,) = open_graph(graph, manifest)(data)
    (found,) = open_graph(*lower(graph, manifest, "bf16"))(data)
    np.testing.assert_allclose(found, wanted, atol=0.03 * np.abs(wanted).max())


@pytest.mark.skipif(LACKING, reason="this CPU has no AVX-512, which MXNet's bfloat16 needs")
def test_clipped_activations_are_fused_for_any_order_of_batch_sizes() -> None:
    """By itself a clip of bfloat16 takes longer than the convolution before it."""
    net = get_model("mobilenetv2_0.25")
    mx.random.seed(0)
    net.initialize(mx.init.Xavier(magnitude=2))
    net(mx.nd.zeros((1, 3, 64, 64)))
    graph, manifest = describe(net)
    runner = open_graph(*lower(graph, manifest, "bf16"))
    for batch in (1, 4, 1, 3):
        data = np.random.default_rng(batch).normal(size=(batch, 3, 64, 64)).astype(np.float32)
        (wanted,) = open_graph(graph, manifest)(data)
        (found,) = runner(data)
        np.testing.assert_allclose(found, wanted, atol=0.03 * np.abs(wanted).max())
    operators = {node.op for node in Nodes.of(runner._fast._cached_graph[1])}
    assert "_sg_mkldnn_conv" in operators
    assert "clip" not in operators


def test_a_cpu_that_lacks_what_it_takes_is_told(
    classifier: HybridBlock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lowering, "cpu_info", lambda: ("", frozenset({"avx2", "avx512bw"})))
    with pytest.raises(ValueError, match=r"AVX-512.*avx512dq, avx512vl"):
        lower(*describe(classifier), "bf16")


def test_int8_is_not_made_without_data(classifier: HybridBlock) -> None:
    with pytest.raises(ValueError, match=r"is fp32, not int8.*quantize"):
        lower(*describe(classifier), "int8")

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import mxnet as mx
import numpy as np
import pytest

from toolkit import deploy
from toolkit.model_zoo import get_model, model_info
from toolkit.model_zoo.registry import BACKBONES
from toolkit.model_zoo.text.gnmt import GNMTConfig
from toolkit.utils.testing import assert_is_text_encoder

NAME = "gnmt_en_vi_512"
SMALL = {"units": 8, "vocab_size": 40, "target_vocab_size": 30}
CASES = [{}, {"layers": 3, "residual": True}, {"layers": 3, "both_ways": 2}, {"both_ways": 0}]
WORDS = np.random.default_rng(1).integers(0, 30, (2, 7))


def build(**options: Any) -> mx.gluon.HybridBlock:
    mx.random.seed(0)
    np.random.seed(0)
    net = get_model(NAME, **SMALL, **options)
    net.initialize(mx.init.Normal(0.5))
    return net


def texts() -> list[mx.nd.NDArray]:
    tokens = np.random.default_rng(0).integers(0, 40, (2, 9))
    return [mx.nd.array(tokens, dtype="int32"), mx.nd.array([9, 4], dtype="int32")]


def test_it_is_a_text_encoder() -> None:
    options = {**SMALL, "layers": 3, "residual": True}
    assert_is_text_encoder(partial(BACKBONES.create, NAME, **options))


def test_it_is_published_without_weights() -> None:
    info = model_info(NAME)
    assert (info.task, info.weights) == ("translator", ())


@pytest.mark.parametrize("options", CASES)
@pytest.mark.parametrize("cuts", [[1] * 7, [3, 2, 1, 1]])
def test_writing_step_by_step_gives_the_same(options: dict[str, Any], cuts: list[int]) -> None:
    net, data = build(**options), texts()
    whole = net(*data, mx.nd.array(WORDS)).asnumpy()
    assert whole.shape == (2, 7, 30)
    assert np.abs(whole[:, 1:] - whole[:, :-1]).max() > 0.01
    writer, states, place = net.writer(*data), None, 0
    for count in cuts:
        found, states = writer.step(mx.nd.array(WORDS[:, place : place + count]), states)
        place += count
        np.testing.assert_allclose(found.asnumpy(), whole[:, place - 1], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("options", CASES)
def test_hybridized_it_is_the_same(options: dict[str, Any]) -> None:
    net, data = build(**options), texts()
    eager = net(*data, mx.nd.array(WORDS)).asnumpy()
    beam = net.translate(*data, width=3, max_tokens=9)
    net.hybridize()
    found = net(*data, mx.nd.array(WORDS)).asnumpy()
    np.testing.assert_allclose(found, eager, rtol=1e-4, atol=1e-5)
    assert net.translate(*data, width=3, max_tokens=9) == beam


def test_what_lies_beyond_a_text_changes_nothing() -> None:
    net, data = build(layers=3), texts()
    scores = net(*data, mx.nd.array(WORDS)).asnumpy()
    junk = data[0].asnumpy()
    junk[1, 4:] = (junk[1, 4:] + 1) % 40
    again = net(mx.nd.array(junk), data[1], mx.nd.array(WORDS)).asnumpy()
    np.testing.assert_array_equal(again, scores)
    alone = net(data[0][1:, :4], data[1][1:], mx.nd.array(WORDS[1:])).asnumpy()
    np.testing.assert_allclose(alone[0], scores[1], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("backend", ["mxnet", "onnxruntime"])
def test_it_runs_without_its_code(backend: str, tmp_path: Path) -> None:
    net, inputs = build(layers=3, residual=True), (*texts(), mx.nd.array(WORDS))
    deploy.export(net, tmp_path / "net", inputs)
    if backend == "onnxruntime":
        pytest.importorskip("onnx")
        pytest.importorskip("onnxruntime")
        deploy.export_onnx(tmp_path / "net", tmp_path / "net")
    runner = deploy.load(tmp_path / "net", backend=backend)
    (found,) = runner(*(array.asnumpy() for array in inputs))
    np.testing.assert_allclose(found, net(*inputs).asnumpy(), rtol=1e-4, atol=1e-5)
    shorter = [inputs[0][:, :4], inputs[1].clip(0, 4), inputs[2]]
    (found,) = runner(*(array.asnumpy() for array in shorter))
    np.testing.assert_allclose(found, net(*shorter).asnumpy(), rtol=1e-4, atol=1e-5)


def test_gradients_reach_every_parameter() -> None:
    for options in ({"layers": 3, "residual": True}, {"both_ways": 0}):
        net, data = build(**options), texts()
        with mx.autograd.record():
            net(*data, mx.nd.array(WORDS)).square().sum().backward()
        params = net.collect_params().items()
        assert [key for key, p in params if not p.grad().asnumpy().any()] == []


def test_one_table_serves_both_languages() -> None:
    net = get_model(NAME, units=8, vocab_size=40, target_vocab_size=None)
    assert net.decoder.tokens.weight is net.encoder.tokens.weight


def test_the_highest_layer_reads_one_way() -> None:
    with pytest.raises(ValueError, match="some of 2 layers must read one way, 2 read both"):
        GNMTConfig(both_ways=2)

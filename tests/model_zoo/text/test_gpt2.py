from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import mxnet as mx
import numpy as np
import pytest

from toolkit.model_zoo import get_arrays, get_model, model_info, save_huggingface
from toolkit.model_zoo.registry import BACKBONES
from toolkit.model_zoo.text.gpt2 import VARIANTS
from toolkit.utils.checkpoints import read_arrays, write_params
from toolkit.utils.testing import assert_is_text_encoder

SMALL = {"layers": 2, "units": 16, "heads": 2}
TEXTS = np.random.default_rng(0).integers(0, 60, (2, 7))


@pytest.fixture
def net() -> mx.gluon.HybridBlock:
    mx.random.seed(0)
    net = get_model("gpt2_117m", vocab_size=60, max_length=12, **SMALL)
    net.initialize(mx.init.Normal(0.3))
    return net


def read(net: mx.gluon.HybridBlock, texts: np.ndarray) -> np.ndarray:
    tokens = mx.nd.array(texts, dtype="int32")
    lengths = mx.nd.array([texts.shape[1]] * len(texts), dtype="int32")
    scores: np.ndarray = net(tokens, mx.nd.zeros_like(tokens), lengths).asnumpy()
    return scores


def test_it_is_a_text_encoder() -> None:
    build = partial(BACKBONES.create, "gpt2_117m", vocab_size=60, max_length=12, **SMALL)
    assert_is_text_encoder(build)


@pytest.mark.parametrize(("name", "millions"), [("gpt2_117m", 124.4), ("gpt2_345m", 354.8)])
def test_sizes_are_the_published_ones(name: str, millions: float) -> None:
    net = BACKBONES.create(name)
    count = sum(np.prod(param.shape) for param in net.collect_params().values())
    assert count / 1e6 == pytest.approx(millions, abs=0.05)


def test_every_variant_is_published() -> None:
    assert {model_info(name).task for name in VARIANTS} == {"causal_language_model"}
    assert model_info("gpt2_345m").entry("openai_webtext").tag == "29173e25"


def test_no_token_sees_a_later_one(net: mx.gluon.HybridBlock) -> None:
    scores = read(net, TEXTS)
    other = TEXTS.copy()
    other[:, 4:] = (other[:, 4:] + 1) % 60
    changed = (read(net, other) != scores).any(axis=(0, 2))
    assert list(changed) == [False] * 4 + [True] * 3


def test_a_text_is_classified_by_its_last_token() -> None:
    """The only one that sees the whole text."""
    sizes = {**SMALL, "vocab_size": 60, "max_length": 12}
    net = get_model("gpt2_117m", task="text_classifier", classes=3, **sizes)
    net.initialize(mx.init.Normal(0.3))
    other = TEXTS.copy()
    other[:, 5] = (other[:, 5] + 1) % 60
    tokens = [mx.nd.array(texts, dtype="int32") for texts in (TEXTS, other)]
    lengths = mx.nd.array([7, 5], dtype="int32")
    first, second = (net(one, mx.nd.zeros_like(one), lengths).asnumpy() for one in tokens)
    assert list((first != second).any(axis=1)) == [True, False]


@pytest.mark.parametrize("cuts", [[7], [1] * 7, [3, 2, 1, 1]])
def test_reading_step_by_step_gives_the_same(net: mx.gluon.HybridBlock, cuts: list[int]) -> None:
    scores = read(net, TEXTS)
    states, place = None, 0
    for count in cuts:
        part = mx.nd.array(TEXTS[:, place : place + count], dtype="int32")
        found, states = net.step(part, states)
        place += count
        np.testing.assert_allclose(found.asnumpy(), scores[:, place - 1], rtol=1e-4, atol=1e-5)
    assert states is not None
    assert len(states) == 2
    assert states[0][0].shape == (2, 2, 7, 8)


def test_steps_see_weights_that_change(net: mx.gluon.HybridBlock) -> None:
    _, states = net.step(mx.nd.array(TEXTS[:, :2], dtype="int32"))
    token = mx.nd.array(TEXTS[:, 2:3], dtype="int32")
    before, gamma = net.step(token, states)[0].asnumpy(), net.encoder.norm.gamma
    old = gamma.data().copy()
    gamma.set_data(old * 2)
    after = net.step(token, states)[0].asnumpy()
    gamma.set_data(old)
    np.testing.assert_allclose(after, 2 * before, rtol=1e-4, atol=1e-5)


def test_more_tokens_than_positions_are_refused(net: mx.gluon.HybridBlock) -> None:
    _, states = net.step(mx.nd.zeros((1, 12)))
    with pytest.raises(ValueError, match="13 tokens; this model reads 12"):
        net.step(mx.nd.zeros((1, 1)), states)


def test_scores_are_those_of_transformers(golden: Any, tmp_path: Path) -> None:
    case = "GPT2LMHeadModel"
    net = get_model("gpt2_117m", golden.write(case, tmp_path / "theirs"), **SMALL)
    data = [mx.nd.array(value, dtype="int32") for value in golden.rule.inputs().values()]
    scores, expected = net(*data).asnumpy(), golden.outputs(case)["logits"]
    for row, length in enumerate(golden.rule.inputs()["valid_length"]):
        np.testing.assert_allclose(
            scores[row, :length], expected[row, :length], rtol=0, atol=1e-5 * np.abs(expected).max()
        )
    save_huggingface(net, tmp_path / "ours")
    ours = read_arrays(tmp_path / "ours" / "model.safetensors")
    weights = golden.weights(case)
    assert ours.keys() == weights.keys()
    for key, value in weights.items():
        np.testing.assert_array_equal(ours[key], value)


def test_gluonnlps_names_are_read(net: mx.gluon.HybridBlock, tmp_path: Path) -> None:
    """Their query, key and value are one matrix, their table of words is there twice."""
    table = next(t for t in net.info.renames if t.name == "gluonnlp")
    theirs = {str(table.to_foreign(key)): value for key, value in get_arrays(net).items()}
    theirs = net.info.layout.pack(theirs)
    theirs["_logits_proj.weight"] = theirs["_embed.weight"]
    assert theirs["_self_attention_layers.1._multi_head_qkv_proj.weight"].shape == (48, 16)
    assert not any("qkv_proj.key" in key for key in theirs)
    write_params(tmp_path / "theirs.params", theirs)
    again = get_model(
        "gpt2_117m", tmp_path / "theirs.params", vocab_size=60, max_length=12, **SMALL
    )
    np.testing.assert_array_equal(read(again, TEXTS), read(net, TEXTS))

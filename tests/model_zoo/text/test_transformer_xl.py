from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import Any

import mxnet as mx
import numpy as np
import pytest

from toolkit.model_zoo import generate, get_arrays, get_model, model_info
from toolkit.model_zoo.beam_search import beam_search
from toolkit.model_zoo.registry import BACKBONES
from toolkit.model_zoo.text.transformer_xl import VARIANTS
from toolkit.utils.checkpoints import write_safetensors
from toolkit.utils.testing import assert_is_text_encoder

NAME = "transformerxl"
SMALL: dict[str, Any] = {
    "layers": 2,
    "units": 16,
    "heads": 2,
    "hidden_units": 24,
    "vocab_size": 60,
    "cutoffs": (20, 40),
    "embedding_units": 16,
}
TEXTS = np.random.default_rng(0).integers(0, 60, (2, 7))


def build(**options: Any) -> mx.gluon.HybridBlock:
    mx.random.seed(0)
    net = get_model(NAME, **{**SMALL, **options})
    net.initialize(mx.init.Normal(0.3))
    for key, param in net._collect_params_with_prefix().items():  # these begin as zeros and ones
        if key.endswith(("bias", "gamma", "beta")) or "decoder.bias" in key:
            param.set_data(param.data() + mx.nd.random.normal(0, 0.3, param.shape))
    return net


def read(net: mx.gluon.HybridBlock, texts: np.ndarray) -> np.ndarray:
    tokens = mx.nd.array(texts, dtype="int32")
    lengths = mx.nd.array([texts.shape[1]] * len(texts), dtype="int32")
    scores: np.ndarray = net(tokens, mx.nd.zeros_like(tokens), lengths).asnumpy()
    return scores


def in_parts(net: mx.gluon.HybridBlock, texts: np.ndarray, cuts: list[int]) -> np.ndarray:
    states, place, found = None, 0, []
    for count in cuts:
        part = mx.nd.array(texts[:, place : place + count], dtype="int32")
        scores, states = net.read(part, states)
        found.append(scores.asnumpy())
        place += count
    return np.concatenate(found, axis=1)


@pytest.mark.parametrize("options", [{}, {"window": False}, {"longest": 3}, {"memory": 2}])
def test_it_is_a_text_encoder(options: dict[str, int]) -> None:
    assert_is_text_encoder(partial(BACKBONES.create, NAME, **{**SMALL, **options}))


def test_one_table_without_projections_serves_characters() -> None:
    sizes = {**SMALL, "cutoffs": (), "vocab_size": 30}
    assert_is_text_encoder(partial(BACKBONES.create, "transformerxl_text8", **sizes))
    net = get_model("transformerxl_text8", **sizes)
    names = {key for key in net._collect_params_with_prefix() if "layers" not in key}
    assert names == {"encoder.tokens.table0", "decoder.table0", "decoder.bias0"}


@pytest.mark.parametrize(
    ("name", "millions"), [(NAME, 285), ("transformerxl_enwik8", 277), ("transformerxl_text8", 277)]
)
def test_sizes_are_the_published_ones(name: str, millions: float) -> None:
    net = get_model(name)
    params = {id(param): param for param in net._collect_params_with_prefix().values()}
    count = sum(np.prod(param.shape) for param in params.values())
    assert count / 1e6 == pytest.approx(millions, abs=1)


def test_every_variant_is_a_model() -> None:
    assert {model_info(name).task for name in VARIANTS} == {"causal_language_model"}


@pytest.mark.parametrize("cuts", [[7], [1] * 7, [4, 3], [3, 2, 1, 1]])
def test_parts_with_memory_are_one_long_text(cuts: list[int]) -> None:
    net = build(memory=7)
    np.testing.assert_allclose(in_parts(net, TEXTS, cuts), read(net, TEXTS), rtol=1e-4, atol=1e-5)


def test_a_short_memory_forgets() -> None:
    """Of two layers, each looks at the last three tokens, itself included: five in all."""
    net = build(memory=3)
    whole = read(net, TEXTS)
    other = TEXTS.copy()
    other[:, 0] = (other[:, 0] + 1) % 60
    changed = (read(net, other) != whole).any(axis=(0, 2))
    assert list(changed) == [True] * 5 + [False] * 2
    np.testing.assert_allclose(in_parts(net, TEXTS, [3, 4]), whole, rtol=1e-4, atol=1e-5)
    _, states = net.read(mx.nd.array(TEXTS, dtype="int32"))
    assert [kept.shape for (kept,) in states] == [(2, 3, 16)] * 2


def test_without_memory_a_part_stands_alone() -> None:
    net = build()
    alone = read(net, TEXTS[:, 4:])
    assert np.abs(alone - in_parts(net, TEXTS, [4, 3])[:, 4:]).max() > 1e-2
    np.testing.assert_allclose(in_parts(net, TEXTS[:, 4:], [3]), alone, rtol=1e-4, atol=1e-5)


def test_scores_are_logarithms_of_probabilities() -> None:
    scores = read(build(), TEXTS)
    np.testing.assert_allclose(np.exp(scores).sum(-1), 1, rtol=1e-5)


def test_it_writes_texts_by_chance_and_by_beam() -> None:
    net = build()
    net.hybridize()
    kept, anew = (generate(net, TEXTS, max_tokens=5, cached=cached) for cached in (True, False))
    np.testing.assert_array_equal(kept, anew)
    assert len(beam_search(net, TEXTS[0], end=59, width=3, max_tokens=4)) == 3


def test_training_reaches_every_weight() -> None:
    net = build()
    with mx.autograd.record():
        scores, states = net.read(mx.nd.array(TEXTS, dtype="int32"))
        scores.mean().backward()
    idle = [k for k, p in net.collect_params().items() if not p.grad().asnumpy().any()]
    assert idle == []
    assert all(kept.shape == (2, 7, 16) for (kept,) in states)


def softmax(scores: np.ndarray) -> np.ndarray:
    shifted = np.exp(scores - scores.max(-1, keepdims=True))
    result: np.ndarray = shifted / shifted.sum(-1, keepdims=True)
    return result


def norm(x: np.ndarray, arrays: dict[str, np.ndarray], name: str) -> np.ndarray:
    x = (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + 1e-5)
    return x * arrays[f"{name}.gamma"] + arrays[f"{name}.beta"]


def attend(x: np.ndarray, weights: dict[str, np.ndarray], heads: int) -> np.ndarray:
    """The paper's formula, pair by pair, of one text ``(T, units)``."""
    units = x.shape[1]
    each = units // heads
    query, key, value = (
        (x @ weights[f"{part}.weight"].T).reshape(-1, heads, each)
        for part in ("query", "key", "value")
    )
    rates = 10000.0 ** (-np.arange(0, units, 2) / units)
    mixed = np.zeros_like(query)
    for i in range(len(x)):
        scores = np.zeros((heads, i + 1))
        for j in range(i + 1):
            place = np.concatenate([np.sin((i - j) * rates), np.cos((i - j) * rates)])
            place = (weights["position.weight"] @ place).reshape(heads, each)
            near = ((query[i] + weights["content_bias"]) * key[j]).sum(-1)
            scores[:, j] = near + ((query[i] + weights["position_bias"]) * place).sum(-1)
        mixed[i] = np.einsum("hj,jhe->he", softmax(scores / np.sqrt(each)), value[: i + 1])
    result: np.ndarray = mixed.reshape(len(x), units) @ weights["output.weight"].T
    return result


def test_scores_are_those_of_the_paper() -> None:
    net = build()
    arrays = {key: p.data().asnumpy() for key, p in net._collect_params_with_prefix().items()}
    arrays = {key: value.astype("float64") for key, value in arrays.items()}
    words = [
        arrays[f"encoder.tokens.table{i}"] @ arrays[f"encoder.tokens.project{i}"].T
        for i in range(3)
    ]
    x = np.concatenate(words)[TEXTS[0]] * 4  # the root of the units
    for index in range(2):
        layer = f"encoder.layers.{index}."
        own = {k.removeprefix(layer): v for k, v in arrays.items() if k.startswith(layer)}
        weights = {
            k.removeprefix("attention."): v for k, v in own.items() if k.startswith("attention.")
        }
        x = norm(x + attend(x, weights, 2), own, "attention_norm")
        wide = x @ own["feed_forward.expand.weight"].T + own["feed_forward.expand.bias"]
        narrow = wide.clip(0) @ own["feed_forward.contract.weight"].T
        x = norm(x + narrow + own["feed_forward.contract.bias"], own, "feed_forward_norm")
    near = [x @ arrays[f"decoder.project{i}"] for i in range(3)]
    inside = [
        near[i] @ arrays[f"decoder.table{i}"].T + arrays[f"decoder.bias{i}"] for i in range(3)
    ]
    rarer = near[0] @ arrays["decoder.rarer_weight"].T + arrays["decoder.rarer_bias"]
    first = softmax(np.concatenate([inside[0], rarer], -1))
    tails = [softmax(inside[i]) * first[:, 19 + i : 20 + i] for i in (1, 2)]
    expected = np.log(np.concatenate([first[:, :20], *tails], -1))
    np.testing.assert_allclose(read(net, TEXTS)[0], expected, rtol=1e-4, atol=1e-4)


def test_folders_of_transformers_score_as_they_do_there(tmp_path: Path, golden: Any) -> None:
    with np.load(Path(golden.rule.__file__).with_name("transformer_xl.npz")) as file:
        texts, scores, about = file["texts"], file["scores"], json.loads(str(file["about"]))
    weights = {
        key: golden.rule.weights_of(about["first"][key], tuple(shape))
        for key, shape in about["shapes"].items()
    }
    (tmp_path / "config.json").write_text(json.dumps(about["config"]))
    write_safetensors(tmp_path / "model.safetensors", weights)
    net = get_model(NAME, tmp_path, layers=2, units=16, heads=2)  # the folder says the rest
    found = in_parts(net, texts, [4, 5])
    assert np.abs(found - scores).max() <= 1e-5 * np.abs(scores).max()


def test_names_of_transformers_are_read(tmp_path: Path) -> None:
    """Their query, key and value are one matrix, their tables of words are there twice."""
    net = build()
    table = next(t for t in net.info.renames if t.name == "huggingface")
    theirs = {str(table.to_foreign(key)): value for key, value in get_arrays(net).items()}
    theirs = net.info.layout.pack(theirs)
    for index in range(3):
        key = f"transformer.word_emb.emb_layers.{index}.weight"
        theirs[f"crit.out_layers.{index}.weight"] = theirs[key]
    for index in (1, 2):
        key = f"transformer.word_emb.emb_projs.{index}"
        theirs[f"crit.out_projs.{index}"] = theirs[key]
    assert theirs["transformer.layers.1.dec_attn.qkv_net.weight"].shape == (48, 16)
    assert theirs["crit.out_projs.0"].shape == (16, 16)
    write_safetensors(tmp_path / "theirs.safetensors", theirs)
    again = get_model(NAME, tmp_path / "theirs.safetensors", **SMALL)
    np.testing.assert_array_equal(read(again, TEXTS), read(net, TEXTS))

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import Any

import mxnet as mx
import numpy as np
import pytest

from toolkit.model_zoo import get_arrays, get_model, model_info, save_huggingface
from toolkit.model_zoo.registry import BACKBONES
from toolkit.model_zoo.text.xlnet import VARIANTS, XLNetConfig
from toolkit.model_zoo.weights import WeightsError
from toolkit.utils.checkpoints import read_arrays, write_params
from toolkit.utils.testing import assert_is_text_encoder

SMALL = {"layers": 2, "units": 16, "heads": 2, "hidden_units": 24, "vocab_size": 60}
NAME, LARGE = "xlnet_cased_l12_h768_a12", "xlnet_cased_l24_h1024_a16"
RNG = np.random.default_rng(0)
TEXTS = RNG.integers(0, 60, (2, 7))


def initialized(net: mx.gluon.HybridBlock) -> mx.gluon.HybridBlock:
    mx.random.seed(0)
    net.initialize(mx.init.Normal(0.3))
    return net


@pytest.fixture
def encoder() -> mx.gluon.HybridBlock:
    return initialized(BACKBONES.create(NAME, **SMALL))


@pytest.mark.parametrize("options", [{}, {"sight": "uni"}, {"longest": 3}])
def test_it_is_a_text_encoder(options: dict[str, str | int]) -> None:
    assert_is_text_encoder(partial(BACKBONES.create, NAME, **SMALL, **options))


@pytest.mark.parametrize(("name", "millions"), [(NAME, 116.7), (LARGE, 360.3)])
def test_sizes_are_the_published_ones(name: str, millions: float) -> None:
    net = BACKBONES.create(name)
    count = sum(np.prod(param.shape) for param in net.collect_params().values())
    assert count / 1e6 == pytest.approx(millions, abs=0.05)


def test_every_variant_is_published() -> None:
    assert {model_info(name).task for name in VARIANTS} == {"text_encoder"}
    assert model_info(NAME).entry("126gb").tag == "ca7a0921"
    assert model_info("xlnet_cased_l24_h1024_a16").entry("126gb").tag == "ceae7479"


def test_an_unknown_sight_is_refused() -> None:
    with pytest.raises(ValueError, match="sight must be 'bi' or 'uni', got 'both'"):
        XLNetConfig(sight="both")


def test_long_texts_are_read_in_parts() -> None:
    """Who sees what is before alone reads parts as he reads the whole."""
    net = initialized(BACKBONES.create(NAME, **SMALL, sight="uni"))
    tokens = mx.nd.array(TEXTS)
    whole = net(tokens, mx.nd.zeros_like(tokens), mx.nd.array([7, 7])).asnumpy()
    memory, found = None, []
    for part in (tokens[:, :3], tokens[:, 3:4], tokens[:, 4:]):
        x, memory = net.read(part, memory, keep=9)
        found.append(x.asnumpy())
    np.testing.assert_allclose(np.concatenate(found, axis=1), whole, rtol=1e-4, atol=1e-5)
    assert [kept.shape for kept in memory] == [(2, 7, 16)] * 2


def test_so_much_is_remembered_as_is_asked_for(encoder: mx.gluon.HybridBlock) -> None:
    tokens = mx.nd.array(TEXTS)
    _, memory = encoder.read(tokens[:, :4], keep=3)
    assert [kept.shape for kept in memory] == [(2, 3, 16)] * 2
    alone, _ = encoder.read(tokens[:, 4:], keep=3)
    after, memory = encoder.read(tokens[:, 4:], memory, keep=3)
    assert np.abs((alone - after).asnumpy()).max() > 1e-3
    assert memory[0].shape == (2, 3, 16)


def test_the_second_stream_never_sees_its_own_token() -> None:
    net = initialized(get_model(NAME, task="permutation_language_model", **SMALL))
    order = RNG.permutation(7)
    hidden = mx.nd.array((order[:, None] <= order[None])[None].repeat(2, axis=0))
    places = mx.nd.array(np.tile(np.arange(7), (2, 1)))
    data = [mx.nd.zeros((2, 7)), mx.nd.array([7, 7]), hidden, places]
    before = net(mx.nd.array(TEXTS), *data).asnumpy()
    place = int(np.argsort(order)[3])  # the fourth in the order
    other = TEXTS.copy()
    other[:, place] = (other[:, place] + 1) % 60
    changed = np.abs(net(mx.nd.array(other), *data).asnumpy() - before).max(axis=(0, 2)) > 0
    # The first in the order may see nothing: all of its scores are equally low, and it mixes all.
    np.testing.assert_array_equal(changed[order > 0], order[order > 0] > 3)


def test_outputs_are_those_of_transformers(golden: Any, tmp_path: Path) -> None:
    sizes = {key: SMALL[key] for key in ("layers", "units", "heads")}
    data = [mx.nd.array(value) for value in golden.rule.inputs().values()]
    net = get_model(NAME, golden.write("XLNetModel", tmp_path / "encoder"), **sizes)
    found, expected = net(*data).asnumpy(), golden.outputs("XLNetModel")["last_hidden_state"]
    for row, length in enumerate(golden.rule.LENGTHS):
        np.testing.assert_allclose(found[row, :length], expected[row, :length], rtol=0, atol=1e-5)
    task = "permutation_language_model"
    path = golden.write("XLNetLMHeadModel", tmp_path / "theirs")
    net = get_model(NAME, path, task=task, **sizes)
    extra = [mx.nd.array(golden.rule.hidden()), mx.nd.array(golden.rule.places())]
    expected = golden.outputs("XLNetLMHeadModel")["logits"]
    atol = 1e-5 * np.abs(expected).max()
    np.testing.assert_allclose(net(*data, *extra).asnumpy(), expected, rtol=0, atol=atol)
    net.hybridize()
    np.testing.assert_allclose(net(*data, *extra).asnumpy(), expected, rtol=0, atol=atol)
    save_huggingface(net, tmp_path / "ours")
    ours = read_arrays(tmp_path / "ours" / "model.safetensors")
    theirs = golden.weights("XLNetLMHeadModel")
    assert ours.keys() == theirs.keys()
    for key, value in theirs.items():
        np.testing.assert_array_equal(ours[key], value, key)


def test_other_kinds_of_folders_are_refused(golden: Any, tmp_path: Path) -> None:
    path = golden.write("XLNetModel", tmp_path)
    config = json.loads((path / "config.json").read_text())
    (path / "config.json").write_text(json.dumps({**config, "bi_data": True}))
    with pytest.raises(WeightsError, match=r"bi_data is True; .* knows False"):
        get_model(NAME, path, layers=2, units=16, heads=2)


def test_gluonnlps_names_are_read(tmp_path: Path) -> None:
    net = initialized(get_model(NAME, **SMALL))
    table = next(t for t in net.info.renames if t.name == "gluonnlp")
    theirs = {str(table.to_foreign(key)): value for key, value in get_arrays(net).items()}
    theirs["_net.decoder.weight"] = theirs["_net.word_embed.weight"]
    theirs["_net.decoder.bias"] = np.zeros(60, "float32")
    theirs["_net.pos_embed.inv_freq"] = np.ones((1, 8), "float32")
    assert theirs["_net.transformer_cells.1.attention_cell.proj_emb.weight"].shape == (16, 16)
    write_params(tmp_path / "theirs.params", theirs)
    again = get_model(NAME, tmp_path / "theirs.params", **SMALL)
    data = [mx.nd.array(TEXTS), mx.nd.zeros((2, 7)), mx.nd.array([7, 4])]
    np.testing.assert_array_equal(again(*data).asnumpy(), net(*data).asnumpy())

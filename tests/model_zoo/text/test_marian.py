"""Folders of the transformers package's Marian models."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import mxnet as mx
import numpy as np
import pytest

from toolkit.model_zoo import get_model, save_huggingface
from toolkit.model_zoo.beam_search import beam_search
from toolkit.model_zoo.generation import generate
from toolkit.model_zoo.weights import WeightsError
from toolkit.utils.checkpoints import read_arrays

CASE, NAME = "MarianMTModel", "marian_6_512_8"
SIZES = {"layers": 2, "units": 16, "heads": 2}


def inputs(golden: Any) -> list[mx.nd.NDArray]:
    data = golden.rule.inputs()
    return [mx.nd.array(data[key], dtype="int32") for key in ("tokens", "valid_length")]


@pytest.fixture
def net(golden: Any, tmp_path: Path) -> mx.gluon.HybridBlock:
    return get_model(NAME, golden.write(CASE, tmp_path / "theirs"), **SIZES)


def test_scores_are_those_of_transformers(golden: Any, net: Any) -> None:
    tokens, lengths = inputs(golden)
    words = mx.nd.array(golden.rule.words(), dtype="int32")
    outputs = golden.outputs(CASE)
    for _ in range(2):  # eager, then hybridized
        memory = net.encoder(tokens, mx.nd.zeros_like(tokens), lengths).asnumpy()
        for row, length in enumerate(golden.rule.LENGTHS):
            theirs = outputs["encoder_last_hidden_state"][row, :length]
            np.testing.assert_allclose(memory[row, :length], theirs, atol=1e-5)
        scores = net(tokens, lengths, words).asnumpy()
        atol = 1e-5 * np.abs(outputs["logits"]).max()
        np.testing.assert_allclose(scores, outputs["logits"], rtol=0, atol=atol)
        net.hybridize()


def test_a_saved_folder_holds_the_same(golden: Any, net: Any, tmp_path: Path) -> None:
    save_huggingface(net, tmp_path / "ours")
    ours = read_arrays(tmp_path / "ours" / "model.safetensors")
    theirs = golden.weights(CASE)
    assert ours.keys() == theirs.keys()
    for key, value in theirs.items():
        np.testing.assert_array_equal(ours[key], value, key)
    about = json.loads((tmp_path / "ours" / "config.json").read_text())
    expected = golden.about(CASE)["config"]
    assert about["architectures"] == [CASE]
    keys = net.info.huggingface["config"].keys() | net.info.huggingface["defaults"].keys()
    assert len(keys) > 17
    assert {key: about[key] for key in keys} == {key: expected[key] for key in keys}
    again = get_model(NAME, tmp_path / "ours", **SIZES)
    assert again.encoder.config == net.encoder.config


def test_a_decoder_of_as_many_layers_says_how_many(tmp_path: Path) -> None:
    net = get_model(NAME, **SIZES, hidden_units=24, vocab_size=60, start=59)
    net.initialize()
    save_huggingface(net, tmp_path)
    about = json.loads((tmp_path / "config.json").read_text())
    assert (about["encoder_layers"], about["decoder_layers"]) == (2, 2)


def cut(text: Any, end: int) -> list[int]:
    """A text up to its end, without what it was padded with."""
    words = [int(word) for word in text]
    return words[: words.index(end) + 1] if end in words else words


def test_texts_are_those_that_transformers_writes(golden: Any, net: Any) -> None:
    end, longest, width = golden.rule.ENDS[CASE], golden.rule.MAX_TOKENS, golden.rule.WIDTH
    expected, data = golden.outputs(CASE), inputs(golden)
    writer = net.writer(*data)
    assert writer.end == end
    found = generate(writer, writer.beginnings, max_tokens=longest, end=end)
    assert [cut(row, end) for row in found] == [cut(row, end) for row in expected["greedy"][:, 1:]]
    ended = 0
    for row in range(len(golden.rule.LENGTHS)):
        one = net.writer(*(array[row : row + 1] for array in data))
        beam = beam_search(one, one.beginnings[0], end=end, width=width, max_tokens=longest)
        theirs = slice(row * width, (row + 1) * width)
        texts = [cut(text, end) for text in expected["beam"][theirs, 1:]]
        assert [list(candidate.tokens) for candidate in beam] == texts
        scores = [candidate.score for candidate in beam]
        np.testing.assert_allclose(scores, expected["beam_scores"][theirs], rtol=1e-5)
        ended += sum(candidate.ended for candidate in beam)
    assert ended >= 1


def test_padding_is_never_written(golden: Any, net: Any) -> None:
    start = net.encoder.config.start
    bias = net.decoder.output.bias
    bias.set_data(bias.data() + 100 * (mx.nd.arange(60) == start))
    found = net.translate(*inputs(golden), max_tokens=5)
    assert not any(start in text for text in found)


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("decoder_attention_heads", 4, "decoder_attention_heads 4"),
        ("share_encoder_decoder_embeddings", False, "share_encoder_decoder_embeddings is False"),
        ("model_type", "mbart", "a model of type 'mbart'"),
    ],
)
def test_other_models_are_refused(
    golden: Any, tmp_path: Path, key: str, value: Any, message: str
) -> None:
    path = golden.write(CASE, tmp_path)
    config = json.loads((path / "config.json").read_text())
    (path / "config.json").write_text(json.dumps({**config, key: value}))
    with pytest.raises(WeightsError, match=message):
        get_model(NAME, path, **SIZES)

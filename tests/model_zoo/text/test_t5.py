from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import Any

import mxnet as mx
import numpy as np
import pytest

from toolkit.model_zoo import get_model, model_info, save_huggingface
from toolkit.model_zoo.beam_search import beam_search
from toolkit.model_zoo.generation import generate
from toolkit.model_zoo.registry import BACKBONES
from toolkit.model_zoo.text.t5 import VARIANTS
from toolkit.model_zoo.weights import WeightsError
from toolkit.utils.checkpoints import read_arrays, write_safetensors
from toolkit.utils.testing import assert_is_text_encoder

SMALL = {"layers": 2, "units": 16, "heads": 2, "head_units": 6, "hidden_units": 24}
SMALL |= {"vocab_size": 60, "buckets": 8, "longest": 6}
# The first has another number of layers in its decoder.
CASES = {
    "T5ForConditionalGeneration": ("t5_small", {"layers": 3, "units": 16, "heads": 2}),
    "T5ForConditionalGeneration-1.1": ("t5_v1_1_small", {"layers": 2, "units": 16, "heads": 2}),
}
WORDS = np.random.default_rng(1).integers(0, 60, (2, 7))


def build(name: str, **options: Any) -> mx.gluon.HybridBlock:
    mx.random.seed(0)
    net = get_model(name, **SMALL, **options)
    net.initialize(mx.init.Normal(0.3))
    return net


def texts() -> list[mx.nd.NDArray]:
    tokens = mx.nd.array(np.random.default_rng(0).integers(0, 60, (2, 9)), dtype="int32")
    return [tokens, mx.nd.zeros_like(tokens), mx.nd.array([9, 4], dtype="int32")]


@pytest.mark.parametrize("name", ["t5_small", "t5_v1_1_small"])
def test_it_is_a_text_encoder(name: str) -> None:
    assert_is_text_encoder(partial(BACKBONES.create, name, **SMALL))


# Counted by the transformers package for the same configurations.
@pytest.mark.parametrize(("name", "count"), [("t5_small", 60506624), ("t5_v1_1_small", 76961152)])
def test_sizes_are_the_published_ones(name: str, count: int) -> None:
    params = get_model(name).collect_params().values()
    assert sum(int(np.prod(param.shape)) for param in params) == count


def test_every_variant_is_published() -> None:
    assert len(VARIANTS) == 10
    assert {model_info(name).task for name in VARIANTS} == {"sequence_to_sequence"}


@pytest.mark.parametrize("case", CASES)
def test_scores_are_those_of_transformers(case: str, golden: Any, tmp_path: Path) -> None:
    name, sizes = CASES[case]
    net = get_model(name, golden.write(case, tmp_path / "theirs"), **sizes)
    data = [mx.nd.array(value, dtype="int32") for value in golden.rule.inputs().values()]
    words = mx.nd.array(golden.rule.words(), dtype="int32")
    outputs = golden.outputs(case)
    for _ in range(2):  # eager, then hybridized
        memory, scores = net.encoder(*data).asnumpy(), net(*data, words).asnumpy()
        for row, length in enumerate(golden.rule.LENGTHS):
            np.testing.assert_allclose(
                memory[row, :length], outputs["encoder_last_hidden_state"][row, :length], atol=1e-5
            )
        atol = 1e-5 * np.abs(outputs["logits"]).max()
        np.testing.assert_allclose(scores, outputs["logits"], rtol=0, atol=atol)
        net.hybridize()


@pytest.mark.parametrize("case", CASES)
def test_a_saved_folder_holds_the_same(case: str, golden: Any, tmp_path: Path) -> None:
    name, sizes = CASES[case]
    net = get_model(name, golden.write(case, tmp_path / "theirs"), **sizes)
    save_huggingface(net, tmp_path / "ours")
    ours = read_arrays(tmp_path / "ours" / "model.safetensors")
    theirs = golden.weights(case)
    assert ours.keys() == theirs.keys()
    for key, value in theirs.items():
        np.testing.assert_array_equal(ours[key], value, key)
    about = json.loads((tmp_path / "ours" / "config.json").read_text())
    expected = golden.about(case)["config"]
    assert about["architectures"] == ["T5ForConditionalGeneration"]
    # Both words for one thing: the package's older versions read the first, newer ones the second.
    assert about.pop("tie_word_embeddings") == expected["scale_decoder_outputs"]
    keys = net.info.huggingface["config"].keys() & about.keys()
    assert len(keys) == 16
    assert {key: about[key] for key in keys} == {key: expected[key] for key in keys}


@pytest.mark.parametrize("case", CASES)
def test_texts_are_those_that_transformers_writes(case: str, golden: Any, tmp_path: Path) -> None:
    name, sizes = CASES[case]
    end, longest, width = golden.rule.ENDS[case], golden.rule.MAX_TOKENS, golden.rule.WIDTH
    net = get_model(name, golden.write(case, tmp_path), **sizes, end=end)
    data = [mx.nd.array(value, dtype="int32") for value in golden.rule.inputs().values()]
    expected = golden.outputs(case)
    writer = net.writer(*data)
    found = generate(writer, writer.beginnings, max_tokens=longest, end=writer.end)
    greedy = expected["greedy"][:, 1:]
    assert [cut(row, end) for row in found] == [cut(row, end) for row in greedy]
    ended = 0
    for row, length in enumerate(golden.rule.LENGTHS):
        one = net.writer(*(array[row : row + 1] for array in data))
        found = beam_search(one, one.beginnings[0], end=one.end, width=width, max_tokens=longest)
        theirs = slice(row * width, (row + 1) * width)
        texts = [cut(text, end) for text in expected["beam"][theirs, 1:]]
        assert [list(candidate.tokens) for candidate in found] == texts, length
        scores = [candidate.score for candidate in found]
        np.testing.assert_allclose(scores, expected["beam_scores"][theirs], rtol=1e-5)
        ended += sum(candidate.ended for candidate in found)
    assert ended >= 2


def cut(text: Any, end: int) -> list[int]:
    """A text up to its end, without what it was padded with."""
    words = [int(word) for word in text]
    return words[: words.index(end) + 1] if end in words else words


@pytest.mark.parametrize("name", ["t5_small", "t5_v1_1_small"])
@pytest.mark.parametrize("cuts", [[7], [1] * 7, [3, 2, 1, 1]])
def test_writing_step_by_step_gives_the_same(name: str, cuts: list[int]) -> None:
    net, data = build(name), texts()
    whole = net(*data, mx.nd.array(WORDS)).asnumpy()
    writer, states, place = net.writer(*data), None, 0
    for count in cuts:
        part = mx.nd.array(WORDS[:, place : place + count])
        found, states = writer.step(part, states)
        place += count
        np.testing.assert_allclose(found.asnumpy(), whole[:, place - 1], rtol=1e-4, atol=1e-5)
    assert states is not None
    assert [[array.shape[2] for array in state] for state in states[:-1]] == [[7, 7, 9, 9]] * 2


def test_steps_see_weights_that_change() -> None:
    net, data = build("t5_v1_1_small"), texts()
    writer, word = net.writer(*data), mx.nd.array(WORDS[:, :1])
    _, states = writer.step(word)
    before, gamma = writer.step(word, states)[0].asnumpy(), net.decoder.norm.gamma
    gamma.set_data(gamma.data() * 2)
    np.testing.assert_allclose(writer.step(word, states)[0].asnumpy(), 2 * before, rtol=1e-4)


def test_no_word_sees_a_later_one_or_beyond_the_text() -> None:
    net, data = build("t5_small"), texts()
    scores = net(*data, mx.nd.array(WORDS)).asnumpy()
    other = WORDS.copy()
    other[:, 4:] = (other[:, 4:] + 1) % 60
    changed = (net(*data, mx.nd.array(other)).asnumpy() != scores).any(axis=(0, 2))
    assert list(changed) == [False] * 4 + [True] * 3
    junk = data[0].asnumpy()
    junk[1, 4:] = (junk[1, 4:] + 1) % 60
    again = net(mx.nd.array(junk), *data[1:], mx.nd.array(WORDS)).asnumpy()
    np.testing.assert_array_equal(again, scores)
    writers = [net.writer(tokens, *data[1:]) for tokens in (data[0], mx.nd.array(junk))]
    first, second = (generate(one, one.beginnings, max_tokens=9) for one in writers)
    np.testing.assert_array_equal(first, second)


def test_gradients_reach_every_parameter() -> None:
    for name in ("t5_small", "t5_v1_1_small"):
        net, data = build(name), texts()
        with mx.autograd.record():
            net(*data, mx.nd.array(WORDS)).square().sum().backward()
        still = [key for key, p in net.collect_params().items() if not p.grad().asnumpy().any()]
        assert still == []


def test_the_encoder_is_taken_from_a_whole_folder(golden: Any, tmp_path: Path) -> None:
    case = "T5ForConditionalGeneration"
    name, sizes = CASES[case]
    whole = golden.write(case, tmp_path / "whole")
    net = get_model(name, whole, task="text_encoder", **sizes)
    save_huggingface(net, tmp_path / "encoder")
    arrays = read_arrays(tmp_path / "encoder" / "model.safetensors")
    assert not any(key.startswith(("decoder.", "lm_head.")) for key in arrays)
    again = get_model(name, tmp_path / "encoder", task="text_encoder", **sizes)
    np.testing.assert_array_equal(again(*texts()).asnumpy(), net(*texts()).asnumpy())
    with pytest.raises(WeightsError, match=r"without a value: decoder\.position_bias"):
        get_model(name, tmp_path / "encoder", **sizes)


def test_a_table_that_a_file_holds_three_times_is_read_once(golden: Any, tmp_path: Path) -> None:
    """PyTorch's own files, and older versions of the package, keep every name of it."""
    case = "T5ForConditionalGeneration"
    name, sizes = CASES[case]
    arrays = golden.weights(case)
    for key in ("encoder.embed_tokens.weight", "decoder.embed_tokens.weight", "lm_head.weight"):
        arrays[key] = arrays["shared.weight"]
    write_safetensors(golden.write(case, tmp_path) / "model.safetensors", arrays)
    net = get_model(name, tmp_path, **sizes)
    assert net.decoder.output.weight is net.encoder.tokens.weight


def test_what_a_config_leaves_out_is_what_the_package_takes(golden: Any, tmp_path: Path) -> None:
    """The first published configurations have no word for what came later."""
    name, sizes = CASES["T5ForConditionalGeneration"]
    path = golden.write("T5ForConditionalGeneration", tmp_path)
    config = json.loads((path / "config.json").read_text())
    for key in ("tie_word_embeddings", "scale_decoder_outputs", "feed_forward_proj"):
        del config[key]
    config["decoder_start_token_id"] = None
    (path / "config.json").write_text(json.dumps(config))
    found = get_model(name, path, **sizes).encoder.config
    assert (found.tied, found.activation, found.start, found.decoder_layers) == (True, "relu", 0, 2)

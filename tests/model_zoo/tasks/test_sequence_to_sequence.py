from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import mxnet as mx
import numpy as np
import pytest
from mxnet.gluon import HybridBlock

from toolkit import deploy
from toolkit.model_zoo import get_model
from toolkit.model_zoo.beam_search import beam_search
from toolkit.model_zoo.generation import Sampling, generate

SMALL = {"layers": 2, "units": 16, "heads": 2, "head_units": 8, "hidden_units": 24}
WORDS = np.random.default_rng(1).integers(0, 50, (3, 5))


@pytest.fixture(params=["t5_small", "t5_v1_1_small"])
def net(request: pytest.FixtureRequest) -> HybridBlock:
    mx.random.seed(2)
    net = get_model(request.param, **SMALL, vocab_size=50)
    net.initialize(mx.init.Normal(0.5))
    return net


def test_every_word_is_scored_after_every_word(
    net: HybridBlock, texts: list, hybrid_equals_eager: Callable
) -> None:
    (scores,) = hybrid_equals_eager(net, *texts, mx.nd.array(WORDS))
    assert scores.shape == (3, 5, 50)


@pytest.mark.parametrize(
    "sampling",
    [Sampling(), Sampling(repetition=1.5), Sampling(temperature=1, top_k=9, top_p=0.9, seed=1)],
)
def test_the_cache_changes_no_word(net: HybridBlock, texts: list, sampling: Sampling) -> None:
    writer = net.writer(*texts)
    cached, whole = (
        generate(writer, writer.beginnings, max_tokens=20, sampling=sampling, cached=cached)
        for cached in (True, False)
    )
    np.testing.assert_array_equal(cached, whole)
    assert cached.shape == (3, 20)
    assert len({tuple(row) for row in cached}) > 1


def test_texts_of_a_batch_do_not_touch_each_other(net: HybridBlock, texts: list) -> None:
    together = net.writer(*texts)
    found = generate(together, together.beginnings, max_tokens=8)
    for row, length in enumerate((6, 4, 1)):
        part = [array[row : row + 1, :length] for array in texts[:2]]
        alone = net.writer(*part, texts[2][row : row + 1])
        np.testing.assert_array_equal(
            generate(alone, alone.beginnings, max_tokens=8)[0], found[row]
        )


def test_a_beam_writes_no_worse_than_the_likeliest_words(net: HybridBlock, texts: list) -> None:
    writer = net.writer(*(array[:1] for array in texts))
    options = {"end": 7, "max_tokens": 8}
    (narrow,) = beam_search(writer, writer.beginnings[0], width=1, **options)
    wide = beam_search(writer, writer.beginnings[0], width=4, **options)
    assert len(wide) == 4
    assert wide[0].score >= narrow.score
    greedy = generate(writer, writer.beginnings, **options)[0]
    assert list(narrow.tokens) == list(greedy[: len(narrow.tokens)])


def test_both_halves_run_without_their_code(net: HybridBlock, texts: list, tmp_path: Path) -> None:
    words = mx.nd.array(WORDS)
    expected = net(*texts, words).asnumpy()
    deploy.export(net.encoder, tmp_path / "encoder", tuple(texts))
    memory = net.encoder(*texts)
    deploy.export(net.decoder, tmp_path / "decoder", (words, memory, texts[2]))
    (read,) = deploy.load(tmp_path / "encoder")(*(array.asnumpy() for array in texts))
    (found,) = deploy.load(tmp_path / "decoder")(WORDS, read, texts[2].asnumpy())
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)
    deploy.export(net, tmp_path / "whole", (*texts, words))
    (found,) = deploy.load(tmp_path / "whole")(*(array.asnumpy() for array in texts), WORDS)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


def test_onnx_runs_the_whole(net: HybridBlock, texts: list, tmp_path: Path) -> None:
    pytest.importorskip("onnx")
    pytest.importorskip("onnxruntime")
    inputs = (*texts, mx.nd.array(WORDS))
    deploy.export(net, tmp_path / "whole", inputs)
    deploy.export_onnx(tmp_path / "whole", tmp_path / "whole")
    runner = deploy.load(tmp_path / "whole", backend="onnxruntime")
    (found,) = runner(*(array.asnumpy() for array in inputs))
    np.testing.assert_allclose(found, net(*inputs).asnumpy(), rtol=1e-4, atol=1e-5)


def test_an_encoder_without_a_decoder_is_refused() -> None:
    with pytest.raises(TypeError, match="BERT has no decoder that writes; T5 has"):
        get_model("bert_12_768_12", task="sequence_to_sequence", layers=1)

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import mxnet as mx
import numpy as np
import pytest
from mxnet.gluon import HybridBlock

from toolkit import deploy
from toolkit.model_zoo import get_model
from toolkit.model_zoo.batch_beam import LengthPenalty, batch_beam_search
from toolkit.model_zoo.generation import generate

SMALL = {"layers": 2, "units": 16, "heads": 2, "hidden_units": 24, "vocab_size": 50}
WORDS = np.random.default_rng(1).integers(0, 50, (3, 5))
NAMES = ["transformer_en_de_512", "marian_6_512_8", "t5_small"]


@pytest.fixture(params=NAMES)
def net(request: pytest.FixtureRequest) -> HybridBlock:
    mx.random.seed(2)
    net = get_model(request.param, task="translator", **SMALL, start=2, end=3)
    net.initialize(mx.init.Normal(0.5))
    return net


@pytest.fixture
def sources(texts: list[mx.nd.NDArray]) -> list[mx.nd.NDArray]:
    return [texts[0], texts[2]]


def test_every_word_is_scored_after_every_word(
    net: HybridBlock, sources: list, hybrid_equals_eager: Callable
) -> None:
    (scores,) = hybrid_equals_eager(net, *sources, mx.nd.array(WORDS))
    assert scores.shape == (3, 5, 50)


def test_it_is_sequence_to_sequence_without_segments(
    net: HybridBlock, sources: list, tmp_path: Path
) -> None:
    net.save_parameters(str(tmp_path / "net.params"))
    other = get_model(
        net.info.name,
        tmp_path / "net.params",
        task="sequence_to_sequence",
        **SMALL,
        start=2,
        end=3,
    )
    tokens, lengths = sources
    found = other(tokens, mx.nd.zeros_like(tokens), lengths, mx.nd.array(WORDS))
    np.testing.assert_array_equal(found.asnumpy(), net(*sources, mx.nd.array(WORDS)).asnumpy())


@pytest.mark.parametrize("width", [1, 3])
def test_translations_stop_before_their_end(net: HybridBlock, sources: list, width: int) -> None:
    found = net.translate(*sources, width=width, max_tokens=12)
    assert len(found) == 3
    writer = net.writer(*sources)
    options: dict[str, Any] = {"end": writer.end, "max_tokens": 12}
    if width == 1:
        rows = generate(writer, writer.beginnings, **options).tolist()
    else:
        beams = batch_beam_search(writer, writer.beginnings, width=width, **options)
        rows = [list(beam[0].tokens) for beam in beams]
    for text, row in zip(found, rows, strict=True):
        assert 3 not in text
        assert row[: len(text)] == text
        assert len(text) == 12 or row[len(text)] == 3


def test_the_cache_changes_no_word(net: HybridBlock, sources: list) -> None:
    writer = net.writer(*sources)
    cached, whole = (
        generate(writer, writer.beginnings, max_tokens=15, cached=cached)
        for cached in (True, False)
    )
    np.testing.assert_array_equal(cached, whole)
    assert len({tuple(row) for row in cached}) > 1


def test_a_penalty_on_short_texts_makes_them_longer(net: HybridBlock, sources: list) -> None:
    options: dict[str, Any] = {"width": 4, "max_tokens": 10}
    short, long = (
        net.translate(*sources, penalty=LengthPenalty(power), **options) for power in (0.0, 8.0)
    )
    assert sum(map(len, long)) >= sum(map(len, short))
    assert long != short or all(len(text) == 10 for text in long)


def test_it_runs_without_its_code(net: HybridBlock, sources: list, tmp_path: Path) -> None:
    inputs = (*sources, mx.nd.array(WORDS))
    expected = net(*inputs).asnumpy()
    deploy.export(net, tmp_path / "whole", inputs)
    (found,) = deploy.load(tmp_path / "whole")(*(array.asnumpy() for array in inputs))
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


def test_onnx_runs_it(net: HybridBlock, sources: list, tmp_path: Path) -> None:
    pytest.importorskip("onnx")
    pytest.importorskip("onnxruntime")
    inputs = (*sources, mx.nd.array(WORDS))
    deploy.export(net, tmp_path / "whole", inputs)
    deploy.export_onnx(tmp_path / "whole", tmp_path / "whole")
    runner = deploy.load(tmp_path / "whole", backend="onnxruntime")
    (found,) = runner(*(array.asnumpy() for array in inputs))
    np.testing.assert_allclose(found, net(*inputs).asnumpy(), rtol=1e-4, atol=1e-5)


def test_an_encoder_without_a_decoder_is_refused() -> None:
    with pytest.raises(TypeError, match="BERT has no decoder that writes; Transformer and T5 have"):
        get_model("bert_12_768_12", task="translator", layers=1)

"""Translators and beams against GluonNLP: same weights through the rename tables, same words."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import mxnet as mx
import numpy as np
import pytest
from mxnet.gluon import HybridBlock

from toolkit.model_zoo import get_model, model_info
from toolkit.model_zoo.batch_beam import LengthPenalty, batch_beam_search

pytestmark = pytest.mark.parity

NAME, WORDS = "transformer_en_de_512", 94
LENGTHS, TARGETS = (13, 6, 1), (9, 5, 2)
RNG = np.random.default_rng(2)
SOURCES = RNG.integers(4, WORDS, (3, max(LENGTHS)))
TRANSLATIONS = RNG.integers(4, WORDS, (3, max(TARGETS)))
TRANSLATIONS[:, 0] = 2
PATHS = ("eager", "hybridized")


def build(gluonnlp: ModuleType, layers: int) -> Any:
    """Upstream's network at random weights, such that no word is sure."""
    transformer = importlib.import_module("gluonnlp.model.transformer")
    translation = importlib.import_module("gluonnlp.model.translation")
    parts = transformer.get_transformer_encoder_decoder(
        num_layers=layers,
        num_heads=8,
        units=512,
        hidden_size=2048,
        dropout=0.1,
        max_src_length=530,
        max_tgt_length=549,
        prefix="transformer_",
    )
    vocab = gluonnlp.Vocab(gluonnlp.data.count_tokens([f"word{i}" for i in range(90)]))
    assert len(vocab) == WORDS
    net = translation.NMTModel(
        vocab,
        vocab,
        *parts,
        share_embed=True,
        embed_size=512,
        tie_weights=True,
        embed_initializer=None,
        prefix="transformer_",
    )
    net.initialize()
    score(net)  # it learns some of its shapes from the first input
    randomize(net)
    return net


def randomize(net: HybridBlock) -> None:
    rng = np.random.default_rng(1)
    for key, param in net._collect_params_with_prefix().items():
        if "position_weight" in key:
            continue
        if key.endswith("gamma"):
            values = rng.uniform(0.5, 1.5, param.shape)
        else:
            values = rng.normal(0, 0.04, param.shape)
        param.set_data(mx.nd.array(values))


def arrays() -> list[mx.nd.NDArray]:
    return [mx.nd.array(a) for a in (SOURCES, TRANSLATIONS, LENGTHS, TARGETS)]


def score(net: Any) -> np.ndarray:
    scores, _ = net(*arrays())
    return np.asarray(scores.asnumpy())


@pytest.fixture(scope="module", params=[2, pytest.param(6, marks=pytest.mark.slow)])
def pair(request: pytest.FixtureRequest, gluonnlp: ModuleType, tmp_path_factory: Any) -> Any:
    """Upstream's network, and ours with its weights."""
    theirs = build(gluonnlp, request.param)
    path = tmp_path_factory.mktemp("weights") / "upstream.params"
    theirs.save_parameters(str(path))
    ours = get_model(NAME, path, vocab_size=WORDS, layers=request.param)
    return theirs, ours


def relative(ours: np.ndarray, theirs: np.ndarray, most: float = 2e-6) -> float:
    assert ours.shape == theirs.shape
    assert theirs.std() > 0.05
    found = float(np.linalg.norm(ours - theirs) / np.linalg.norm(theirs))
    assert found <= most
    return found


def test_scores_are_equal(pair: Any, record: Callable[..., None]) -> None:
    theirs, ours = pair
    expected = score(theirs)
    sources, words, lengths, _ = arrays()
    found = {}
    for path in PATHS:
        ours.hybridize(path == "hybridized")
        scores = ours(sources, lengths, words).asnumpy()
        found[path] = max(
            relative(scores[row, :length], expected[row, :length])
            for row, length in enumerate(TARGETS)
        )
    record("translators", NAME, **found)


def test_the_encoders_results_are_equal(pair: Any) -> None:
    theirs, ours = pair
    sources, _, lengths, _ = arrays()
    features, _ = theirs.encode(sources, valid_length=lengths)
    memory = ours.encoder(sources, mx.nd.zeros_like(sources), lengths)
    relative(memory.asnumpy(), features.asnumpy())


def test_the_decoder_writes_the_same_step_by_step(pair: Any) -> None:
    theirs, ours = pair
    sources, words, lengths, _ = arrays()
    features, _ = theirs.encode(sources, valid_length=lengths)
    states = theirs.decoder.init_state_from_encoder(features, lengths)
    writer, own = ours.writer(sources, lengths), None
    for place in range(words.shape[1]):
        expected, states, _ = theirs.decode_step(words[:, place], states)
        found, own = writer.step(words[:, place : place + 1], own)
        relative(found.asnumpy(), expected.asnumpy())


@pytest.mark.parametrize(("width", "power", "offset"), [(4, 1.0, 5.0), (3, 0.6, 2.0), (1, 0.0, 5)])
def test_beams_find_the_same(
    pair: Any, gluonnlp: ModuleType, width: int, power: float, offset: float
) -> None:
    theirs, ours = pair
    sources, _, lengths, _ = arrays()
    for end in likely_ends(ours, sources, lengths):

        def step(words: Any, states: Any) -> tuple[Any, Any]:
            scores, states, _ = theirs.decode_step(words, states)
            return mx.nd.log_softmax(scores), states

        sampler = gluonnlp.model.BeamSearchSampler(
            beam_size=width,
            decoder=step,
            eos_id=end,
            scorer=gluonnlp.model.BeamSearchScorer(alpha=power, K=offset),
            max_length=12,
        )
        features, _ = theirs.encode(sources, valid_length=lengths)
        states = theirs.decoder.init_state_from_encoder(features, lengths)
        texts, scores, sizes = (a.asnumpy() for a in sampler(mx.nd.full((3,), 2), states))
        writer = ours.writer(sources, lengths)
        penalty = LengthPenalty(power, offset)
        beams = batch_beam_search(
            writer, writer.beginnings, end=end, width=width, max_tokens=12, penalty=penalty
        )
        for row, beam in enumerate(beams):
            np.testing.assert_allclose([one.score for one in beam], scores[row], rtol=1e-4)
            for place, one in enumerate(beam):
                text = texts[row, place, 1 : sizes[row, place]].tolist()
                # Upstream ends a text that was cut off, too.
                assert [*one.tokens, *([] if one.ended else [end])] == text


def likely_ends(net: Any, sources: Any, lengths: Any) -> set[int]:
    """Words that beams write in the middle of texts, so that some of these end there."""
    writer = net.writer(sources, lengths)
    beams = batch_beam_search(writer, writer.beginnings, end=3, width=4, max_tokens=12)
    return {3, *(one.tokens[len(one.tokens) // 2] for beam in beams for one in beam[:2])}


def test_names_turn_back_into_upstreams(pair: Any) -> None:
    theirs, ours = pair
    table = model_info(NAME).renames[0]
    keys = set(ours._collect_params_with_prefix()) - {"decoder.tokens.weight"}
    names = {table.to_foreign(key) for key in keys}
    wanted = {key for key in theirs._collect_params_with_prefix() if not table.ignores(key)}
    assert names == wanted - {"tgt_embed.0.weight"}
    assert len(names) > 50


def test_files_with_names_by_scope_are_read(pair: Any, tmp_path: Path) -> None:
    """As the first versions of Gluon wrote them, and as the published file may be."""
    theirs, ours = pair
    path = tmp_path / "scoped.params"
    theirs.collect_params().save(str(path), strip_prefix="transformer_")
    layers = len(ours.encoder.layers)
    again = get_model(NAME, path, vocab_size=WORDS, layers=layers)
    ours.hybridize(False)
    sources, words, lengths, _ = arrays()
    found = again(sources, lengths, words).asnumpy()
    np.testing.assert_array_equal(found, ours(sources, lengths, words).asnumpy())


def test_no_name_of_upstreams_is_missing(gluonnlp: ModuleType) -> None:
    theirs = [name for name in gluonnlp.model.list_models() if "transformer_en" in name]
    assert theirs == [NAME]

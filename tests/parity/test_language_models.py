"""LSTM language models against GluonNLP: same weights through the rename tables, same scores."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import mxnet as mx
import numpy as np
import pytest
from mxnet.gluon import HybridBlock

from toolkit.model_zoo import get_model, model_info
from toolkit.model_zoo.text.lstm_lm import AWD, BIG, STANDARD

pytestmark = pytest.mark.parity

NAMES = [*STANDARD, *AWD, *BIG]
TEXTS = np.random.default_rng(2).integers(0, 94, (3, 11))


def upstream(gluonnlp: ModuleType, name: str) -> HybridBlock:
    words = gluonnlp.data.count_tokens([f"word{index}" for index in range(90)])
    net, _ = gluonnlp.model.get_model(name, vocab=gluonnlp.Vocab(words), dataset_name=None)
    net.initialize()
    score(net, TEXTS)  # it learns some of its shapes from the first input
    rng = np.random.default_rng(1)
    for key, param in net._collect_params_with_prefix().items():
        spread = 0.1 if key.endswith("bias") else 1.5 * param.shape[-1] ** -0.5
        param.set_data(mx.nd.array(rng.normal(0, spread, param.shape)))
    return net


def score(net: HybridBlock, texts: np.ndarray) -> list[np.ndarray]:
    """Upstream's scores ``(N, T, words)``, of a whole text and of its two parts."""
    tokens = mx.nd.array(texts.T)
    begin = net.begin_state(batch_size=len(texts), func=mx.nd.zeros)
    whole, _ = net(tokens, begin)
    first, states = net(tokens[:4], begin)
    second, _ = net(tokens[4:], states)
    scores = (whole, mx.nd.concat(first, second, dim=0))
    return [part.asnumpy().transpose(1, 0, 2) for part in scores]


def assert_close(ours: mx.nd.NDArray, theirs: np.ndarray) -> float:
    assert theirs.std() > 0.05
    difference = ours.asnumpy() - theirs
    relative = float(np.linalg.norm(difference) / np.linalg.norm(theirs))
    assert relative <= 1e-6
    return relative


@pytest.mark.parametrize("name", NAMES)
def test_scores_are_equal(
    name: str, gluonnlp: ModuleType, tmp_path: Path, record: Callable[..., None]
) -> None:
    net = upstream(gluonnlp, name)
    whole, parts = score(net, TEXTS)
    net.save_parameters(str(tmp_path / "upstream.params"))
    ours = get_model(name, tmp_path / "upstream.params", vocab_size=94)
    tokens, lengths = mx.nd.array(TEXTS), mx.nd.array([11] * 3)
    found = {"eager": assert_close(ours(tokens, mx.nd.zeros_like(tokens), lengths), whole)}
    first, states = ours.read(tokens[:, :4])
    second, _ = ours.read(tokens[:, 4:], states)
    assert_close(mx.nd.concat(first, second, dim=1), parts)
    ours.hybridize()
    found["hybridized"] = assert_close(ours(tokens, mx.nd.zeros_like(tokens), lengths), whole)
    record("language models", name, **found)
    (table,) = model_info(name).renames
    theirs = {key for key in net._collect_params_with_prefix() if not table.ignores(key)}
    keys = set(ours._collect_params_with_prefix()) - {"decoder.weight"}
    assert {table.to_foreign(key) for key in keys} == theirs - {"decoder.weight"}


def test_no_name_of_upstreams_is_missing(gluonnlp: ModuleType) -> None:
    theirs = [name for name in gluonnlp.model.list_models() if "_lm_" in name]
    assert sorted(theirs) == sorted(NAMES)

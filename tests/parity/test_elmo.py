"""ELMo against GluonNLP: same weights through the rename table, same layers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import mxnet as mx
import numpy as np
import pytest
from mxnet.gluon import HybridBlock

from toolkit.data.text import ELMoCharVocab
from toolkit.model_zoo import get_model, model_info
from toolkit.model_zoo.text.elmo import VARIANTS

pytestmark = pytest.mark.parity

LENGTHS = (7, 4, 1)
NAMES = [pytest.param(n, marks=pytest.mark.slow) if "4096" in n else n for n in VARIANTS]


def make_words() -> mx.nd.NDArray:
    vocab, rng = ELMoCharVocab(), np.random.default_rng(2)
    texts = [
        ["".join(rng.choice(list("etaoin"), rng.integers(1, 12))) for _ in range(max(LENGTHS))]
        for _ in LENGTHS
    ]
    return mx.nd.array([vocab[text] for text in texts])


def upstream(gluonnlp: ModuleType, name: str) -> HybridBlock:
    net, _ = gluonnlp.model.get_model(name, dataset_name=None, pretrained=False)
    net.collect_params().setattr("grad_req", "null")
    net.initialize()
    rng = np.random.default_rng(1)
    for key, param in net._collect_params_with_prefix().items():
        spread = 0.1 if key.endswith("bias") else 1.5 * np.prod(param.shape[1:]) ** -0.5
        param.set_data(mx.nd.array(rng.normal(0, spread, param.shape)))
    return net


def layers_of(net: HybridBlock, words: mx.nd.NDArray) -> list[np.ndarray]:
    """Upstream's layers, each ``(N, T, units)``."""
    mask = mx.nd.array(np.arange(max(LENGTHS)) < np.array(LENGTHS)[:, None])
    states = net.begin_state(mx.nd.zeros, batch_size=len(LENGTHS))
    layers, _ = net(words, states, mask)
    return [layer.asnumpy() for layer in layers]


@pytest.mark.parametrize("name", NAMES)
def test_layers_are_equal(
    name: str, gluonnlp: ModuleType, tmp_path: Path, record: Callable[..., None]
) -> None:
    net, words = upstream(gluonnlp, name), make_words()
    expected = layers_of(net, words)
    net.save_parameters(str(tmp_path / "upstream.params"))
    ours = get_model(name, tmp_path / "upstream.params")
    lengths, differences = mx.nd.array(LENGTHS), []
    layers = [layer.asnumpy() for layer in ours.encoder.read_layers(words, lengths)]
    for layer, theirs in zip(layers, expected, strict=True):
        for row, length in enumerate(LENGTHS):
            part = theirs[row, :length]
            difference = np.linalg.norm(layer[row, :length] - part) / np.linalg.norm(part)
            assert part.std() > 0.05
            differences.append(float(difference))
    assert max(differences) <= 1e-6
    ours.hybridize()
    mixed = ours(words, mx.nd.zeros(words.shape[:2]), lengths).asnumpy()
    mean = np.mean(expected, axis=0)
    valid = np.arange(max(LENGTHS)) < np.array(LENGTHS)[:, None]
    hybrid = float(np.linalg.norm((mixed - mean)[valid]) / np.linalg.norm(mean[valid]))
    assert hybrid <= 1e-6
    assert not mixed[~valid].any()
    record("ELMo", name, eager=max(differences), hybridized=hybrid)
    (table,) = model_info(name).renames
    keys = {key for key in ours._collect_params_with_prefix() if ".mix." not in key}
    assert {table.to_foreign(key) for key in keys} == set(net._collect_params_with_prefix())


def test_no_name_of_upstreams_is_missing(gluonnlp: ModuleType) -> None:
    theirs = [name for name in gluonnlp.model.list_models() if name.startswith("elmo")]
    assert sorted(theirs) == sorted(VARIANTS)

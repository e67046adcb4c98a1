"""GNMT against the parts that GluonNLP's script puts together: same weights, same scores."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import mxnet as mx
import numpy as np
import pytest
from mxnet.gluon import Block, nn, rnn

from toolkit.model_zoo import get_model

pytestmark = pytest.mark.parity

UNITS, SOURCE_WORDS, TARGET_WORDS, LENGTHS = 32, 50, 40, (9, 4, 1)
RNG = np.random.default_rng(2)
SOURCES = RNG.integers(0, SOURCE_WORDS, (3, 9))
TRANSLATIONS = RNG.integers(0, TARGET_WORDS, (3, 6))


class Cells(Block):
    """A stack of cells, and what the lowest of a decoder asks a memory with."""

    def __init__(self, cells: list[Any], attention: Any = None) -> None:
        super().__init__()
        self.rnn_cells = nn.HybridSequential()
        self.rnn_cells.add(*cells)
        if attention is not None:
            self.attention_cell = attention


class Assembled(Block):
    """Names as upstream's; one layer reads both ways, others one way."""

    def __init__(self, attention: Any, layers: int, *, residual: bool) -> None:
        super().__init__()
        self.residual = residual
        both = rnn.BidirectionalCell(rnn.LSTMCell(UNITS), rnn.LSTMCell(UNITS))
        self.encoder = Cells([both, *(rnn.LSTMCell(UNITS) for _ in range(layers - 1))])
        self.decoder = Cells([rnn.LSTMCell(UNITS) for _ in range(layers)], attention)
        self.src_embed, self.tgt_embed = nn.HybridSequential(), nn.HybridSequential()
        self.src_embed.add(nn.Embedding(SOURCE_WORDS, UNITS))
        self.tgt_embed.add(nn.Embedding(TARGET_WORDS, UNITS))
        self.tgt_proj = nn.Dense(TARGET_WORDS, flatten=False)

    def forward(self, sources: Any, lengths: Any, words: Any) -> Any:
        x, states = self.src_embed(sources), []
        options = {"valid_length": lengths, "layout": "NTC", "merge_outputs": True}
        for place, cell in enumerate(self.encoder.rnn_cells):
            y, state = cell.unroll(x.shape[1], x, **options)
            states.append(state[2:] if place == 0 else state)
            x = y + x if self.residual and place > 1 else y
        found = mx.nd.zeros((len(x), UNITS))
        mask = mx.nd.arange(x.shape[1]).reshape((1, -1)) < lengths.reshape((-1, 1))
        scores, embedded = [], self.tgt_embed(words)
        for step in range(words.shape[1]):
            y, states, found = self._step(embedded[:, step], states, found, x, mask)
            scores.append(self.tgt_proj(y))
        return mx.nd.stack(*scores, axis=1)

    def _step(self, word: Any, states: Any, found: Any, memory: Any, mask: Any) -> tuple:
        first, *others = self.decoder.rnn_cells
        y, state = first(mx.nd.concat(word, found, dim=1), states[0])
        asked = y.expand_dims(1)
        found, _ = self.decoder.attention_cell(asked, memory, memory, mask.expand_dims(1))
        found, new = found[:, 0], [state]
        for cell, old in zip(others, states[1:], strict=True):
            z, state = cell(mx.nd.concat(y, found, dim=1), old)
            y = z + y if self.residual else z
            new.append(state)
        return y, new, found


@pytest.mark.parametrize(("layers", "residual"), [(2, False), (3, True)])
def test_scores_are_equal(
    layers: int,
    residual: bool,
    gluonnlp: ModuleType,
    tmp_path: Path,
    record: Callable[..., None],
) -> None:
    cells = importlib.import_module("gluonnlp.model.attention_cell")
    attention = cells.DotProductAttentionCell(units=UNITS, luong_style=True, scaled=True)
    theirs = Assembled(attention, layers, residual=residual)
    theirs.initialize()
    inputs = [mx.nd.array(a) for a in (SOURCES, LENGTHS, TRANSLATIONS)]
    theirs(*inputs)  # it learns some of its shapes from the first input
    rng = np.random.default_rng(1)
    for param in theirs._collect_params_with_prefix().values():
        param.set_data(mx.nd.array(rng.normal(0, 1.5 * UNITS**-0.5, param.shape)))
    expected = theirs(*inputs).asnumpy()
    theirs.save_parameters(str(tmp_path / "upstream.params"))
    sizes = {"vocab_size": SOURCE_WORDS, "target_vocab_size": TARGET_WORDS, "units": UNITS}
    ours = get_model(
        "gnmt_en_vi_512",
        tmp_path / "upstream.params",
        layers=layers,
        residual=residual,
        **sizes,
    )
    found = {}
    for path in ("eager", "hybridized"):
        ours.hybridize(path == "hybridized")
        scores = ours(*inputs).asnumpy()
        assert expected.std() > 0.1
        found[path] = float(np.linalg.norm(scores - expected) / np.linalg.norm(expected))
        assert found[path] < 2e-6
    if not residual:
        record("translators", "gnmt_en_vi_512", **found)

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import mxnet as mx
import numpy as np
import pytest

from toolkit.model_zoo.generation import generate
from toolkit.model_zoo.writer import Writer


@dataclass(frozen=True)
class Config:
    start: int = 0
    end: int = 1
    writes_start: bool = True


class Decoder:
    """Always finds its start the likeliest word, then the text's number."""

    def step(self, words: Any, states: Any, memory: Any, valid_length: Any) -> tuple[Any, Any]:
        scores = np.zeros((len(words), 5))
        scores[:, 0] = 2
        scores[np.arange(len(words)), memory.asnumpy().astype(int)] = 1
        return mx.nd.array(scores), [(valid_length,)]


@pytest.mark.parametrize(("config", "expected"), [(Config(), 0), (Config(writes_start=False), 3)])
def test_the_start_is_written_only_where_it_may_be(config: Config, expected: int) -> None:
    writer = Writer(Decoder(), config, mx.nd.array([3, 3]), mx.nd.array([4, 4]))
    assert (writer.beginnings, writer.end) == ([[0], [0]], 1)
    found = generate(writer, writer.beginnings, max_tokens=2, end=writer.end)
    np.testing.assert_array_equal(found, [[expected] * 2] * 2)


def test_every_text_has_its_own_memory() -> None:
    config = Config(writes_start=False)
    writer = Writer(Decoder(), config, mx.nd.array([4, 2]), mx.nd.array([1, 1]))
    found = generate(writer, writer.beginnings, max_tokens=1)
    np.testing.assert_array_equal(found, [[4], [2]])

"""A text model with all that it takes to run on texts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import mxnet as mx
import numpy as np

from toolkit.data.batchify import Pad
from toolkit.data.text.tokenizers import Tokenizer
from toolkit.model_zoo.generation import Sampling


@dataclass(frozen=True)
class TextModel:
    """A network of ``get_model`` with all that it takes to run on texts."""

    net: Any
    tokenizer: Tokenizer
    labels: tuple[str, ...] | None = None  # names of classes or of tags, by index
    slots: tuple[str, ...] | None = None  # names of slots, beside those of intents
    max_length: int = 128  # tokens of a text; of a window where a text is cut into several
    batch_size: int = 16
    max_tokens: int = 64  # words to write,
    sampling: Sampling | None = None  # and how they are chosen; default the likeliest
    ctx: Any = None

    def run(self, rows: Sequence[tuple[Any, ...]]) -> list[tuple[np.ndarray, ...]]:
        """Each row's outputs for its tokens, segments and further inputs, in order of the rows."""
        found: list[Any] = [None] * len(rows)
        for some, inputs in self.batches(rows):
            outputs = self.net(*inputs)
            outputs = outputs if isinstance(outputs, (list, tuple)) else [outputs]
            mx.nd.waitall()
            values = zip(*(output.asnumpy() for output in outputs), strict=True)
            for row, own in zip(some, values, strict=True):
                found[row] = own
        return found

    def batches(
        self, rows: Sequence[tuple[Any, ...]]
    ) -> Iterator[tuple[np.ndarray, list[mx.nd.NDArray]]]:
        """Places of rows, and what a network takes of them: the lengths follow the segments."""
        # Like lengths together, so that little is padded.
        order = np.argsort([-len(tokens) for tokens, *_ in rows], kind="stable")
        for start in range(0, len(order), self.batch_size):
            some = order[start : start + self.batch_size]
            parts = [[np.asarray(part) for part in rows[i]] for i in some]
            arrays = [Pad()(list(column)) for column in zip(*parts, strict=True)]
            arrays.insert(2, np.array([len(rows[i][0]) for i in some]))
            yield some, [mx.nd.array(array, dtype="int32", ctx=self.ctx) for array in arrays]

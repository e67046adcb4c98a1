"""Rows of texts are run in batches of like length and come back in their own order."""

from __future__ import annotations

from typing import Any

import mxnet as mx
import numpy as np

from toolkit.deploy.text_model import TextModel

ROWS = [([5], [0]), ([1, 2, 3], [0, 0, 1]), ([4, 4], [0, 1])]


def test_rows_come_back_in_their_order() -> None:
    shapes = []

    def net(tokens: Any, segments: Any, lengths: Any) -> list[Any]:
        shapes.append(tokens.shape)
        return [tokens.sum(axis=1), segments.sum(axis=1), lengths]

    found = TextModel(net, None, batch_size=2).run(ROWS)
    assert shapes == [(2, 3), (1, 1)]
    np.testing.assert_array_equal(found, [[5, 0, 1], [6, 1, 3], [8, 1, 2]])


def test_further_inputs_follow_the_lengths() -> None:
    rows = [(*row, [7] * number) for number, row in enumerate(ROWS, 1)]

    def net(tokens: Any, segments: Any, lengths: Any, places: Any) -> Any:
        assert {array.dtype for array in (tokens, segments, lengths, places)} == {np.int32}
        return mx.nd.concat(lengths.expand_dims(1), places, dim=1)

    found = TextModel(net, None).run(rows)
    np.testing.assert_array_equal(
        [row for (row,) in found], [[1, 7, 0, 0], [3, 7, 7, 0], [2, 7, 7, 7]]
    )

from __future__ import annotations

import numpy as np
import pytest

from toolkit.data.text import BPTTDataset, BPTTStream, fold


def test_fold() -> None:
    assert fold(range(7), 2).tolist() == [[0, 3], [1, 4], [2, 5]]
    for tokens, columns in (([1], 2), ([1], 0)):
        with pytest.raises(ValueError, match="tokens cannot fill"):
            fold(tokens, columns)


def test_samples_go_on_where_the_last_ended() -> None:
    dataset = BPTTDataset(np.arange(22), 2, 4)
    parts = list(dataset)
    assert [data.shape for data, _ in parts] == [(4, 2), (4, 2), (2, 2)]
    assert np.concatenate([d for d, _ in parts])[:, 1].tolist() == list(range(11, 21))
    assert all((target == data + 1).all() for data, target in parts)
    assert len(BPTTDataset(np.arange(22), 2, 4, last="discard")) == 2
    with pytest.raises(ValueError, match="too few"):
        BPTTDataset(np.arange(3), 2, 4)
    with pytest.raises(ValueError, match="last 'keep' or 'discard'"):
        BPTTDataset(np.arange(9), 2, 4, last="kep")


def columns(stream: BPTTStream) -> list[list[int]]:
    """The targets that each column saw, in order; checks that data are one token before."""
    found: list[list[int]] = [[] for _ in range(stream.batch_size)]
    last: list[int | None] = [None] * stream.batch_size
    for data, target, valid in stream:
        assert data.shape == target.shape == valid.shape == (stream.length, stream.batch_size)
        for i in range(stream.batch_size):
            if valid[0, i] and last[i] is not None:
                assert data[0, i] == last[i]
            found[i] += target[valid[:, i], i].tolist()
            last[i] = int(target[-1, i]) if valid[-1, i] else None
            assert (target[~valid[:, i], i] == stream.padding).all()
    return found


def test_each_column_reads_on() -> None:
    sentences = [[1, 2, 3], [4, 5], [6, 7, 8, 9], [10], [11, 12]]
    found = columns(BPTTStream(sentences, 2, 3, padding=-1))
    # Columns in turn take sentences until they have T + 1 tokens.
    assert found == [[2, 3, 4, 5, 10, 11, 12], [7, 8, 9]]
    seen = sorted(t for column in found for t in column)
    assert seen == sorted({*range(1, 13)} - {1, 6})  # but each column's first, all are targets


@pytest.mark.parametrize("batch_size", [1, 3, 50])
@pytest.mark.parametrize("length", [1, 7, 100])
def test_nothing_is_lost(batch_size: int, length: int) -> None:
    rng = np.random.default_rng(0)
    ends = np.cumsum(rng.integers(1, 9, 40))
    sentences = np.split(np.arange(1, ends[-1] + 1), ends[:-1])
    found = columns(BPTTStream([s.tolist() for s in sentences], batch_size, length))
    targets = [t for column in found for t in column]
    assert len(set(targets)) == len(targets)
    assert len(targets) >= ends[-1] - batch_size


def test_an_empty_stream() -> None:
    assert list(BPTTStream([], 2, 3)) == []
    assert list(BPTTStream([[5]], 2, 3)) == []

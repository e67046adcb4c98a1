from __future__ import annotations

import numpy as np
import pytest

from toolkit.data import TokenBatches

LENGTHS = np.random.default_rng(0).integers(1, 60, 203)


def test_batches_hold_so_many_tokens_and_every_sample_once() -> None:
    sampler = TokenBatches(LENGTHS, 100)
    batches = sampler.batches(0)
    assert len(batches) == len(sampler)
    assert sorted(np.concatenate(batches)) == list(range(203))
    sizes = [len(batch) * LENGTHS[batch].max() for batch in batches]
    assert max(sizes) <= 100
    assert LENGTHS.sum() / sum(sizes) > 0.9  # little is padded


def test_an_epoch_is_decided_by_seed_and_number() -> None:
    def flat(seed: int, epoch: int) -> tuple[int, ...]:
        return tuple(np.concatenate(TokenBatches(LENGTHS, 100, seed=seed).batches(epoch)))

    assert flat(1, 2) == flat(1, 2)
    assert len({flat(seed, epoch) for seed in (1, 2) for epoch in (0, 1)}) == 4


def test_without_shuffling_the_longest_come_first() -> None:
    sampler = TokenBatches([2, 5, 2, 9, 1], 6, shuffle=False)
    assert [batch.tolist() for batch in sampler.batches(0)] == [[3], [1], [0, 2, 4]]
    assert [b.tolist() for b in sampler.batches(7)] == [[3], [1], [0, 2, 4]]
    fewer = TokenBatches([2, 5, 2, 9, 1, 0], 6, most=2, shuffle=False)
    assert [batch.tolist() for batch in fewer.batches(0)] == [[3], [1], [0, 2], [4, 5]]


@pytest.mark.parametrize(
    ("lengths", "fields", "message"),
    [
        ([], {}, "one a sample"),
        ([[1]], {}, "one a sample"),
        ([0.5], {}, "whole numbers"),
        ([-1], {}, "0 or more, got -1"),
        ([1], {"tokens": 0}, "tokens 0 is not"),
        ([1], {"most": 0}, "most 0 is not"),
    ],
)
def test_what_cannot_be_is_refused(lengths: list, fields: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        TokenBatches(lengths, **{"tokens": 5, **fields})

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from toolkit.data.samplers import (
    AspectRatioBatches,
    FixedBuckets,
    Sampler,
    SequentialBatches,
    ShardedBatches,
    ShuffledBatches,
    SortedBuckets,
    spread_evenly,
)

LENGTHS = np.random.default_rng(0).integers(1, 60, 103)
RANDOM: dict[str, Callable[..., Sampler]] = {
    "shuffled": lambda **kw: ShuffledBatches(103, 8, **kw),
    "fixed": lambda **kw: FixedBuckets(LENGTHS, 8, **kw),
    "ratio": lambda **kw: FixedBuckets(LENGTHS, 8, ratio=0.5, widths="exponential", **kw),
    "sorted": lambda **kw: SortedBuckets(LENGTHS, 8, pool=3, **kw),
    "aspect": lambda **kw: AspectRatioBatches(LENGTHS / 30, 8, **kw),
}


def flat(sampler: Sampler, epoch: int = 0) -> list[int]:
    return np.concatenate(sampler.batches(epoch)).tolist()


@pytest.mark.parametrize(
    ("size", "count", "places"),
    [(10, 4, [0, 3, 6, 9]), (3, 5, [0, 1, 2]), (3, None, [0, 1, 2]), (9, 1, [0]), (0, 4, [])],
)
def test_places_are_spread_from_the_first_to_the_last(
    size: int, count: int | None, places: list[int]
) -> None:
    assert spread_evenly(size, count) == places


def test_sequential() -> None:
    batches = SequentialBatches(7, 3).batches(5)
    assert [b.tolist() for b in batches] == [[0, 1, 2], [3, 4, 5], [6]]
    assert [b.tolist() for b in SequentialBatches(7, 3, "fill").batches(0)][-1] == [6, 0, 1]
    assert flat(SequentialBatches(7, 3, "discard")) == [0, 1, 2, 3, 4, 5]
    assert flat(SequentialBatches(2, 5, "fill")) == [0, 1, 0, 1, 0]


@pytest.mark.parametrize("name", RANDOM)
def test_an_epoch_is_decided_by_seed_and_number(name: str) -> None:
    make = RANDOM[name]
    assert flat(make(seed=1), 2) == flat(make(seed=1), 2)
    orders = [flat(make(seed=s), e) for s in (1, 2) for e in (0, 1)]
    assert len({tuple(order) for order in orders}) == 4


@pytest.mark.parametrize("last", ["keep", "discard", "fill"])
@pytest.mark.parametrize("name", RANDOM)
def test_every_sample_comes_once_and_the_length_is_known(name: str, last: str) -> None:
    sampler = RANDOM[name](last=last)
    for epoch in range(3):
        batches = sampler.batches(epoch)
        assert len(batches) == len(sampler)
        counts = np.bincount(np.concatenate(batches), minlength=103)
        assert counts.max() == 1 or last == "fill"
        assert counts.min() == 1 or last == "discard"
        if last != "keep" and name != "ratio":
            assert {len(batch) for batch in batches} == {8}


def test_buckets_hold_like_lengths() -> None:
    sampler = FixedBuckets(np.arange(1, 101), 7, buckets=4)
    assert [(g.min() + 1, g.max() + 1) for g in sampler.groups()] == [
        (1, 25),
        (26, 50),
        (51, 75),
        (76, 100),
    ]
    for batch in sampler.batches(0):
        assert np.ptp(batch) < 25
    linear = FixedBuckets(np.arange(1, 101), 7, buckets=4, widths="linear").groups()
    assert [len(g) for g in linear] == [10, 20, 30, 40]
    sizes = [len(g) for g in FixedBuckets(np.arange(1000), 7, widths="exponential").groups()]
    assert sizes == sorted(sizes)
    assert sizes[-1] / sizes[0] == pytest.approx(1.1**9, rel=0.02)


def test_short_buckets_take_larger_batches() -> None:
    batches = FixedBuckets(np.arange(1, 101), 4, buckets=4, ratio=1.0, shuffle=False).batches(0)
    assert [len(b) for b in batches[:2]] == [16, 9]
    assert len(batches[-2]) == 4
    assert flat(FixedBuckets([5, 1, 5, 1], 2, shuffle=False)) == [1, 3, 0, 2]


def test_equal_lengths_are_one_bucket() -> None:
    assert len(FixedBuckets([5] * 6, 3).groups()) == 1
    assert len(FixedBuckets([0] * 6, 3, ratio=1.0)) == 2


def test_sorted_pools_waste_little() -> None:
    def padding(sampler: Sampler) -> int:
        return sum(int((LENGTHS[b].max() - LENGTHS[b]).sum()) for b in sampler.batches(0))

    assert padding(SortedBuckets(LENGTHS, 8)) < padding(ShuffledBatches(103, 8)) / 4
    ordered = LENGTHS[flat(SortedBuckets(LENGTHS, 8, shuffle=False))]
    assert (np.diff(ordered) <= 0).all()


def test_batches_of_one_orientation() -> None:
    ratios = np.array([0.5, 1.5, 0.7, 2.0, 1.0, 0.99])
    for batch in AspectRatioBatches(ratios, 2).batches(0):
        assert len(set(ratios[batch] >= 1)) == 1
    assert len(AspectRatioBatches(ratios, 2, edges=(1.4, 0.6)).groups()) == 3


@pytest.mark.parametrize("size", [1, 2, 3, 5])
@pytest.mark.parametrize("split", ["samples", "batches"])
def test_shards_are_of_equal_length_and_cover_everything(size: int, split: str) -> None:
    whole = ShuffledBatches(23, 4, seed=3)
    shards = [ShardedBatches(whole, rank, size, split) for rank in range(size)]
    epochs = [shard.batches(7) for shard in shards]
    assert {len(batches) for batches in epochs} == {len(shards[0])}
    assert {int(i) for batches in epochs for b in batches for i in b} == set(range(23))
    if split == "samples":
        for parts, batch in zip(zip(*epochs, strict=True), whole.batches(7), strict=True):
            assert len({len(part) for part in parts}) == 1
            assert set(np.concatenate(parts)) == set(batch)


def test_shards_that_divide_evenly_repeat_nothing() -> None:
    shards = [ShardedBatches(ShuffledBatches(24, 6), rank, 3) for rank in range(3)]
    assert sorted(i for shard in shards for i in flat(shard)) == list(range(24))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: SequentialBatches(0, 3), "the data set is empty"),
        (lambda: SequentialBatches(3, 0), "batch_size 0 is not a whole number from 1 on"),
        (lambda: ShuffledBatches(3, 4, "discard"), "batch_size 4 is more than the 3 samples"),
        (lambda: ShuffledBatches(3, 4, "discrad"), "unknown last 'discrad'; did you mean discard"),
        (lambda: ShuffledBatches(3, 4, seed=-1), "seed -1"),
        (lambda: SequentialBatches(3, 2).batches(-1), "epoch -1"),
        (lambda: ShardedBatches(SequentialBatches(3, 2), 2, 2), "rank 2 is not below"),
        (lambda: ShardedBatches(SequentialBatches(3, 2), 0, 2, "sample"), "did you mean samples"),
        (lambda: FixedBuckets([1.5], 2), "lengths must be whole numbers"),
        (lambda: FixedBuckets([-1], 2), "lengths must be whole numbers"),
        (lambda: FixedBuckets([1], 2, widths="lineal"), "did you mean linear"),
        (lambda: FixedBuckets([], 2), "the data set is empty"),
        (lambda: FixedBuckets([1, 9], 2, last="discard"), "no bucket holds a whole batch"),
        (lambda: SortedBuckets([1, 2], 2, pool=0), "pool 0"),
        (lambda: AspectRatioBatches([1.0, 0.0], 2), "ratios must be numbers above 0"),
        (lambda: AspectRatioBatches([2.0, 0.5], 2, last="discard"), "no group holds a whole"),
    ],
)
def test_bad_fields_are_named(make: Callable[[], Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()

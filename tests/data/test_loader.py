from __future__ import annotations

import gc
import os
import weakref
from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from toolkit.data.batchify import List, Pad, Tuple
from toolkit.data.loader import DataLoader
from toolkit.data.pipeline import LoadingError
from toolkit.data.samplers import SortedBuckets


def plain(batches: Any) -> list[Any]:
    return [[part.tolist() for part in batch] for batch in batches]


def test_batches_in_order(cases: ModuleType) -> None:
    loader = DataLoader(cases.Numbers(7), 3)
    batches = list(loader)
    assert len(loader) == len(batches) == 3
    assert [indices.tolist() for _, indices in batches] == [[0, 1, 2], [3, 4, 5], [6]]
    assert (batches[0][0].shape, batches[0][0].dtype) == ((3, 4, 5), np.float32)
    assert len(DataLoader(cases.Numbers(7), 3, last="discard")) == 2


@pytest.mark.parametrize("workers", [1, 2, 3])
def test_the_batches_are_the_same_for_any_number_of_workers(
    cases: ModuleType, workers: int
) -> None:
    options: dict[str, Any] = {
        "shuffle": True,
        "seed": 5,
        "transform": cases.add_noise,
        "batch_transform": cases.roll,
    }
    alone = DataLoader(cases.Numbers(10), 3, **options)
    with DataLoader(cases.Numbers(10), 3, workers=workers, **options) as loader:
        for epoch in (0, 1, 7):
            assert plain(loader.batches(epoch)) == plain(alone.batches(epoch))
        assert plain(loader.batches(3, start=2)) == plain(alone.batches(3))[2:]


def test_epochs_differ_and_iteration_counts_them(cases: ModuleType) -> None:
    loader = DataLoader(cases.Numbers(10), 5, shuffle=True, transform=cases.add_noise)
    epochs = [plain(loader) for _ in range(3)]
    assert epochs == [plain(loader.batches(epoch)) for epoch in range(3)]
    assert epochs[0] != epochs[1] != epochs[2]
    assert plain(loader.batches(0)) != plain(
        DataLoader(cases.Numbers(10), 5, shuffle=True, seed=1).batches(0)
    )
    assert list(loader.batches(0, start=2)) == []


def test_a_sampler_and_a_batchify(cases: ModuleType) -> None:
    lengths = [3, 1, 2, 1]
    data = [([1.0] * n, n) for n in lengths]
    sampler = SortedBuckets(lengths, 2, shuffle=False)
    loader = DataLoader(data, sampler=sampler, batchify=Tuple(Pad(), List()))
    assert [(batch.shape, names) for batch, names in loader] == [((2, 3), [3, 2]), ((2, 1), [1, 1])]


def test_breaking_off_and_iterating_twice_at_once(cases: ModuleType) -> None:
    with DataLoader(cases.Numbers(12), 2, workers=2) as loader:
        for _ in loader.batches(0):
            break
        pairs = list(zip(loader.batches(0), loader.batches(1), strict=True))
        assert [one[1].tolist() for one, _ in pairs] == [[i, i + 1] for i in range(0, 12, 2)]
        assert plain(one for one, _ in pairs) == plain(two for _, two in pairs)


def test_batches_that_are_kept_stay_as_they_are(cases: ModuleType) -> None:
    with DataLoader(cases.Numbers(60), 1, workers=2) as loader:
        batches = list(loader)
    gc.collect()
    assert [batch[0].mean() for batch in batches] == list(range(60))


def test_workers_stay_from_epoch_to_epoch(cases: ModuleType) -> None:
    mx = pytest.importorskip("mxnet")
    assert mx.nd.ones(3).sum().asscalar() == 3  # its threads run in this process
    loader = DataLoader(cases.Numbers(8), 1, workers=2, transform=cases.process_state)
    rows = [np.concatenate(list(loader.batches(epoch))) for epoch in range(2)]
    pids = [set(row[:, 0].tolist()) for row in rows]
    assert pids[0] == pids[1]
    assert len(pids[0]) == 2
    assert os.getpid() not in pids[0]
    assert {tuple(row[1:]) for row in rows[0].tolist()} == {(0, 1)}  # no MXNet, one thread each
    assert all(os.path.exists(f"/proc/{pid}") for pid in pids[0]) or not os.path.isdir("/proc/1")
    gone = weakref.ref(loader)
    del loader
    gc.collect()
    assert gone() is None
    assert not any(os.path.exists(f"/proc/{pid}") for pid in pids[0])


def test_closing_is_not_the_end(cases: ModuleType) -> None:
    loader = DataLoader(cases.Numbers(4), 2, workers=1)
    first = plain(loader.batches(0))
    loader.close()
    loader.close()
    assert plain(loader.batches(0)) == first
    loader.close()


@pytest.mark.parametrize("workers", [0, 2])
def test_a_broken_sample_ends_it_at_its_turn(cases: ModuleType, workers: int) -> None:
    with DataLoader(cases.Numbers(10, broken=(5,)), 2, workers=workers) as loader:
        batches = loader.batches(1)
        assert next(batches)[1].tolist() == [0, 1]
        assert next(batches)[1].tolist() == [2, 3]
        with pytest.raises(LoadingError, match=r"sample 5 of epoch 1 .* KeyError") as info:
            next(batches)
        assert info.value.indices == (5,)
        if workers:  # the worker's own traceback
            assert "loading_cases.py" in str(info.value)
            assert "raise KeyError" in str(info.value)
        assert next(loader.batches(0))[1].tolist() == [0, 1]  # the workers still stand


@pytest.mark.parametrize("workers", [0, 2])
def test_broken_samples_are_skipped_and_counted(cases: ModuleType, workers: int) -> None:
    data = cases.Numbers(10, broken=(0, 4, 5))
    with DataLoader(data, 2, workers=workers, on_error="skip") as loader:
        assert [indices.tolist() for _, indices in loader] == [[1], [2, 3], [6, 7], [8, 9]]
        assert loader.skipped == 3
        list(loader)
        assert loader.skipped == 6


@pytest.mark.parametrize("workers", [0, 1])
def test_a_batch_that_cannot_be_made_is_named(cases: ModuleType, workers: int) -> None:
    with (
        DataLoader(cases.Numbers(3), 2, batchify=cases.fail, workers=workers) as loader,
        pytest.raises(LoadingError, match=r"batch of samples 0, 1 .*these do not fit"),
    ):
        list(loader)


def test_nested_batches_come_through(cases: ModuleType) -> None:
    data = cases.Numbers(4)
    alone = DataLoader(data, 2, batchify=cases.strings_and_more)
    with DataLoader(data, 2, batchify=cases.strings_and_more, workers=1) as loader:
        for one, two in zip(alone, loader, strict=True):
            assert one["names"] == two["names"]
            np.testing.assert_array_equal(one["pair"][0], two["pair"][0])
            np.testing.assert_array_equal(one["pair"][1][0], two["pair"][1][0])


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda d: DataLoader([], 2), "the data set is empty"),
        (lambda d: DataLoader(d), "give a batch_size or a sampler"),
        (lambda d: DataLoader(d, 11, last="discard"), "batch_size 11 is more than the 10 samples"),
        (lambda d: DataLoader(d, 0), "batch_size 0"),
        (lambda d: DataLoader(d, 2, last="rollover"), "unknown last 'rollover'"),
        (lambda d: DataLoader(d, 2, workers=-1), "workers -1"),
        (lambda d: DataLoader(d, 2, seed=0.5), "seed 0.5"),
        (lambda d: DataLoader(d, 2, prefetch=0), "prefetch 0"),
        (lambda d: DataLoader(d, 2, timeout=0), "timeout 0"),
        (lambda d: DataLoader(d, 2, on_error="ignore"), "unknown on_error 'ignore'"),
        (lambda d: DataLoader(d, 2, sampler=SortedBuckets([1], 1)), "a sampler decides"),
        (lambda d: DataLoader(d, 2).batches(-1), "epoch -1"),
        (lambda d: DataLoader(d, 2).batches(0, 6), "start 6 is beyond the 5 batches"),
    ],
)
def test_bad_options_are_named(cases: ModuleType, make: Callable[[Any], Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make(cases.Numbers(10))


def test_a_transform_is_checked_at_once(cases: ModuleType) -> None:
    with pytest.raises(TypeError, match="called as transform"):
        DataLoader(cases.Numbers(3), 2, transform=lambda a, b, c: a)


def test_what_cannot_be_pickled_is_named(cases: ModuleType) -> None:
    loader = DataLoader(cases.Numbers(3), 2, transform=lambda sample: sample, workers=1)
    with pytest.raises(TypeError, match=r"the transform cannot be sent .*lambdas"):
        next(iter(loader))

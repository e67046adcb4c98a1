from __future__ import annotations

import functools
import logging
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from toolkit.data.batchify import List, Stack
from toolkit.data.generators import batch_rng, sample_rng
from toolkit.data.pipeline import LoadingError, Made, Pipeline, few, how_rng_is_taken
from toolkit.data.vision.transforms import random_flip, random_resized_crop


class Callee:
    def __call__(self, sample: Any) -> Any:
        return sample


@pytest.mark.parametrize(
    ("transform", "expected"),
    [
        (None, None),
        (lambda x: x, None),
        (Callee(), None),
        (abs, None),
        (lambda *x: x, None),
        (lambda x, size=3: x, None),
        (lambda x, rng: x, "name"),
        (lambda x, rng=None: x, "name"),
        (lambda x, *, rng: x, "name"),
        (lambda x, chance: x, "position"),
        (lambda rng, /: rng, None),
        (lambda x, rng, /: x, "position"),
        (random_flip, "name"),
        (functools.partial(random_resized_crop, size=8), "name"),
    ],
)
def test_how_a_transform_is_called(transform: Any, expected: str | None) -> None:
    assert how_rng_is_taken(transform) == expected


@pytest.mark.parametrize("transform", [lambda: 0, lambda a, b, c: 0, lambda x, *, size: x])
def test_a_transform_of_other_arguments_is_refused(transform: Callable[..., Any]) -> None:
    with pytest.raises(TypeError, match=r"called as transform\(sample\) or transform\(sample, rng"):
        how_rng_is_taken(transform)
    with pytest.raises(TypeError, match="3 cannot be called"):
        how_rng_is_taken(3)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("transform", "rng_as"),
    [(lambda x, rng: x + rng.random(), "name"), (lambda x, g: x + g.random(), "position")],
)
def test_randomness_belongs_to_the_sample(transform: Any, rng_as: str) -> None:
    pipeline = Pipeline([1.0, 2.0], transform, Stack(np.float64), 7, False, rng_as)
    expected = [x + sample_rng(7, 3, i).random() for i, x in ((1, 2.0), (0, 1.0))]
    assert pipeline.make(3, [1, 0]).batch.tolist() == expected


@pytest.mark.parametrize(
    ("batch_transform", "rng_as", "noise"),
    [
        (lambda x: x * 10, None, 0),
        (lambda x, rng: x * 10 + rng.random(), "name", 1),
        (lambda x, g: x * 10 + g.random(), "position", 1),
    ],
)
def test_a_whole_batch_is_transformed(batch_transform: Any, rng_as: Any, noise: int) -> None:
    stack = Stack(np.float64)
    pipeline = Pipeline([1.0, 2.0, 3.0], None, stack, 7, False, None, batch_transform, rng_as)
    expected = np.array([30.0, 10.0]) + noise * batch_rng(7, 3, [2, 0]).random()
    assert pipeline.make(3, [2, 0]).batch.tolist() == expected.tolist()


def test_a_failing_sample_is_named() -> None:
    pipeline = Pipeline({0: 1}, None, List(), 0, False, None)
    with pytest.raises(
        LoadingError, match="sample 5 of epoch 2 could not be loaded: KeyError: 5"
    ) as e:
        pipeline.make(2, [0, 5])
    assert (e.value.epoch, e.value.indices) == (2, (5,))
    assert isinstance(e.value.__cause__, KeyError)
    copy = pickle.loads(pickle.dumps(e.value))
    assert (str(copy), copy.epoch, copy.indices) == (str(e.value), 2, (5,))


def test_failing_samples_are_skipped_on_request(caplog: pytest.LogCaptureFixture) -> None:
    pipeline = Pipeline({0: 1, 2: 3}, None, List(), 0, True, None)
    with caplog.at_level(logging.WARNING):
        assert pipeline.make(0, [0, 1, 2]) == Made([1, 3], (1,))
    assert "sample 1 of epoch 0 is skipped: 1" in caplog.text
    assert pipeline.make(0, [4, 5]) == Made(None, (4, 5))


def test_a_batch_that_does_not_fit_together_is_named() -> None:
    pipeline = Pipeline([np.zeros(2), np.zeros(3)] * 6, None, Stack(), 0, True, None)
    with pytest.raises(
        LoadingError, match=r"the batch of samples 0, 1, .*, 7 and 4 more of epoch 0"
    ):
        pipeline.make(0, range(12))
    assert few([1, 2]) == "1, 2"

from __future__ import annotations

from typing import Any

import pytest

from toolkit.data.generators import batch_rng, natural, order_rng, sample_rng


def test_streams_differ_by_everything_they_are_for() -> None:
    streams = [
        order_rng(0, 0),
        order_rng(1, 0),
        order_rng(0, 1),
        sample_rng(0, 0, 0),
        sample_rng(1, 0, 0),
        sample_rng(0, 1, 0),
        sample_rng(0, 0, 1),
        batch_rng(0, 0, [0]),
        batch_rng(0, 0, [0, 1]),
        batch_rng(0, 1, [0, 1]),
        batch_rng(1, 0, [0, 1]),
    ]
    assert len({rng.random() for rng in streams}) == len(streams)
    assert sample_rng(3, 4, 5).random() == sample_rng(3, 4, 5).random()


@pytest.mark.parametrize("value", [-1, 1.5, True, None, "3"])
def test_what_is_no_natural_number_is_named(value: Any) -> None:
    with pytest.raises(ValueError, match=r"rank .* is not a whole number from 0 on"):
        natural("rank", value)
    with pytest.raises(ValueError, match="seed"):
        order_rng(value, 0)

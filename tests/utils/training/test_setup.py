from __future__ import annotations

from typing import Any

import pytest

from toolkit.utils.training import Setup


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"seed": -1}, "seed must be a whole number, 0 or more, got -1"),
        ({"log_every": 0}, "log_every must be a whole number, 1 or more"),
        ({"seed_every": 2.5}, "seed_every"),
        ({"contexts": ()}, "at least one device"),
    ],
)
def test_numbers_out_of_range_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Setup(**options)


def test_a_setup_of_defaults_is_one_cpu() -> None:
    setup = Setup()
    assert [context.device_type for context in setup.contexts] == ["cpu"]
    assert setup.workers.size == 1

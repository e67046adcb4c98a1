"""What an optimizer remembers, as named arrays and numbers instead of a pickle."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import mxnet as mx
import numpy as np
from mxnet.gluon import Trainer

# Numbers that optimizers of MXNet keep beside their arrays: all count updates, Nadam its momentum.
NUMBERS = ("num_update", "m_schedule")


def get_arrays(trainer: Trainer, keys: Mapping[str, str]) -> dict[str, np.ndarray]:
    """The arrays of an optimizer: the key of a parameter, then the place in its state.

    Args:
        trainer: Gluon's trainer.
        keys: The structural name of each parameter by its own name.
    """
    arrays = {}
    for index, state in trainer._updaters[0].states.items():
        key = keys[trainer._params[index].name]
        arrays.update({f"{key}:{place}": array.asnumpy() for place, array in _leaves(state)})
    return arrays


def get_numbers(trainer: Trainer, keys: Mapping[str, str]) -> dict[str, Any]:
    """The kind of the optimizer and the numbers that it keeps, for JSON."""
    optimizer = trainer.optimizer
    counts = optimizer._all_index_update_counts.get(trainer._contexts[0].device_id, {})
    return {
        "optimizer": type(optimizer).__name__,
        "numbers": {name: getattr(optimizer, name) for name in NUMBERS if hasattr(optimizer, name)},
        "counts": {keys[trainer._params[index].name]: count for index, count in counts.items()},
    }


def check(trainer: Trainer, numbers: Mapping[str, Any]) -> None:
    """Raises ValueError where the numbers are those of another optimizer."""
    ours, theirs = type(trainer.optimizer).__name__, numbers["optimizer"]
    if ours != theirs:
        raise ValueError(f"the checkpoint is one of the optimizer {theirs}, not of {ours}")


def restore(
    trainer: Trainer,
    keys: Mapping[str, str],
    *,
    arrays: Mapping[str, np.ndarray],
    numbers: Mapping[str, Any],
) -> None:
    """Gives an optimizer back what `get_arrays` and `get_numbers` gave, on each device."""
    optimizer = trainer.optimizer
    for name, value in numbers["numbers"].items():
        setattr(optimizer, name, value)
    counts = {
        index: numbers["counts"][keys[param.name]]
        for index, param in enumerate(trainer._params)
        if keys[param.name] in numbers["counts"]
    }
    for number, updater in enumerate(trainer._updaters):
        context = trainer._contexts[number]
        optimizer._all_index_update_counts[context.device_id] = dict(counts)
        for index in counts:
            param = trainer._params[index]
            state = optimizer.create_state_multi_precision(index, param.data(context))
            for place, array in _leaves(state):
                name = f"{keys[param.name]}:{place}"
                if name not in arrays:
                    raise ValueError(f"the checkpoint lacks {name} of the optimizer")
                array[:] = arrays[name]
            updater.states[index] = state
            updater.states_synced[index] = True
    optimizer._set_current_context(trainer._contexts[0].device_id)


def _leaves(state: Any, place: str = "0") -> Iterator[tuple[str, mx.nd.NDArray]]:
    """The arrays of a state, which MXNet nests in tuples, and where each lies."""
    if isinstance(state, mx.nd.NDArray):
        yield place, state
    elif isinstance(state, (tuple, list)):
        for number, part in enumerate(state):
            yield from _leaves(part, f"{place}.{number}")

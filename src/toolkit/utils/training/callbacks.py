"""What may be told about a training run: objects with any of these methods.

==========================  =====================================================================
``on_start(run)``           before the first update, after a resume
``on_step(run)``            after each update; it waits for nothing, and neither should a callback
``on_log(run)``             after the loss was read: ``run.values["loss"]`` is its mean since then
``on_epoch(run)``           after each epoch
``on_checkpoint(run, path)``  after a checkpoint was written
``on_end(run)``             at the end, always; ``run.failure`` is the error that ended it
``state()``                 a JSON-able value that goes into checkpoints,
``restore(state)``          and comes back on a resume
==========================  =====================================================================

Callbacks are told in the order in which they are given, so one that measures goes before one that
judges. A callback needs no base class.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import Any

from toolkit.utils.registry import unknown
from toolkit.utils.training.run import Run

EVENTS = ("on_start", "on_step", "on_log", "on_epoch", "on_checkpoint", "on_end")
_log = logging.getLogger(__name__)


class Callbacks:
    """Tells every callback that has a method for an event."""

    def __init__(self, callbacks: Sequence[Any]) -> None:
        self._callbacks = tuple(callbacks)
        self._listeners: dict[str, list[Callable[..., Any]]] = {
            event: [getattr(c, event) for c in self._callbacks if hasattr(c, event)]
            for event in EVENTS
        }
        for callback in self._callbacks:
            _check(callback)

    def tell(self, event: str, run: Run, *details: Any) -> None:
        """Calls the method ``event`` of each callback that has it."""
        for listener in self._listeners[event]:
            listener(run, *details)

    def end(self, run: Run) -> None:
        """Tells the end to all of them, whatever one of them raises.

        Raises:
            Exception: the first error of a callback, unless the run failed itself.
        """
        errors = []
        for listener in self._listeners["on_end"]:
            try:
                listener(run)
            except Exception as error:
                _log.exception("%s failed", listener.__qualname__)
                errors.append(error)
        if errors and run.failure is None:
            raise errors[0]

    def state(self) -> dict[str, Any]:
        """What the callbacks keep over a resume, by their position and class."""
        return {key: c.state() for key, c in self._keyed() if hasattr(c, "state")}

    def restore(self, states: dict[str, Any]) -> None:
        """Gives back what `state` gave; a callback that is new starts fresh."""
        for key, callback in self._keyed():
            if key in states and hasattr(callback, "restore"):
                callback.restore(states[key])

    def _keyed(self) -> list[tuple[str, Any]]:
        """Each callback with its class's name and its number among those of that class."""
        counts: dict[str, int] = {}
        keyed = []
        for callback in self._callbacks:
            name = type(callback).__name__
            counts[name] = counts.get(name, 0) + 1
            keyed.append((f"{name}.{counts[name]}", callback))
        return keyed


def _check(callback: Any) -> None:
    methods = [name for name in dir(callback) if name.startswith("on_")]
    for name in methods:
        if name not in EVENTS:
            raise ValueError(f"{type(callback).__name__}: {unknown('event', name, EVENTS)}")
    if not methods:
        raise TypeError(f"{callback!r} is no callback: it has none of {', '.join(EVENTS)}")

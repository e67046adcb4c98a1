"""Answers the requests of many threads in batches."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any

import numpy as np

from toolkit.deploy.runner import Runner


@dataclass(frozen=True)
class _Request:
    arrays: list[np.ndarray]
    future: Future[list[np.ndarray]] = field(default_factory=Future)

    @property
    def size(self) -> int:
        return len(self.arrays[0])

    @property
    def kind(self) -> tuple[tuple[int, ...], ...]:
        """Requests of one kind go through the network together."""
        return tuple(array.shape[1:] for array in self.arrays)


class Batcher:
    """Collects requests for a moment and runs them together; a context manager.

    Args:
        runner: A network whose inputs and outputs all begin with a free batch axis.
        max_batch: Samples that go through the network at once; a larger request goes alone.
        max_wait: Seconds that a request waits for others at most.

    Raises:
        ValueError: the network takes one batch size only, or a limit is out of range.
    """

    def __init__(self, runner: Runner, *, max_batch: int = 16, max_wait: float = 0.002) -> None:
        fixed = [
            s for s in runner.manifest.inputs if s.shape is not None and s.shape[:1] != (None,)
        ]
        if fixed:
            raise ValueError(f"requests cannot be joined: input {fixed[0]} has a fixed first axis")
        if max_batch < 1 or not max_wait >= 0:
            raise ValueError(
                f"max_batch must be at least 1 and max_wait at least 0 seconds, got {max_batch} "
                f"and {max_wait}"
            )
        self.runner = runner
        self.max_batch = max_batch
        self.max_wait = max_wait
        self._requests: queue.SimpleQueue[_Request | None] = queue.SimpleQueue()
        self._lock = threading.Lock()  # no request enters after the end
        self._closed = False
        self._thread = threading.Thread(target=self._serve, name="toolkit-batcher", daemon=True)
        self._thread.start()

    def submit(self, *arrays: Any) -> Future[list[np.ndarray]]:
        """Asks for the outputs of one or more samples; returns at once.

        Raises:
            ValueError: the arrays do not fit the network, or differ in their first axis.
            RuntimeError: the batcher is closed.
        """
        given = self.runner.checked(*arrays)
        if len({len(array) for array in given}) != 1 or not len(given[0]):
            shapes = ", ".join(str(array.shape) for array in given)
            raise ValueError(f"all inputs need one number of samples, at least 1; got {shapes}")
        request = _Request(given)
        with self._lock:
            if self._closed:
                raise RuntimeError("this batcher is closed")
            self._requests.put(request)
        return request.future

    def __call__(self, *arrays: Any) -> list[np.ndarray]:
        """Asks and waits."""
        return self.submit(*arrays).result()

    def close(self) -> None:
        """Answers what was asked, then ends; can be called more than once."""
        with self._lock:
            if not self._closed:
                self._closed = True
                self._requests.put(None)
        self._thread.join()

    def __enter__(self) -> Batcher:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _serve(self) -> None:
        for group in self._groups():
            waiting = [r for r in group if r.future.set_running_or_notify_cancel()]
            if waiting:
                self._answer(waiting)

    def _groups(self) -> Iterator[list[_Request]]:
        """Requests that go together, until the end is asked for."""
        held = self._requests.get()
        while held is not None:
            group, size = [held], held.size
            deadline = time.monotonic() + self.max_wait
            held = None
            ended = False
            while size < self.max_batch:
                following = self._next(deadline)
                if following is None:
                    ended = self._closed
                    break
                if following.kind != group[0].kind or size + following.size > self.max_batch:
                    held = following
                    break
                group.append(following)
                size += following.size
            yield group
            if held is None:
                held = None if ended and self._requests.empty() else self._requests.get()

    def _next(self, deadline: float) -> _Request | None:
        try:
            return self._requests.get(timeout=max(0.0, deadline - time.monotonic()))
        except queue.Empty:
            return None

    def _answer(self, group: list[_Request]) -> None:
        try:
            joined = [np.concatenate(rows) for rows in zip(*(r.arrays for r in group), strict=True)]
            outputs = self.runner(*joined)
            ends = np.cumsum([request.size for request in group])
            wrong = [output.shape for output in outputs if output.shape[:1] != (ends[-1],)]
            if wrong:
                raise ValueError(
                    f"{self.runner.manifest.name} gave {wrong[0]} for {ends[-1]} samples: its "
                    "outputs cannot be told apart"
                )
            for request, end in zip(group, ends, strict=True):
                rows = slice(end - request.size, end)
                request.future.set_result([output[rows] for output in outputs])
        except Exception as error:  # whatever the network raises belongs to who asked
            if len(group) == 1:
                group[0].future.set_exception(error)
                return
            for request in group:  # only the one that is at fault is to fail
                self._answer([request])

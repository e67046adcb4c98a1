"""Where and how a run runs, apart from what it optimizes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import mxnet as mx

from toolkit.utils.training.checkpoints import Checkpoints
from toolkit.utils.training.workers import Alone, Workers


@dataclass(frozen=True)
class Setup:
    """Where and how a run runs.

    MXNet's random generators are seeded anew at the start of each epoch and each ``seed_every``
    updates, which takes 1.5 ms. These are the places where checkpoints are taken: one that is due
    in between waits for the next.
    """

    seed: int = 0
    contexts: tuple[mx.Context, ...] = (mx.cpu(),)  # devices that each take a part of a batch
    log_every: int = 50  # updates between two reads of the loss, which wait for the device
    seed_every: int = 10  # updates
    folder: Path | str | None = None  # where the run keeps its files
    checkpoints: Checkpoints | None = None  # taken in ``folder/checkpoints``; None takes none
    workers: Workers = field(default_factory=Alone)
    config: Mapping[str, Any] = field(default_factory=dict)  # what callbacks note beside the run

    def __post_init__(self) -> None:
        for name, least in (("seed", 0), ("log_every", 1), ("seed_every", 1)):
            value = getattr(self, name)
            if not isinstance(value, int) or value < least:
                raise ValueError(f"{name} must be a whole number, {least} or more, got {value!r}")
        if self.checkpoints and self.folder is None:
            raise ValueError("checkpoints need a folder: Setup(folder=...)")
        if not self.contexts:
            raise ValueError("contexts must name at least one device")

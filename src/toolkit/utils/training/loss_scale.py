"""Keeps small gradients from vanishing in float16.

Micikevicius et al., 2017, https://arxiv.org/abs/1710.03740.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass

_log = logging.getLogger(__name__)


@dataclass
class LossScale:
    """The factor of the loss: halved when gradients overflow, doubled when they have not for long.

    Raises:
        FloatingPointError: gradients overflow whatever the factor is.
    """

    scale: float = 2.0**16
    largest: float = 2.0**24
    patience: int = 2000  # updates without overflow until it is doubled
    good: int = 0  # such updates so far

    def update(self, *, finite: bool) -> None:
        """Notes whether the gradients of an update were finite."""
        if not finite:
            self.scale, self.good = self.scale / 2, 0
            _log.info("gradients overflow: the loss is scaled by %g", self.scale)
            if self.scale < 1:
                raise FloatingPointError(
                    "gradients are not finite with an unscaled loss: the network has diverged"
                )
            return
        self.good += 1
        if self.good >= self.patience:
            self.scale, self.good = min(2 * self.scale, self.largest), 0

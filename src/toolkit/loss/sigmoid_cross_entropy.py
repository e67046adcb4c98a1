"""Cross-entropy of sigmoids, which losses of detectors are made of."""

from __future__ import annotations

from typing import Any


def sigmoid_cross_entropy(F: Any, score: Any, target: Any) -> Any:
    """Of the sigmoid of ``score`` with ``target`` in 0..1, both of one shape, without overflow."""
    return F.relu(score) - score * target + F.Activation(-F.abs(score), act_type="softrelu")

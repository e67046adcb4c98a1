"""What a chain of blocks gives along the way."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

from mxnet.gluon import HybridBlock


def features_of(
    blocks: Iterable[HybridBlock], x: Any, taps: Collection[int] | None = None
) -> list[Any]:
    """Runs ``x`` through the blocks, one after the other; gives the results of those at ``taps``.

    ``taps`` are places in the chain; default: all of them.
    """
    features = []
    for place, block in enumerate(blocks):
        x = block(x)
        if taps is None or place in taps:
            features.append(x)
    return features

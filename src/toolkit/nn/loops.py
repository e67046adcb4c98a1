"""Blocks with loops in their graphs."""

from __future__ import annotations

from typing import Any

from mxnet.gluon import HybridBlock


class Loop(HybridBlock):
    """A block that calls ``F.contrib.foreach``.

    MXNet 1.9.1 plans the memory of loops wrongly where shapes are static: a network's answers are
    other numbers then, without a word. Here the request is refused.
    """

    def hybridize(self, active: bool = True, **options: Any) -> None:
        """As every block's.

        Raises:
            ValueError: shapes are to be static.
        """
        if active and options.get("static_shape"):
            raise ValueError(
                f"{type(self).__name__} has a loop in its graph, which MXNet computes wrongly with "
                "static_shape=True: leave that out (static_alloc=True is right)"
            )
        super().hybridize(active, **options)

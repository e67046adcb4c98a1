"""Features brought to another size by bilinear interpolation."""

from __future__ import annotations

from typing import Any


def resize_like(F: Any, x: Any, like: Any, *, align_corners: bool = True) -> Any:
    """Maps ``(N, C, H, W)`` to the height and width of ``like``.

    Args:
        F: ``mx.nd`` or ``mx.sym``.
        x: Features.
        like: Of the wanted height and width; its values do not matter.
        align_corners: The middles of the corner cells stay where they are, else the outer corners.
    """
    return F.contrib.BilinearResize2D(x, like, mode="like", align_corners=align_corners)


def rescale(F: Any, x: Any, factor: float) -> Any:
    """Maps ``(N, C, H, W)`` to ``factor`` times the height and width, rounded down."""
    return F.contrib.BilinearResize2D(x, scale_height=factor, scale_width=factor)

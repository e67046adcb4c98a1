"""What data sets do with boxes that are none."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from toolkit.utils.boxes import BoxError, clean
from toolkit.utils.registry import unknown

INVALID = ("raise", "skip", "clip")


@dataclass(frozen=True)
class BoxRule:
    """Cuts boxes to their picture, and says which of them to keep.

    Raises:
        ValueError: there is no such way with invalid boxes.
    """

    invalid: str = "raise"  # or "skip"; or "clip": what is beyond the picture is cut off
    least: float = 1.0  # width and height, in pixels
    tolerance: float = 1.0  # pixels beyond the picture that are always cut off

    def __post_init__(self) -> None:
        if self.invalid not in INVALID:
            raise ValueError(unknown("way with invalid boxes", self.invalid, INVALID))

    def __call__(
        self,
        boxes: np.ndarray,
        size: tuple[int, int],
        describe: Callable[[int], str],
        *,
        good: np.ndarray | None = None,
    ) -> tuple[np.ndarray, np.ndarray]:
        """Boxes ``(R, 4)`` cut to a picture of height and width, and a mask ``(R,)``: keep them.

        Args:
            boxes: Corners in pixels.
            size: Height and width.
            describe: Says what the object at a place is and what its box was, for a complaint.
            good: ``(R,)``, False for boxes that are none for another reason.

        Raises:
            BoxError: one is not finite, inverted, too small or beyond the picture, and ``invalid``
                is ``"raise"``.
        """
        cut, kept = clean(boxes, *size, min_side=self.least)
        if good is not None:
            kept &= good
        if self.invalid != "clip":
            with np.errstate(invalid="ignore"):
                kept &= (np.abs(cut - boxes) <= self.tolerance).all(1)
        if self.invalid == "raise" and not kept.all():
            raise BoxError(
                f"{describe(int(np.argmin(kept)))}, which must have area and lie in the image of "
                f'{size[1]} x {size[0]} pixels; invalid="skip" or "clip" does without'
            )
        return cut, kept


def describe_box(where: str, place: int, name: str, box: Sequence[float]) -> str:
    """How a complaint begins."""
    sides = ", ".join(f"{side:g}" for side in box)
    return f"{where}: object {place}, a {name}, has the box {sides}"

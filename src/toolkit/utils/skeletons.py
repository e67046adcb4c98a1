"""The joints of bodies: their names, what joins them, and what each is in a mirror."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

SIDES: Mapping[str, str] = {"left": "right", "right": "left"}


@dataclass(frozen=True)
class Skeleton:
    """What is known of the joints of one kind of body.

    Raises:
        ValueError: a name is given twice, or a number does not fit.
    """

    labels: tuple[str, ...]  # names of the joints; those of two sides tell by "left" and "right"
    bones: tuple[tuple[int, int], ...] = ()  # joints that a line joins in a drawing
    upper: tuple[int, ...] = ()  # joints above the hips
    # How far people put a joint from where it is, as a share of the root of the body's area.
    deviations: tuple[float, ...] | None = None

    def __post_init__(self) -> None:
        if len(set(self.labels)) != len(self.labels):
            raise ValueError(f"a name of a joint is given twice: {', '.join(self.labels)}")
        joints = [*self.upper, *(joint for bone in self.bones for joint in bone)]
        if joints and not 0 <= min(joints) <= max(joints) < len(self.labels):
            raise ValueError(f"joints {min(joints)} to {max(joints)} of {len(self.labels)} joints")
        if self.deviations is not None and len(self.deviations) != len(self.labels):
            raise ValueError(f"{len(self.deviations)} deviations of {len(self.labels)} joints")

    @property
    def mirror(self) -> tuple[int, ...]:
        """What each joint is in the mirror image, by the names."""
        return mirror_of(self.labels)


def mirror_of(labels: Sequence[str]) -> tuple[int, ...]:
    """The index of what each joint becomes in a mirror: ``left eye`` what ``right eye`` is.

    Raises:
        ValueError: one of a side has no counterpart.
    """
    places = {name: place for place, name in enumerate(labels)}
    others = [re.sub(r"left|right", lambda side: SIDES[side[0]], name) for name in labels]
    for name, other in zip(labels, others, strict=True):
        if other not in places:
            raise ValueError(f"joint {name!r} has no counterpart {other!r} in a mirror")
    return tuple(places[other] for other in others)


# Lin et al., 2014, arXiv 1405.0312; deviations are those of the official evaluation.
COCO_PERSON = Skeleton(
    labels=(
        *("nose", "left eye", "right eye", "left ear", "right ear"),
        *("left shoulder", "right shoulder", "left elbow", "right elbow"),
        *("left wrist", "right wrist", "left hip", "right hip"),
        *("left knee", "right knee", "left ankle", "right ankle"),
    ),
    bones=(
        *((15, 13), (13, 11), (16, 14), (14, 12), (11, 12), (5, 11), (6, 12), (5, 6)),
        *((5, 7), (6, 8), (7, 9), (8, 10), (1, 2), (0, 1), (0, 2), (1, 3), (2, 4)),
        *((3, 5), (4, 6)),
    ),
    upper=tuple(range(11)),
    deviations=(
        *(0.026, 0.025, 0.025, 0.035, 0.035, 0.079, 0.079, 0.072, 0.072),
        *(0.062, 0.062, 0.107, 0.107, 0.087, 0.087, 0.089, 0.089),
    ),
)


def find_skeleton(labels: Sequence[str]) -> Skeleton:
    """COCO's person, where the names are its; else what the names alone tell."""
    names = tuple(labels)
    return COCO_PERSON if names == COCO_PERSON.labels else Skeleton(names)

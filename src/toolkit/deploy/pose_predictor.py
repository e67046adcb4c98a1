"""Poses of all persons in a picture: a detector, then a pose estimator in its boxes."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from toolkit.data.vision import ImageError, read_image
from toolkit.deploy.detection import Detection
from toolkit.deploy.mirroring import MirrorAverage
from toolkit.deploy.pose import Pose
from toolkit.deploy.predictor import ON_ERROR, Predictor, is_one
from toolkit.utils.registry import unknown

_log = logging.getLogger(__name__)


class PosePredictor:
    """Finds bodies in pictures, and the joints of each.

    Args:
        detector: Finds bodies: a ``Predictor`` of objects, or what makes one.
        pose: Finds their joints: a ``Predictor`` of poses, or what makes one.
        pretrained: For the name of a pose estimator: which weights, as in ``get_model``.
        label: Of what is looked for among the objects.
        least: Score of an object, at least.
        flip: Looks at each mirrored body, too: ``MirrorAverage``.

    Raises:
        ValueError: the detector finds no objects, none of that label, or the pose estimator no
            poses; and what ``Predictor`` raises.
    """

    kind = "poses"

    def __init__(
        self,
        detector: Any,
        pose: Any,
        *,
        pretrained: Any = True,
        label: str = "person",
        least: float = 0.5,
        flip: bool = False,
    ) -> None:
        self.detector = detector if isinstance(detector, Predictor) else Predictor(detector)
        self.pose = pose if isinstance(pose, Predictor) else Predictor(pose, pretrained=pretrained)
        for predictor, kind in ((self.detector, "objects"), (self.pose, "poses")):
            if predictor.kind != kind:
                name = predictor.runner.manifest.name
                raise ValueError(f"{name} finds {predictor.kind}, where {kind} are wanted")
        if self.detector.labels is not None and label not in self.detector.labels:
            raise ValueError(unknown("label of the detector", label, self.detector.labels))
        if flip:
            runner = MirrorAverage(self.pose.runner, self.pose.labels)
            self.pose = Predictor(runner, preset=self.pose.preset, labels=self.pose.labels)
        self.label, self.least = label, least
        self.labels = self.pose.labels
        self.skipped = 0  # pictures that could not be read

    def __call__(self, images: Any, top: int | None = None) -> list[Any]:
        """Finds the poses in one picture or in many, of any sizes.

        Args:
            images: As ``Predictor`` takes them.
            top: How many at most; default 100.

        Returns:
            For one picture a list of ``Pose``, in the order of the boxes' scores; for many a list
            of such lists.

        Raises:
            ImageError: a picture cannot be read; the message says which and why.
            ValueError: ``top`` is below 1.
        """
        if is_one(images):
            return next(self.stream([images], top))
        return list(self.stream(images, top))

    predict = __call__

    def stream(
        self, images: Iterable[Any], top: int | None = None, *, on_error: str = "raise"
    ) -> Iterator[list[Pose]]:
        """The same for any number of pictures, one result after the other.

        With ``on_error="skip"`` a picture that cannot be read gives an empty list and a logged
        warning.
        """
        if on_error not in ON_ERROR:
            raise ValueError(unknown("on_error", on_error, ON_ERROR))
        for source in images:
            try:
                image = read_image(source)
            except ImageError as error:
                if on_error == "raise":
                    raise
                _log.warning("skipped: %s", error)
                self.skipped += 1
                yield []
            else:
                yield self._poses(image, top)

    def _poses(self, image: np.ndarray, top: int | None) -> list[Pose]:
        found = [one for one in self.detector(image) if self._wanted(one)][:top]
        poses = self.pose(image, boxes=[one.box for one in found])
        return [
            replace(pose, score=pose.score * one.score, label=one.label)
            for pose, one in zip(poses, found, strict=True)
        ]

    def _wanted(self, one: Detection) -> bool:
        x0, y0, x1, y1 = one.box
        return one.label == self.label and one.score >= self.least and x1 > x0 and y1 > y0

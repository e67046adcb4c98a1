"""What R-CNNs are to predict: Ren et al., 2015, https://arxiv.org/abs/1506.01497."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import mxnet as mx
import numpy as np

from toolkit.nn.coder import STDS, encode_boxes
from toolkit.nn.matcher import compose, match_best, match_maximum
from toolkit.nn.roi_align import SAMPLES
from toolkit.nn.sampler import sample_quota
from toolkit.utils.boxes import area, iou, to_center

PLAIN = (1.0,) * 4  # deviations of the codes of proposals


@dataclass(frozen=True, eq=False)
class ProposalTargets:
    """Makes the targets of a ``RegionProposer``, section 3.1.2.

    An anchor stands for an object that it overlaps by ``above``, or as much as any anchor does; it
    is background where it overlaps none by ``below``. Of both some are drawn. Anchors that are not
    within their image are not learned from.

    Raises:
        ValueError: on call, for images of a size whose anchors are not known.
    """

    anchors: Callable[[tuple[int, int]], np.ndarray]  # of an image of (height, width), (A, 4)
    count: int = 256  # anchors of an image that are learned from
    positive: float = 0.5  # largest share of objects among them
    above: float = 0.7
    below: float = 0.3

    def __call__(
        self,
        boxes: np.ndarray,
        ids: np.ndarray,
        sizes: np.ndarray,
        size: tuple[int, int],
        rng: np.random.Generator,
    ) -> tuple[np.ndarray, np.ndarray]:
        """Makes the targets of a batch.

        Args:
            boxes: ``(N, R, 4)`` corners in pixels of the images that the network sees.
            ids: ``(N, R)`` class indices; rows below 0 are filling.
            sizes: ``(N, 2)``, height and width of what is picture in each image, from its upper
                left corner on; the rest is filling.
            size: Height and width of all images.
            rng: Where chance comes from.

        Returns:
            Classes ``(N, A)`` float32: 1 for an object, 0 for background, -1 for what counts
            nothing; codes ``(N, A, 4)`` float32, 0 but for objects.
        """
        anchors = self.anchors(size)
        classes = np.full((len(boxes), len(anchors)), -1, np.float32)
        codes = np.zeros((*classes.shape, 4), np.float32)
        for place, (rows, picture) in enumerate(zip(_objects(boxes, ids), sizes, strict=True)):
            # The last pixel of an anchor is counted, as in ``region_anchors``.
            fits = (anchors[:, :2] >= 0).all(1) & (anchors[:, 2:] < picture[::-1]).all(1)
            inside = np.flatnonzero(fits)
            self._fill((classes[place], codes[place]), (anchors, inside), rows[0], rng)
        return classes, codes

    def _fill(
        self,
        targets: tuple[np.ndarray, np.ndarray],
        among: tuple[np.ndarray, np.ndarray],
        boxes: np.ndarray,
        rng: np.random.Generator,
    ) -> None:
        """Puts an image's targets into its arrays."""
        (classes, codes), (anchors, inside) = targets, among
        overlaps = iou(anchors[inside], boxes)
        matches = compose(match_best(overlaps), match_maximum(overlaps, self.above))
        drawn = _draw(self, overlaps, matches, rng, below=self.below)
        classes[inside] = np.where(drawn, drawn > 0, -1)
        found = drawn > 0
        codes[inside[found]] = encode_boxes(
            to_center(boxes[matches[found]]), to_center(anchors[inside[found]]), PLAIN
        )


@dataclass(frozen=True)
class RegionTargets:
    """Draws the regions that a head learns from, and makes their targets: section 3.2.

    A region stands for the object that it overlaps most, where that is by ``above``, else for
    background. The objects' own boxes are among them, so that there is something to learn from
    while the proposals are poor.

    Raises:
        ValueError: there are no regions, or the share of objects is out of range.
    """

    count: int = 128  # regions of an image that are learned from
    positive: float = 0.25  # largest share of objects among them
    above: float = 0.5
    stds: tuple[float, ...] = STDS  # of the four codes

    def __post_init__(self) -> None:
        if self.count < 1 or not 0 < self.positive <= 1:
            raise ValueError(
                f"there must be regions, and a share of objects in (0, 1], got {self.count!r} and "
                f"{self.positive!r}"
            )

    @property
    def most(self) -> int:
        """The largest number of an image's regions that stand for objects; they come first."""
        return round(self.positive * self.count)

    def __call__(
        self, rois: np.ndarray, boxes: np.ndarray, ids: np.ndarray, rng: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Makes the targets of a batch.

        Args:
            rois: ``(N, P, 4)`` corners of proposed regions; those without area are none.
            boxes: ``(N, R, 4)`` corners of the objects.
            ids: ``(N, R)`` class indices; rows below 0 are filling.
            rng: Where chance comes from.

        Returns:
            Regions ``(N, count, 4)``, those of objects first, filled up with 0; classes
            ``(N, count)``: 0 for background, else the class index plus 1, -1 for filling; codes
            ``(N, count, 4)``, 0 but for objects; the object's row in ``boxes`` ``(N, count)``, 0
            where there is none. All float32.
        """
        regions = np.zeros((len(rois), self.count, 4), np.float32)
        classes = np.full(regions.shape[:2], -1, np.float32)
        codes, rows = np.zeros_like(regions), np.zeros_like(classes)
        for place, (objects, kinds, where) in enumerate(_objects(boxes, ids)):
            among = np.concatenate([rois[place][area(rois[place]) > 0], objects])
            overlaps = iou(among, objects)
            matches = match_maximum(overlaps, self.above)
            drawn = _draw(self, overlaps, matches, rng, below=self.above)
            found = np.flatnonzero(drawn > 0)
            chosen = np.concatenate([found, np.flatnonzero(drawn < 0)])
            mine, count = matches[found], len(found)
            regions[place, : len(chosen)] = among[chosen]
            classes[place, :count] = kinds[mine] + 1
            classes[place, count : len(chosen)] = 0
            rows[place, :count] = where[mine]
            centers = to_center(objects[mine]), to_center(among[found])
            codes[place, :count] = encode_boxes(*centers, self.stds)
        return regions, classes, codes, rows


def _draw(
    targets: ProposalTargets | RegionTargets,
    overlaps: np.ndarray,
    matches: np.ndarray,
    rng: np.random.Generator,
    *,
    below: float,
) -> np.ndarray:
    """Which rows of ``(A, R)`` overlaps are learned from, as ``sample_quota`` says it."""
    return sample_quota(
        matches,
        overlaps.max(1, initial=0.0),
        rng,
        count=targets.count,
        positive=targets.positive,
        above=targets.above,
        below=(0.0, below),
    )


def _objects(boxes: np.ndarray, ids: np.ndarray) -> Any:
    """Of each image, the boxes of objects that have area, their class indices and rows."""
    for corners, kinds in zip(boxes, ids, strict=True):
        rows = np.flatnonzero((kinds >= 0) & (area(corners) > 0))
        yield corners[rows].astype(np.float32), kinds[rows], rows


def mask_targets(masks: Any, regions: Any, rows: Any, size: int) -> Any:
    """Cuts of objects' masks what lies in regions: He et al., 2017, 1703.06870, section 3.

    Args:
        masks: MXNet array ``(N, R, H, W)`` of 0 and 1, of any type; R is at least 1.
        regions: ``(N, P, 4)`` corners in pixels of the masks.
        rows: ``(N, P)``, the place among R of each region's object.
        size: Cells of a region, each way.

    Returns:
        ``(N, P, size, size)`` float32, the share of each cell that is the object's. No gradient
        passes.
    """
    images, objects = masks.shape[:2]
    # The place of each region's mask among those of all images.
    first = mx.nd.arange(images, ctx=masks.context).reshape((-1, 1)) * objects
    places = mx.nd.broadcast_add(rows, first).expand_dims(2)
    found = mx.nd.concat(places, regions, dim=2).reshape((-1, 5))
    planes = masks.astype("float32").reshape((-1, 1, *masks.shape[2:]))
    cut = mx.nd.contrib.ROIAlign(planes, found, (size, size), 1.0, sample_ratio=SAMPLES)
    return mx.nd.BlockGrad(cut.reshape((*rows.shape, size, size)))

"""How R-CNNs are trained: proposals and heads at once, as one step."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from toolkit.data.vision import ImagePreset, RegionBatch
from toolkit.loss import MaskLoss, RegionLoss, RegionProposalLoss
from toolkit.nn import LevelAnchors, ProposalTargets, RegionTargets, mask_targets
from toolkit.utils.training import StepResult

import mxnet as mx
import numpy as np
from mxnet import autograd

STRIDE = 32  # sides of images are multiples of it
Size = tuple[int, int]  # height and width


def proposal_targets(net: Any, sizes: Sequence[Size]) -> ProposalTargets:
    """Those of the proposals of a network, for images of any size that its anchors cover.

    The anchors of an image of height and width are known once the cells of each feature along
    either side are. ``sizes`` are of no matter.
    """
    network = net.network
    grids = []
    for grid in network.proposer.anchors:
        values = grid.anchors.data().asnumpy()
        grids.append(values.reshape(*values.shape[2:4], -1, 4))
    largest = len(grids[0]) * network.features.strides[0]
    sides = range(STRIDE, largest + 1, STRIDE)
    return ProposalTargets(LevelAnchors(grids, {side: cells(network, side) for side in sides}))


def region_batch(
    preset: ImagePreset, *, sizes: Sequence[Size] = (), mixup: float = 0.0, targets: Any = None
) -> RegionBatch:
    """What makes batches: the sizes' shorter sides are those of pictures, whatever their aspect."""
    if mixup:
        raise SystemExit("error: R-CNNs are not trained with --mixup")
    return RegionBatch(preset, tuple(min(size) for size in sizes), STRIDE, targets)


def cells(network: Any, side: int) -> list[int]:
    """Cells along a side of so many pixels, of each feature that regions are proposed on."""
    features = mx.sym.Group(network.features(mx.sym.var("data")))
    _, shapes, _ = features.infer_shape(data=(1, 3, side, side))
    return [shape[2] for shape in shapes]


@dataclass(frozen=True)
class RegionObjective:
    """A step of an R-CNN: of all proposals some are drawn, which its heads learn from.

    The loss is the sum of its parts. With ``detect`` detections are chosen, too. A batch is what
    `toolkit.data.vision.RegionBatch` makes.
    """

    targets: RegionTargets
    losses: Mapping[str, Callable[..., Any]]  # "proposals", "regions" and "masks"
    rng: np.random.Generator
    detect: bool = False

    def __call__(self, net: Any, batch: Any) -> StepResult:
        network, images = net.network, batch["images"]
        features = network.features(images)
        scores, codes, anchors = network.proposer(*features)
        rois = network.proposals(images, scores, codes, anchors)
        drawn = self.draw(rois, batch)
        loss = mx.nd.add_n(
            *self.losses["proposals"](scores, codes, *batch["targets"]),
            *self.of_regions(network, features, drawn, batch),
        )
        outputs = net(images) if self.detect else None
        return StepResult(loss, 1.0, labels=batch["labels"], outputs=outputs)

    def draw(self, rois: Any, batch: Any) -> list[Any]:
        """Regions ``(N, K, 4)``, their classes, codes and the places of their objects."""
        with autograd.pause():
            boxes, ids = (part.asnumpy() for part in batch["labels"][:2])
            made = self.targets(rois.asnumpy(), boxes, ids, self.rng)
            return [mx.nd.array(part, ctx=rois.context) for part in made]

    def of_regions(
        self, network: Any, features: Any, drawn: Sequence[Any], batch: Any
    ) -> list[Any]:
        """The losses of classes, boxes and, where the network has masks, of these."""
        regions, classes, codes, rows = drawn
        pooled = network.regions(regions, *features[: network.regions.pool.levels])
        scores, found = network.head(pooled)
        shape = classes.shape
        losses = [
            *self.losses["regions"](
                scores.reshape((*shape, -1)), found.reshape((*shape, -1, 4)), classes, codes
            )
        ]
        if network.mask_head is not None:
            most = self.targets.most  # those of objects come first
            few = pooled.reshape((*shape, *pooled.shape[1:]))[:, :most].reshape((-3, -2))
            masks = network.mask_head(few)
            side = masks.shape[-1]
            targets = mask_targets(batch["masks"], regions[:, :most], rows[:, :most], side)
            masks = masks.reshape((shape[0], most, *masks.shape[1:]))
            losses.append(self.losses["masks"](masks, classes[:, :most], targets))
        return losses


def region_objective(args: argparse.Namespace) -> tuple[RegionObjective, RegionObjective]:
    """What R-CNNs are trained for, and what is scored."""
    losses = {"proposals": RegionProposalLoss(), "regions": RegionLoss(), "masks": MaskLoss()}
    for loss in losses.values():
        loss.hybridize()
    rng = np.random.default_rng(args.seed)
    trained = RegionObjective(RegionTargets(args.regions), losses, rng)
    return trained, replace(trained, detect=True)

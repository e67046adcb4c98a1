"""How the detectors of each task are trained: one row a family."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from toolkit.data.vision import AUGMENTS, BoxAugment, BoxBatch
from toolkit.loss import HeatmapFocalLoss, MaskedL1Loss, MultiBoxLoss, YOLO3Loss
from toolkit.nn import AnchorTargets, BatchTargets, CellTargets, CenterTargets
from toolkit.utils.training import StepResult

import mxnet as mx
from mxnet import autograd
from region_training import proposal_targets, region_batch, region_objective

Size = tuple[int, int]  # height and width
SIZE_WEIGHT = 0.1  # of CenterNet's sizes: Zhou et al., 2019, equation 4
Objective = Callable[[Any, Any], StepResult]


@dataclass(frozen=True)
class Family:
    """What tells the training of one family from that of another.

    ``objective`` makes two functions of ``(net, batch)``: what is trained for, and what is scored,
    whose ``outputs`` are detections and whose ``labels`` are the batch's. A batch is what
    `toolkit.data.vision.BoxBatch` makes.
    """

    targets: Callable[[Any, Sequence[Size]], Any]  # of a network, for images of these sizes
    objective: Callable[[argparse.Namespace], tuple[Objective, Objective]]
    augment: BoxAugment
    stride: int  # sides of pictures are multiples of it
    preset: str = "ssd_512"  # how pictures are prepared, where the network's name does not say
    # From a preset, sizes=, mixup= and targets= to what makes batches of samples.
    batch: Callable[..., Any] = BoxBatch
    masks: bool = False  # learns masks, too
    defaults: Mapping[str, Any] = field(default_factory=dict)  # options it is known to do well with


@dataclass(frozen=True)
class Raw:
    """The objective of families whose loss is one of the network's raw predictions.

    ``loss`` maps those, and a batch, to a loss and what its sum is divided by.
    """

    loss: Callable[[Sequence[Any], Mapping[str, Any]], tuple[Any, float]]
    detect: bool = False  # chooses detections, too

    def __call__(self, net: Any, batch: Any) -> StepResult:
        raw = net.network(batch["images"])
        loss, count = self.loss(raw, batch)
        outputs = net.postprocess(*raw) if self.detect else None
        return StepResult(loss, count, labels=batch["labels"], outputs=outputs)


def pair(loss: Callable[..., tuple[Any, float]]) -> tuple[Objective, Objective]:
    """What is trained for and what is scored, of one loss."""
    return Raw(loss), Raw(loss, detect=True)


def raw_predictions(net: Any, size: Size) -> Sequence[Any]:
    """What a network says of a black image: its anchors are the same for all."""
    with autograd.predict_mode():
        return net.network(mx.nd.zeros((1, 3, *size)))


def anchor_targets(net: Any, sizes: Sequence[Size]) -> BatchTargets:
    """SSD's, on the anchors that the network gives for each size."""
    makers = {size: AnchorTargets(raw_predictions(net, size)[2][0].asnumpy()) for size in sizes}
    return BatchTargets(makers)


def cell_targets(net: Any, sizes: Sequence[Size]) -> BatchTargets:
    """YOLOv3's, on the priors that the network gives for each size."""
    makers = {size: CellTargets(raw_predictions(net, size)[2][0].asnumpy()) for size in sizes}
    return BatchTargets(makers, weighted=True)


def center_targets(net: Any, sizes: Sequence[Size]) -> BatchTargets:
    """CenterNet's, on the network's grid."""
    make = partial(CenterTargets, net.classes, stride=net.network.stride)
    return BatchTargets({size: make(size) for size in sizes})


def ssd_objective(args: argparse.Namespace) -> tuple[Objective, Objective]:
    """MultiBox loss. It is divided by the objects' anchors already, so each batch counts as 1."""
    loss = MultiBoxLoss(least=args.negatives)
    loss.hybridize()

    def of(raw: Sequence[Any], batch: Mapping[str, Any]) -> tuple[Any, float]:
        return loss(raw[0], raw[1], *batch["targets"]), 1.0

    return pair(of)


def yolo3_objective(args: argparse.Namespace) -> tuple[Objective, Objective]:
    """YOLOv3's loss, the mean over images of the sum of its four parts."""
    loss = YOLO3Loss(smoothing=args.smoothing)
    loss.hybridize()

    def of(raw: Sequence[Any], batch: Mapping[str, Any]) -> tuple[Any, float]:
        parts = loss(*raw, batch["labels"][0], *batch["targets"])
        return mx.nd.add_n(*parts), float(len(parts[0]))

    return pair(of)


def center_net_objective(args: argparse.Namespace) -> tuple[Objective, Objective]:
    """Centres, sizes and offsets, each divided by the objects already: a batch counts as 1."""
    of_centers, of_cells = HeatmapFocalLoss(), MaskedL1Loss()
    of_centers.hybridize()
    of_cells.hybridize()

    def of(raw: Sequence[Any], batch: Mapping[str, Any]) -> tuple[Any, float]:
        (scores, sizes, offsets), (heat, *cells, mask) = raw, batch["targets"]
        of_sizes, of_offsets = map(of_cells, (sizes, offsets), cells, (mask, mask))
        return of_centers(scores, heat) + SIZE_WEIGHT * of_sizes + of_offsets, 1.0

    return pair(of)


_REGIONS = Family(
    proposal_targets,
    region_objective,
    AUGMENTS["rcnn"],
    1,
    preset="rcnn_600",
    batch=region_batch,
    defaults={"batch_size": 2},
)

FAMILIES: Mapping[str, Family] = {
    "ssd": Family(anchor_targets, ssd_objective, AUGMENTS["ssd"], 1),
    "yolo3": Family(cell_targets, yolo3_objective, AUGMENTS["yolo3"], 32),
    "center_net": Family(center_targets, center_net_objective, AUGMENTS["center_net"], 32),
    "faster_rcnn": _REGIONS,
    "mask_rcnn": replace(_REGIONS, masks=True),
}

"""YOLOv3: Redmon and Farhadi, 2018, https://arxiv.org/abs/1804.02767."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from itertools import pairwise
from typing import Any

import mxnet as mx
import numpy as np
from mxnet.gluon import HybridBlock
from mxnet.gluon.nn import BatchNorm, Conv2D, HybridSequential

from toolkit.model_zoo.registry import TASKS
from toolkit.model_zoo.tasks.detector import Classes, Detector, check_classes, renew
from toolkit.nn.constant import constant
from toolkit.nn.containers import sequence
from toolkit.nn.conv import ConvNormAct, Norm, leaky_relu
from toolkit.nn.nms import ClassNMS, Suppression

Shapes = Sequence[tuple[float, float]]  # widths and heights, in pixels

# Of the paper: clusters of COCO's boxes. VOC's networks were published with the same.
ANCHORS: tuple[Shapes, ...] = (
    ((10, 13), (16, 30), (33, 23)),
    ((30, 61), (62, 45), (59, 119)),
    ((116, 90), (156, 198), (373, 326)),
)
CHANNELS = (128, 256, 512)
CELLS = 128  # of the grids, each way: images of up to 128 strides of the finest feature
CODES = 4  # outputs of an anchor before its scores: two for the centre, two for the size
# Bias of there being an object, a probability of a hundredth: Lin et al., 2017,
# https://arxiv.org/abs/1708.02002, section 3.3. From a half, all of the first hundreds of updates
# go into thousands of anchors that have none.
RARE = -4.6


class CellGrid(HybridBlock):
    """Gives the cells of a feature with the anchors in them, cut from a grid made once.

    Shapes and grid are constants of the graph, so that an exported network takes images of any size
    up to that of the grid.

    Args:
        shapes: Of the anchors.
        stride: Pixels from one cell to the next.
    """

    def __init__(self, shapes: Shapes, stride: int) -> None:
        super().__init__()
        self._stride = stride
        rows, columns = np.indices((CELLS, CELLS), np.float32)
        places = np.stack([columns, rows], -1)[None, None]
        sizes = np.asarray(shapes, np.float32)[None, None]
        self.anchors = constant(self, "anchors", sizes)
        self.offsets = constant(self, "offsets", places)

    def hybrid_forward(self, F: Any, feature: Any, anchors: Any, offsets: Any) -> Any:
        """Maps a feature ``(N, C, H, W)`` to priors ``(1, H * W * A, 5)``, row by row.

        A prior is left, top and side of the cell, width and height of the anchor.
        """
        cells = F.reshape(F.slice_like(offsets, feature, axes=(2, 3)), (1, -1, 1, 2))
        corners = F.broadcast_add(cells * self._stride, F.zeros_like(anchors))
        sizes = F.broadcast_add(F.zeros_like(cells), anchors)
        sides = F.ones_like(F.slice_axis(sizes, axis=-1, begin=0, end=1)) * self._stride
        return F.reshape(F.concat(corners, sides, sizes, dim=-1), (1, -1, 5))


class DetectionBlock(HybridBlock):
    """Five convolutions, 1x1 and 3x3 by turns, and one more on the way to the predictions."""

    def __init__(self, in_channels: int, channels: int, norm: Norm) -> None:
        super().__init__()
        conv = partial(ConvNormAct, norm=norm, act=leaky_relu)
        self.body = sequence(
            conv(in_channels, channels),
            conv(channels, channels * 2, 3),
            conv(channels * 2, channels),
            conv(channels, channels * 2, 3),
            conv(channels * 2, channels),
        )
        self.tip = conv(channels, channels * 2, 3)

    def hybrid_forward(self, F: Any, x: Any) -> tuple[Any, Any]:
        """Gives what goes on to the finer feature, and twice as many channels to predict from."""
        x = self.body(x)
        return x, self.tip(x)


class YOLO3Network(HybridBlock):
    """Predicts, at every anchor, whether there is an object, of which class, and its box.

    ``blocks``, ``heads`` and ``grids`` are coarsest first, in the order they run in.

    Args:
        backbone: Maps images to a list of features; the last three are used.
        classes: Number of classes.
        channels: Of the detection blocks, finest first.
        anchors: Widths and heights at each feature, finest first.
        norm: Makes the normalizations, given ``in_channels``.
    """

    def __init__(
        self,
        backbone: HybridBlock,
        classes: int,
        *,
        channels: Sequence[int],
        anchors: Sequence[Shapes],
        norm: Norm,
    ) -> None:
        super().__init__()
        self._widths = tuple(reversed(channels))
        self._anchors_per_cell = tuple(len(shapes) for shapes in reversed(anchors))
        self.backbone = backbone
        self.blocks = HybridSequential()
        self.transitions = HybridSequential()
        self.grids = HybridSequential()
        before = 0
        levels = len(self._widths)
        taken = zip(
            self._widths,
            reversed(anchors),
            reversed(backbone.channels[-levels:]),
            reversed(backbone.strides[-levels:]),
            strict=True,
        )
        for width, shapes, given, stride in taken:
            if before:
                self.transitions.add(ConvNormAct(before, width, norm=norm, act=leaky_relu))
            self.blocks.add(DetectionBlock(given + (width if before else 0), width, norm))
            self.grids.add(CellGrid(shapes, stride))
            before = width
        self.heads = self._heads(classes)

    def _heads(self, classes: int) -> HybridSequential:
        """A convolution for each feature, with four codes and the scores for each anchor."""
        heads = HybridSequential()
        outputs = np.zeros(CODES + 1 + classes, np.float32)
        outputs[CODES] = RARE
        for width, anchors in zip(self._widths, self._anchors_per_cell, strict=True):
            biases = mx.init.Constant(np.tile(outputs, anchors))
            heads.add(
                Conv2D(anchors * len(outputs), 1, in_channels=width * 2, bias_initializer=biases)
            )
        return heads

    def hybrid_forward(self, F: Any, x: Any) -> tuple[Any, Any, Any]:
        """Maps images ``(N, 3, H, W)`` to predictions at A anchors, coarsest feature first.

        Returns scores ``(N, A, 1 + classes)`` before the sigmoid, that of there being an object
        first; box codes ``(N, A, 4)``; priors ``(1, A, 5)``: left, top and side of the cell, width
        and height of the anchor.
        """
        features = self.backbone(x)[-len(self._widths) :][::-1]
        tips, route = [], None
        for level, feature in enumerate(features):
            if level:
                finer = F.UpSampling(
                    self.transitions[level - 1](route), scale=2, sample_type="nearest"
                )
                feature = F.concat(F.slice_like(finer, feature, axes=(2, 3)), feature, dim=1)
            route, tip = self.blocks[level](feature)
            tips.append(tip)
        found = F.concat(*self._predict(F, tips), dim=1)
        priors = F.concat(*(grid(tip) for grid, tip in zip(self.grids, tips, strict=True)), dim=1)
        scores = F.slice_axis(found, axis=2, begin=CODES, end=None)
        return scores, F.slice_axis(found, axis=2, begin=0, end=CODES), priors

    def _predict(self, F: Any, tips: list[Any]) -> list[Any]:
        outputs = self.heads[0]._channels // self._anchors_per_cell[0]
        return [
            F.reshape(F.transpose(head(tip), axes=(0, 2, 3, 1)), (0, -1, outputs))
            for head, tip in zip(self.heads, tips, strict=True)
        ]

    def reset_classes(self, classes: int, reuse: Mapping[int, int]) -> None:
        """Puts new heads in place; ``reuse`` maps new class indices to old ones.

        What predicts boxes and whether there is an object is kept.
        """
        old, first = self.heads, CODES + 1
        kept = {first + a: first + b for a, b in reuse.items()}
        if old[0].weight._data is not None:
            kept |= {output: output for output in range(first)}
        before = old[0]._channels // self._anchors_per_cell[0]
        heads = self._heads(classes)
        for theirs, ours, anchors in zip(old, heads, self._anchors_per_cell, strict=True):
            pairs = {
                anchor * (first + classes) + a: anchor * before + b
                for anchor in range(anchors)
                for a, b in kept.items()
            }
            renew(theirs, ours, pairs)
        self.heads = heads


class YOLO3Postprocess(HybridBlock):
    """Turns what ``YOLO3Network`` predicts into detections."""

    def __init__(self, classes: int, suppression: Suppression) -> None:
        super().__init__()
        self.nms = ClassNMS(classes, suppression)

    def hybrid_forward(self, F: Any, scores: Any, codes: Any, priors: Any) -> Any:
        """Gives class indices ``(N, K, 1)``, scores ``(N, K, 1)`` and corners ``(N, K, 4)``."""

        def part(x: Any, begin: int, end: int | None) -> Any:
            return F.slice_axis(x, axis=2, begin=begin, end=end)

        probs = F.Activation(scores, act_type="sigmoid")
        probs = F.broadcast_mul(part(probs, 1, None), part(probs, 0, 1))
        places = F.Activation(part(codes, 0, 2), act_type="sigmoid")
        places = F.broadcast_mul(places, part(priors, 2, 3))
        centers = F.broadcast_add(places, part(priors, 0, 2))
        halves = F.broadcast_mul(F.exp(part(codes, 2, 4)), part(priors, 3, 5)) / 2
        return self.nms(probs, F.concat(centers - halves, centers + halves, dim=2))


class YOLO3(Detector):
    """Finds objects in one pass, on three features of which each hears from the coarser one.

    Args:
        backbone: Maps images to a list of features, of which the last are used, as many as there
            are ``channels``.
        classes: Number of classes, or their names.
        channels: Of the detection blocks, finest first.
        anchors: Widths and heights in pixels at each feature, finest first; as many at each.
        norm: Makes the normalizations of what is not backbone, given ``in_channels``.
        suppression: How detections are chosen.

    Raises:
        ValueError: no classes; the backbone lacks features, or they do not halve; or the anchors do
            not fit them.
    """

    def __init__(
        self,
        backbone: HybridBlock,
        classes: Classes,
        *,
        channels: Sequence[int] = CHANNELS,
        anchors: Sequence[Shapes] = ANCHORS,
        norm: Norm = BatchNorm,
        suppression: Suppression | None = None,
    ) -> None:
        count, names = check_classes(classes)
        _check_levels(backbone.strides, channels, anchors)
        network = YOLO3Network(backbone, count, channels=channels, anchors=anchors, norm=norm)
        super().__init__(network, YOLO3Postprocess(count, suppression or Suppression()), count)
        self._labels = names


def _check_levels(
    strides: Sequence[int], channels: Sequence[int], anchors: Sequence[Shapes]
) -> None:
    """Raises ValueError where features, channels and anchors are not made for each other."""
    levels = len(channels)
    counts = [len(shapes) for shapes in anchors]
    if len(counts) != levels or len(set(counts)) != 1 or not counts[0]:
        raise ValueError(
            f"anchors must be given for {levels} features, as many as there are channels, and "
            f"equally many at each; got {counts}"
        )
    used = tuple(strides[-levels:])
    if len(used) < levels or any(2 * a != b for a, b in pairwise(used)):
        raise ValueError(
            f"the backbone's last {levels} features must each have twice the stride of the one "
            f"before; its strides are {tuple(strides)}"
        )


TASKS.add("yolo3", YOLO3)

"""Faster R-CNN: Ren et al., 2015, https://arxiv.org/abs/1506.01497, with or without a pyramid."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mxnet.gluon import HybridBlock
from mxnet.gluon.nn import AvgPool2D, BatchNorm

from toolkit.model_zoo.registry import TASKS
from toolkit.model_zoo.tasks.detector import Classes, Detector, check_classes, renew
from toolkit.model_zoo.tasks.rcnn_layouts import Layout, RCNNLayout, find_layout
from toolkit.nn.backbone import Stages
from toolkit.nn.coder import BoxDecoder
from toolkit.nn.containers import sequence
from toolkit.nn.conv import Norm
from toolkit.nn.nms import ClassNMS, Suppression
from toolkit.nn.norm import UnscaledNorm
from toolkit.nn.pool import AdaptiveAvgPool
from toolkit.nn.proposals import Proposals, RegionProposer
from toolkit.nn.pyramid import FeaturePyramid
from toolkit.nn.region_head import BoxHead, MaskHead, box_layers, conv_layers, dense_layers
from toolkit.nn.roi_align import RoIAlign

BOX_CHANNELS = 1024  # of the layers that tell boxes in a double head


class RCNNFeatures(HybridBlock):
    """The features that regions are proposed on and looked up in.

    Args:
        backbone: Maps images to a list of features.
        layout: Whether there is a pyramid, and of how many of them. Without one, the last feature
            is taken.
    """

    def __init__(self, backbone: HybridBlock, layout: RCNNLayout) -> None:
        super().__init__()
        self.backbone = backbone
        self._levels = layout.levels if layout.pyramid else 1
        strides = tuple(backbone.strides[-self._levels :])
        self.pyramid: FeaturePyramid | None = None
        self.channels, self.strides = backbone.channels[-1], strides
        if layout.pyramid:
            self.channels, self.strides = layout.pyramid, (*strides, 2 * strides[-1])
            self.pyramid = FeaturePyramid(
                backbone.channels[-self._levels :],
                layout.pyramid,
                norm=UnscaledNorm if layout.normalize else None,
                use_bias=layout.pyramid_bias,
            )

    def hybrid_forward(self, F: Any, x: Any) -> list[Any]:
        """Maps images ``(N, 3, H, W)`` to features of ``channels`` at ``strides``."""
        features = self.backbone(x)[-self._levels :]
        return features if self.pyramid is None else self.pyramid(*features)


class RegionFeatures(HybridBlock):
    """Looks regions up in the features.

    Args:
        pool: Gives features of regions.
        top: Applied to these; None for nothing.
    """

    def __init__(self, pool: RoIAlign, top: HybridBlock | None = None) -> None:
        super().__init__()
        self.pool = pool
        self.top = top

    def hybrid_forward(self, F: Any, rois: Any, *features: Any) -> Any:
        """Maps regions ``(N, R, 4)``, corners in pixels, and features to ``(N * R, C, S, S)``."""
        x = self.pool(rois, *features)
        return x if self.top is None else self.top(x)


class RCNNNetwork(HybridBlock):
    """Proposes regions and says of each what it is and where its box is.

    Its parts are there for training, which samples the regions in between: ``features``,
    ``proposer``, ``proposals``, ``regions``, ``head`` and ``mask_head``.

    Args:
        backbone: Maps images to a list of features. Without a pyramid its last stage is taken off
            and run on regions.
        classes: Number of classes.
        layout: How the parts are arranged.
        masks: With a head for masks, which ``hybrid_forward`` leaves alone.
    """

    def __init__(
        self, backbone: HybridBlock, classes: int, *, layout: RCNNLayout, masks: bool = False
    ) -> None:
        super().__init__()
        channels = layout.pyramid or backbone.channels[-1]
        top = None if layout.pyramid else take_last_stage(backbone)
        self.features = RCNNFeatures(backbone, layout)
        strides = self.features.strides
        sides = [(side,) for side in layout.sides] if layout.pyramid else [layout.sides]
        self.proposer = RegionProposer(
            self.features.channels,
            layout.between,
            strides=strides,
            sides=sides,
            cells=layout.cells,
        )
        self.proposals = Proposals(layout.proposals, clip=layout.clip)
        pool = RoIAlign(layout.size, strides[:-1] if layout.pyramid else strides)
        self.regions = RegionFeatures(pool, top)
        self.head = box_head(channels, classes, layout)
        self.mask_head = mask_head(channels, classes, layout) if masks else None

    def hybrid_forward(self, F: Any, x: Any) -> tuple[Any, ...]:
        """Maps images ``(N, 3, H, W)`` to predictions for R regions each.

        Returns scores ``(N, R, classes + 1)`` before softmax, background first; codes
        ``(N, R, classes, 4)``; regions ``(N, R, 4)``, corners, -1 where there is none; then what
        they were proposed by: scores ``(N, A)`` before the sigmoid, codes ``(N, A, 4)`` and corners
        ``(1, A, 4)`` of anchors; then the features.
        """
        features = self.features(x)
        scores, codes, anchors = self.proposer(*features)
        rois = self.proposals(x, scores, codes, anchors)
        classes, boxes = self.head(self.regions(rois, *features))
        rows = {"lhs_begin": 0, "lhs_end": 1, "rhs_begin": 0, "rhs_end": 2}
        classes = F.reshape_like(classes, rois, **rows)
        boxes = F.reshape_like(F.reshape(boxes, (0, -1, 4)), rois, **rows)
        return (classes, boxes, rois, scores, codes, anchors, *features)

    def reset_classes(self, classes: int, reuse: Mapping[int, int]) -> None:
        """Puts new last layers in place; ``reuse`` maps new class indices to old ones."""
        head = self.head
        scores, codes = head.outputs(classes)
        kept = {0: 0, **{a + 1: b + 1 for a, b in reuse.items()}} if reuse else {}
        renew(head.scores, scores, kept)
        if head.per_class:
            pairs = {4 * a + i: 4 * b + i for a, b in reuse.items() for i in range(4)}
            renew(head.codes, codes, pairs)
            head.codes = codes
        head.scores = scores
        if self.mask_head is not None:
            masks = self.mask_head.outputs(classes)
            renew(self.mask_head.output, masks, reuse)
            self.mask_head.output = masks


def take_last_stage(backbone: HybridBlock) -> HybridBlock:
    """Takes the last of a backbone's ``stages`` off and gives it.

    Raises:
        ValueError: the backbone has no stages to part with.
    """
    stages = list(getattr(backbone, "stages", ()))
    if len(stages) != len(backbone.channels) or len(stages) < 2:
        raise ValueError(
            f"{type(backbone).__name__} does not end in a stage that could be run on regions: give "
            "a layout with a pyramid"
        )
    backbone.stages = Stages([stage] for stage in stages[:-1])
    backbone.channels, backbone.strides = backbone.channels[:-1], backbone.strides[:-1]
    return stages[-1]


def mask_head(channels: int, classes: int, layout: RCNNLayout) -> MaskHead:
    """The masks' head of a layout, for regions' features of so many channels."""
    norm = BatchNorm if layout.normalize else None
    return MaskHead(channels, classes, depth=layout.mask_convs, norm=norm)


def box_head(channels: int, classes: int, layout: RCNNLayout) -> BoxHead:
    """The head of a layout, for regions' features of so many channels."""
    norm: Norm | None = BatchNorm if layout.normalize else None
    # A backbone's last stage halves what it is run on, too.
    halved = layout.halve or not layout.pyramid
    side, layers = layout.size // 2 if halved else layout.size, []
    if layout.halve:
        layers.append(AvgPool2D(3, 2, 1))
    if layout.convs:
        bias = norm is None or layout.conv_bias
        layers.append(conv_layers(channels, layout.convs, norm=norm, use_bias=bias))
    if layout.units:
        layers.append(dense_layers(channels * side**2, layout.units))
    else:
        layers.append(AdaptiveAvgPool())
    units = layout.units[-1] if layout.units else channels
    boxes = (box_layers(channels, BOX_CHANNELS, 2), BOX_CHANNELS) if layout.double else None
    return BoxHead(sequence(*layers), units, classes, boxes=boxes, per_class=layout.per_class)


class RCNNPostprocess(HybridBlock):
    """Turns what ``RCNNNetwork`` predicts into detections."""

    def __init__(
        self, classes: int, suppression: Suppression, *, clip: float | None, per_class: bool
    ) -> None:
        super().__init__()
        self._per_class = per_class
        self.decoder = BoxDecoder(corners=True, clip=clip)
        self.nms = ClassNMS(classes, suppression, per_class=per_class)

    def hybrid_forward(self, F: Any, scores: Any, codes: Any, rois: Any, *others: Any) -> Any:
        """Gives class indices ``(N, K, 1)``, scores ``(N, K, 1)`` and corners ``(N, K, 4)``.

        The network's ``others`` are for losses and masks.
        """
        probs = F.slice_axis(F.softmax(scores, axis=-1), axis=2, begin=1, end=None)
        probs = F.broadcast_mul(probs, F.slice_axis(rois, axis=2, begin=0, end=1) >= 0)
        anchors = F.broadcast_like(F.expand_dims(rois, 2), codes)
        # The operator takes one image's anchors.
        rows = (F.reshape(x, (1, -1, 4)) for x in (codes, anchors))
        corners = F.reshape_like(self.decoder(*rows), codes)
        return self.nms(probs, corners if self._per_class else F.reshape(corners, (0, 0, -1)))


class FasterRCNN(Detector):
    """Finds objects in two passes: where something may be, then what it is.

    Args:
        backbone: Maps images to a list of features.
        classes: Number of classes, or their names.
        layout: An ``RCNNLayout``, a name in ``LAYOUTS``, or arguments of ``make_layout``.

    Raises:
        ValueError: there is no such layout, no classes, or the backbone does not fit the layout.
    """

    _masks = False  # whether the network has a head for them

    def __init__(self, backbone: HybridBlock, classes: Classes, *, layout: Layout = "fpn") -> None:
        count, names = check_classes(classes)
        self.layout = find_layout(layout)
        network = RCNNNetwork(backbone, count, layout=self.layout, masks=self._masks)
        super().__init__(network, make_postprocess(count, self.layout), count)
        self._labels = names

    def set_proposals(self, **fields: Any) -> None:
        """Changes how regions are proposed: any fields of ``nn.ProposalRule``.

        Raises:
            TypeError: there is no such field.
            ValueError: a value is out of range.
        """
        proposals = self.network.proposals
        proposals.rule = proposals.rule.changed(**fields)
        self._forget_graphs()


def make_postprocess(classes: int, layout: RCNNLayout) -> RCNNPostprocess:
    """The last step of a layout."""
    return RCNNPostprocess(
        classes, layout.suppression, clip=layout.clip, per_class=layout.per_class
    )


TASKS.add("faster_rcnn", FasterRCNN)

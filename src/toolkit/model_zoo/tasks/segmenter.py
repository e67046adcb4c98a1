"""Semantic segmentation: a backbone, and a head that scores the classes of every pixel."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from mxnet.gluon import HybridBlock
from mxnet.gluon.nn import BatchNorm

from toolkit.model_zoo.registry import TASKS
from toolkit.model_zoo.tasks.detector import Classes, check_classes, known_labels
from toolkit.model_zoo.tasks.dual_attention import DualAttentionHead
from toolkit.model_zoo.tasks.feature_fusion import FusionHead
from toolkit.model_zoo.tasks.image_cascade import ImageCascade
from toolkit.model_zoo.tasks.segmentation_heads import (
    CellHead,
    DeepLabHead,
    DeepLabPlusHead,
    FCNHead,
    JoinedHead,
    PSPHead,
)
from toolkit.nn.conv import Norm
from toolkit.nn.resize import resize_like
from toolkit.utils.registry import unknown

Head = Callable[..., HybridBlock]  # of a backbone, the number of classes, and norm=


class SegmentationNetwork(HybridBlock):
    """Scores of the classes of every pixel: those of a head, then those that only training wants.

    Args:
        backbone: Maps images to a list of features.
        classes: Number of classes.
        head: Makes the head, which maps all features, finest first, to scores on a grid, or to
            several, the first the one that counts.
        auxiliary: Which feature has scores of its own in training; None for none.
        auxiliary_hidden: Channels before those; default a quarter of the feature's.
        align_corners: How scores are brought to the size of the image: see ``nn.resize_like``.
        norm: Makes the normalizations, given ``in_channels``.
    """

    def __init__(
        self,
        backbone: HybridBlock,
        classes: int,
        *,
        head: Head,
        auxiliary: int | None = None,
        auxiliary_hidden: int | None = None,
        align_corners: bool = True,
        norm: Norm = BatchNorm,
    ) -> None:
        super().__init__()
        self._corners = align_corners
        self._tap = auxiliary
        self.backbone = backbone
        self.head = head(backbone, classes, norm=norm)
        self.auxiliary: HybridBlock | None = None
        if auxiliary is not None:
            before = backbone.channels[auxiliary]
            self.auxiliary = CellHead(before, classes, hidden=auxiliary_hidden, norm=norm)

    def hybrid_forward(self, F: Any, x: Any) -> tuple[Any, ...]:
        """Maps images ``(N, 3, H, W)`` to one or several scores ``(N, classes, H, W)``."""
        features = self.backbone(x)
        found = self.head(*features)
        scores = [*found] if isinstance(found, (list, tuple)) else [found]
        if self.auxiliary is not None:
            scores.append(self.auxiliary(features[self._tap]))
        return tuple(resize_like(F, s, x, align_corners=self._corners) for s in scores)


HEADS: Mapping[str, Callable[..., HybridBlock]] = {
    "fcn": partial(SegmentationNetwork, head=FCNHead, auxiliary=-2),
    "psp": partial(SegmentationNetwork, head=PSPHead, auxiliary=-2),
    "deeplab": partial(SegmentationNetwork, head=DeepLabHead, auxiliary=-2),
    "deeplab_plus": partial(SegmentationNetwork, head=DeepLabPlusHead),
    "dual_attention": partial(SegmentationNetwork, head=DualAttentionHead),
    "joined": partial(SegmentationNetwork, head=JoinedHead, align_corners=False),
    "fusion": partial(SegmentationNetwork, head=FusionHead, auxiliary=0, auxiliary_hidden=64),
    "cascade": ImageCascade,
}


class Segmenter(HybridBlock):
    """Scores ``(N, classes, H, W)``, before softmax, of every pixel of images ``(N, 3, H, W)``.

    A loss wants what ``net.network`` gives, in training as in inference a tuple: these scores, then
    those of auxiliary heads. Their number depends on the head alone; ``cascade`` gives some on
    coarser grids.

    Args:
        backbone: Maps images to a list of features. Finer ones make finer maps:
            ``output_stride=8`` is an option of ResNets and ResNeSts.
        classes: Number of classes, or their names.
        head: A name in ``HEADS``.
        norm: Makes the normalizations of the heads, given ``in_channels``.

    Raises:
        ValueError: no classes, there is no such head, or it does not fit the backbone.
    """

    def __init__(
        self,
        backbone: HybridBlock,
        classes: Classes,
        *,
        head: str = "fcn",
        norm: Norm = BatchNorm,
    ) -> None:
        super().__init__()
        if head not in HEADS:
            raise ValueError(unknown("head", head, HEADS))
        self.classes, self._labels = check_classes(classes)
        self.network = HEADS[head](backbone, self.classes, norm=norm)

    def hybrid_forward(self, F: Any, x: Any) -> Any:
        """Maps images ``(N, 3, H, W)`` to scores ``(N, classes, H, W)``."""
        return self.network(x)[0]

    @property
    def labels(self) -> tuple[str, ...] | None:
        """Names of the classes, where they are known."""
        return known_labels(self, self._labels)

    def _build_cache(self, *args: Any) -> None:
        with warnings.catch_warnings():
            # Those of auxiliary heads: this graph does without them.
            warnings.filterwarnings("ignore", "Parameter .* is not used by any computation")
            super()._build_cache(*args)


TASKS.add("segmenter", Segmenter)

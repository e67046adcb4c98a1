"""SSD, the single-shot detector: Liu et al., 2015, https://arxiv.org/abs/1512.02325."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mxnet.gluon import HybridBlock
from mxnet.gluon.nn import Conv2D, HybridSequential
from mxnet.initializer import Xavier

from toolkit.model_zoo.registry import TASKS
from toolkit.model_zoo.tasks.detector import Classes, Detector, check_classes, renew
from toolkit.model_zoo.tasks.ssd_layouts import LAYOUTS, SSDLayout, make_layout
from toolkit.nn.anchors import AnchorGrid, grid_anchors
from toolkit.nn.coder import BoxDecoder
from toolkit.nn.conv import Norm
from toolkit.nn.extras import ExtraFeatures
from toolkit.nn.nms import ClassNMS, Suppression
from toolkit.nn.norm import UnscaledNorm
from toolkit.nn.pyramid import FeaturePyramid
from toolkit.utils.registry import unknown

LARGEST = 128  # cells of the finest anchor grid, each way; those of the next are half as many


class SSDNetwork(HybridBlock):
    """Predicts, at every anchor, scores of the classes and a box.

    Args:
        backbone: Maps images to a list of features.
        classes: Number of classes, background not among them.
        layout: Which features, which anchors.
        norm: Makes the normalizations of the pyramid and the further features, given
            ``in_channels``.
    """

    def __init__(
        self, backbone: HybridBlock, classes: int, *, layout: SSDLayout, norm: Norm = UnscaledNorm
    ) -> None:
        super().__init__()
        self._features = tuple(place % len(backbone.channels) for place in layout.features)
        self._anchors_per_cell = tuple(len(shapes) for shapes in layout.shapes())
        self._kernel_size = layout.kernel_size
        self.backbone = backbone
        taken = tuple(backbone.channels[place] for place in self._features)
        self.pyramid: FeaturePyramid | None = None
        if layout.pyramid:
            self.pyramid = FeaturePyramid(taken, layout.pyramid, norm=norm)
            taken = self.pyramid.channels
        self.extras = ExtraFeatures(taken[-1], layout.extras, norm=norm if layout.norm else None)
        self._channels = (*taken, *self.extras.channels)
        self.class_heads = self._heads(classes + 1)
        self.box_heads = self._heads(4)
        self.anchors = HybridSequential()
        for level, (shapes, step) in enumerate(zip(layout.shapes(), layout.steps, strict=True)):
            cells = max(LARGEST >> level, 16)
            self.anchors.add(AnchorGrid(grid_anchors(shapes, step, (cells, cells))))

    def _heads(self, outputs: int) -> HybridSequential:
        """A convolution for each feature, with so many outputs for each anchor."""
        heads = HybridSequential()
        for channels, anchors in zip(self._channels, self._anchors_per_cell, strict=True):
            heads.add(
                Conv2D(
                    anchors * outputs,
                    self._kernel_size,
                    padding=self._kernel_size // 2,
                    in_channels=channels,
                    weight_initializer=Xavier(magnitude=2),
                )
            )
        return heads

    def hybrid_forward(self, F: Any, x: Any) -> tuple[Any, Any, Any]:
        """Maps images ``(N, 3, H, W)`` to predictions at A anchors, finest feature first.

        Returns scores ``(N, A, classes + 1)`` before softmax, background first; box codes
        ``(N, A, 4)``; anchors ``(1, A, 4)`` as centre x, centre y, width, height.
        """
        features = self.backbone(x)
        chosen = [features[place] for place in self._features]
        if self.pyramid is not None:
            chosen = [F.relu(feature) for feature in self.pyramid(*chosen)]
        chosen += self.extras(chosen[-1])
        scores, codes = self._predict(F, chosen)
        anchors = [grid(f) for grid, f in zip(self.anchors, chosen, strict=True)]
        return scores, codes, F.concat(*anchors, dim=1)

    def _predict(self, F: Any, features: list[Any]) -> list[Any]:
        results = []
        for heads in (self.class_heads, self.box_heads):
            flat = [
                F.flatten(F.transpose(head(feature), axes=(0, 2, 3, 1)))
                for head, feature in zip(heads, features, strict=True)
            ]
            outputs = heads[0]._channels // self._anchors_per_cell[0]
            results.append(F.reshape(F.concat(*flat, dim=1), (0, -1, outputs)))
        return results

    def reset_classes(self, classes: int, reuse: Mapping[int, int]) -> None:
        """Puts new class heads in place; ``reuse`` maps new class indices to old ones."""
        old = self.class_heads
        kept = {0: 0, **{a + 1: b + 1 for a, b in reuse.items()}} if reuse else {}
        before = old[0]._channels // self._anchors_per_cell[0]
        heads = self._heads(classes + 1)
        for theirs, ours, anchors in zip(old, heads, self._anchors_per_cell, strict=True):
            pairs = {
                anchor * (classes + 1) + a: anchor * before + b
                for anchor in range(anchors)
                for a, b in kept.items()
            }
            renew(theirs, ours, pairs)
        self.class_heads = heads


class SSDPostprocess(HybridBlock):
    """Turns what ``SSDNetwork`` predicts into detections."""

    def __init__(self, classes: int, suppression: Suppression) -> None:
        super().__init__()
        self.decoder = BoxDecoder()
        self.nms = ClassNMS(classes, suppression)

    def hybrid_forward(self, F: Any, scores: Any, codes: Any, anchors: Any) -> Any:
        """Gives class indices ``(N, K, 1)``, scores ``(N, K, 1)`` and corners ``(N, K, 4)``."""
        probs = F.slice_axis(F.softmax(scores, axis=-1), axis=2, begin=1, end=None)
        return self.nms(probs, self.decoder(codes, anchors))


class SSD(Detector):
    """Finds objects in one pass over features of several resolutions.

    Args:
        backbone: Maps images to a list of features.
        classes: Number of classes, or their names.
        layout: Which features and which anchors: an ``SSDLayout``, a name in ``LAYOUTS``, the side
            of the images it is for, or a mapping of what else ``make_layout`` takes.
        norm: Makes the normalizations of the pyramid and the further features, given
            ``in_channels``.
        suppression: How detections are chosen.

    Raises:
        ValueError: there is no such layout, or no classes.
    """

    def __init__(
        self,
        backbone: HybridBlock,
        classes: Classes,
        *,
        layout: SSDLayout | Mapping[str, Any] | str | int = 512,
        norm: Norm = UnscaledNorm,
        suppression: Suppression | None = None,
    ) -> None:
        count, names = check_classes(classes)
        if isinstance(layout, str):
            if layout not in LAYOUTS:
                raise ValueError(unknown("SSD layout", layout, LAYOUTS))
            layout = LAYOUTS[layout]
        elif not isinstance(layout, SSDLayout):
            given = layout if isinstance(layout, Mapping) else {"size": layout}
            layout = make_layout(strides=backbone.strides, **given)
        network = SSDNetwork(backbone, count, layout=layout, norm=norm)
        super().__init__(network, SSDPostprocess(count, suppression or Suppression()), count)
        self._labels = names
        self.layout = layout


TASKS.add("ssd", SSD)

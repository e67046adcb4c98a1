"""Where objects may be, whatever they are: Ren et al., 2015, https://arxiv.org/abs/1506.01497."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from mxnet.gluon import HybridBlock
from mxnet.gluon.nn import Conv2D, HybridSequential
from mxnet.initializer import Normal

from toolkit.nn.anchors import AnchorGrid, region_anchors
from toolkit.nn.coder import BoxDecoder
from toolkit.nn.conv import ConvNormAct

RATIOS = (0.5, 1.0, 2.0)  # height over width


@dataclass(frozen=True)
class ProposalRule:
    """How regions are chosen among those that are proposed.

    Raises:
        ValueError: a field is not what it must be.
    """

    threshold: float = 0.7  # IoU above which the worse of two regions goes
    candidates: int = 6000  # of an image's anchors, the best that take part
    proposals: int = 1000  # regions of an image
    min_side: float = 1.0  # of a region, in pixels

    def __post_init__(self) -> None:
        if not 0 < self.threshold <= 1:
            raise ValueError(f"threshold must be in (0, 1], got {self.threshold!r}")
        if not 1 <= self.proposals <= self.candidates:
            raise ValueError(
                f"there must be at least 1 proposal and no more than candidates, got "
                f"{self.proposals!r} of {self.candidates!r}"
            )

    def changed(self, **fields: Any) -> ProposalRule:
        """The same with some fields replaced; raises TypeError for a field that is none."""
        return replace(self, **fields)


class RegionProposer(HybridBlock):
    """Predicts at every anchor of some features whether there is an object, and its box.

    Args:
        in_channels: Channels of every feature.
        channels: Channels in between.
        strides: Pixels to a cell of each feature, finest first.
        sides: For each feature, those of the square anchors.
        cells: Of the finest feature's grid, each way; those of the next are half as many.
    """

    def __init__(
        self,
        in_channels: int,
        channels: int,
        *,
        strides: Sequence[int],
        sides: Sequence[Sequence[float]],
        cells: int,
    ) -> None:
        super().__init__()
        init = Normal(0.01)
        per_cell = len(RATIOS) * len(sides[0])
        self.conv = ConvNormAct(in_channels, channels, 3, norm=None, weight_initializer=init)
        self.scores = Conv2D(per_cell, 1, in_channels=channels, weight_initializer=init)
        self.codes = Conv2D(4 * per_cell, 1, in_channels=channels, weight_initializer=init)
        self.anchors = HybridSequential()
        for level, (stride, lengths) in enumerate(zip(strides, sides, strict=True)):
            side = max(cells >> level, 16) if level else cells
            self.anchors.add(AnchorGrid(region_anchors(stride, lengths, RATIOS, (side, side))))

    def hybrid_forward(self, F: Any, *features: Any) -> tuple[Any, Any, Any]:
        """Gives scores ``(N, A)`` before the sigmoid, codes ``(N, A, 4)``, anchors ``(1, A, 4)``.

        The anchors are corners in pixels.
        """
        scores, codes, anchors = [], [], []
        for feature, grid in zip(features, self.anchors, strict=True):
            x = self.conv(feature)
            scores.append(F.flatten(F.transpose(self.scores(x), axes=(0, 2, 3, 1))))
            boxes = F.transpose(self.codes(x), axes=(0, 2, 3, 1))
            codes.append(F.reshape(boxes, (0, -1, 4)))
            anchors.append(grid(feature))
        return (
            F.concat(*scores, dim=1),
            F.concat(*codes, dim=1),
            F.concat(*anchors, dim=1),
        )


class Proposals(HybridBlock):
    """Turns what ``RegionProposer`` predicts into regions, without those that repeat a better one.

    Args:
        rule: How they are chosen.
        clip: Largest logarithm of a region's size over its anchor's; None for no limit.
    """

    def __init__(self, rule: ProposalRule, *, clip: float | None = None) -> None:
        super().__init__()
        self.rule = rule
        self.decoder = BoxDecoder((1.0,) * 4, corners=True, clip=clip)

    def hybrid_forward(self, F: Any, images: Any, scores: Any, codes: Any, anchors: Any) -> Any:
        """Gives corners ``(N, K, 4)`` within the images, the best first; -1 in rows without one.

        No gradient passes.
        """
        corners = self._within(F, self.decoder(F.BlockGrad(codes), anchors), images)
        probs = F.Activation(F.BlockGrad(scores), act_type="sigmoid")
        low = F.slice_axis(corners, axis=2, begin=0, end=2)
        sides = F.slice_axis(corners, axis=2, begin=2, end=4) - low + 1
        wide = F.min(sides, axis=2) >= self.rule.min_side
        probs = F.where(wide, probs, -F.ones_like(probs))
        found = F.contrib.box_nms(
            self._candidates(F, probs, corners),
            overlap_thresh=self.rule.threshold,
            topk=self.rule.candidates,
            score_index=0,
            coord_start=1,
            id_index=-1,
            force_suppress=True,
        )
        found = F.slice_axis(found, axis=1, begin=0, end=self.rule.proposals)
        return F.BlockGrad(F.slice_axis(found, axis=2, begin=1, end=5))

    def _within(self, F: Any, corners: Any, images: Any) -> Any:
        shape = F.cast(F.shape_array(images), dtype="float32")
        sides = F.reverse(F.slice_axis(shape, axis=0, begin=2, end=4), axis=0)
        limits = F.reshape(F.tile(sides, reps=(2,)), (1, 1, 4))
        return F.broadcast_minimum(F.maximum(corners, 0), limits)

    def _candidates(self, F: Any, probs: Any, corners: Any) -> Any:
        """The best as rows of score and corners, ``(N, candidates, 5)``."""
        count = self.rule.candidates
        # Rows that are none, lest there be fewer anchors than candidates.
        filling = F.broadcast_axis(
            F.zeros_like(F.slice_axis(probs, axis=1, begin=0, end=1)), 1, count
        )
        best, places = F.topk(F.concat(probs, filling - 1, dim=1), k=count, ret_typ="both")
        places = places * (best > 0)
        images = F.broadcast_like(F.reshape(F.contrib.arange_like(best, axis=0), (-1, 1)), best)
        boxes = F.gather_nd(corners, F.stack(images, places, axis=0))
        return F.concat(F.expand_dims(best, 2), boxes, dim=2)

"""CenterNet, objects as points: Zhou et al., 2019, https://arxiv.org/abs/1904.07850."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import mxnet as mx
from mxnet.gluon import HybridBlock
from mxnet.gluon.nn import BatchNorm, Conv2D, HybridSequential

from toolkit.model_zoo.registry import TASKS
from toolkit.model_zoo.tasks.center_net_necks import NECKS, Neck
from toolkit.model_zoo.tasks.detector import Classes, Detector, check_classes, renew
from toolkit.nn.containers import sequence
from toolkit.nn.conv import ConvNormAct, Norm
from toolkit.nn.nms import ClassNMS, Suppression
from toolkit.utils.registry import unknown

RARE = -2.19  # bias of the scores: every class begins with a probability of about a tenth
# A peak is alone in its neighbourhood, so that boxes need not suppress each other.
PEAKS = Suppression(threshold=None, candidates=100, detections=100, score=0.0)


class CenterNetNetwork(HybridBlock):
    """Predicts, at every cell of one fine grid, whether an object's centre is there, and its size.

    Args:
        backbone: Maps images to a list of features.
        classes: Number of classes.
        neck: Makes one fine feature of them.
        head_channels: Channels within the three heads.
        norm: Makes the normalizations of the neck, given ``in_channels``.
    """

    def __init__(
        self, backbone: HybridBlock, classes: int, *, neck: Neck, head_channels: int, norm: Norm
    ) -> None:
        super().__init__()
        self.backbone = backbone
        self.neck = neck.build(backbone, norm)
        self.stride = self.neck.stride
        self._width = head_channels
        small = mx.init.Normal(0.001)
        self.score_head = self._head(self._scores(classes), mx.init.Xavier())
        outputs = (Conv2D(2, 1, in_channels=head_channels, weight_initializer=small) for _ in "ab")
        self.size_head, self.offset_head = (self._head(output, small) for output in outputs)

    def _head(self, output: HybridBlock, init: mx.init.Initializer) -> HybridSequential:
        before = self.neck.channels
        hidden = ConvNormAct(before, self._width, 3, norm=None, weight_initializer=init)
        return sequence(hidden, output)

    def _scores(self, classes: int) -> HybridBlock:
        return Conv2D(
            classes,
            1,
            in_channels=self._width,
            weight_initializer=mx.init.Xavier(),
            bias_initializer=mx.init.Constant(RARE),
        )

    def hybrid_forward(self, F: Any, x: Any) -> tuple[Any, Any, Any]:
        """Maps images ``(N, 3, H, W)`` to predictions on a grid of ``H / stride, W / stride``.

        Returns scores ``(N, L, H', W')`` before the sigmoid, of a centre being in the cell; sizes
        ``(N, 2, H', W')``, width and height in cells; offsets ``(N, 2, H', W')``, x and y of the
        centre from the cell's upper left corner, in cells.
        """
        feature = self.neck(*self.backbone(x))
        return self.score_head(feature), self.size_head(feature), self.offset_head(feature)

    def reset_classes(self, classes: int, reuse: Mapping[int, int]) -> None:
        """Puts a new layer of scores in place; ``reuse`` maps new class indices to old ones."""
        hidden, old = self.score_head
        new = self._scores(classes)
        renew(old, new, reuse)
        self.score_head = sequence(hidden, new)


class CenterNetPostprocess(HybridBlock):
    """Turns what ``CenterNetNetwork`` predicts into detections.

    Args:
        classes: Number of classes.
        suppression: How detections are chosen.
        stride: Pixels to a cell.
    """

    def __init__(self, classes: int, suppression: Suppression, stride: int) -> None:
        super().__init__()
        self._stride = stride
        self.nms = ClassNMS(classes, suppression)

    def hybrid_forward(self, F: Any, scores: Any, sizes: Any, offsets: Any, *mirrored: Any) -> Any:
        """Gives class indices ``(N, K, 1)``, scores ``(N, K, 1)`` and corners ``(N, K, 4)``.

        ``mirrored`` may be scores and sizes of the same images mirrored: probabilities and sizes
        are then the means.
        """
        probs = F.Activation(scores, act_type="sigmoid")
        if mirrored:
            others = F.Activation(mirrored[0], act_type="sigmoid")
            probs = (probs + F.flip(others, axis=3)) * 0.5
            sizes = (sizes + F.flip(mirrored[1], axis=3)) * 0.5
        highest = F.Pooling(probs, kernel=(3, 3), pad=(1, 1), pool_type="max")
        peaks = F.broadcast_equal(highest, probs) * probs
        return self.nms(self._rows(F, peaks), self._rows(F, self._corners(F, sizes, offsets)))

    def _corners(self, F: Any, sizes: Any, offsets: Any) -> Any:
        """Corners ``(N, 4, H', W')`` in pixels."""

        def axis(index: int, axis: int, shape: tuple[int, ...]) -> tuple[Any, Any]:
            offset, size = (
                F.slice_axis(part, axis=1, begin=index, end=index + 1) for part in (offsets, sizes)
            )
            cells = F.reshape(F.contrib.arange_like(offsets, axis=axis), shape)
            center = F.broadcast_add(offset, cells)
            return center - size / 2, center + size / 2

        left, right = axis(0, 3, (1, 1, 1, -1))
        top, bottom = axis(1, 2, (1, 1, -1, 1))
        return F.concat(left, top, right, bottom, dim=1) * self._stride

    def _rows(self, F: Any, x: Any) -> Any:
        """``(N, C, H', W')`` as ``(N, H' * W', C)``."""
        return F.transpose(F.reshape(x, (0, 0, -1)), axes=(0, 2, 1))


class CenterNet(Detector):
    """Finds objects as peaks of a heat map of their centres; boxes do not suppress each other.

    Args:
        backbone: Maps images to a list of features.
        classes: Number of classes, or their names.
        neck: What makes one fine feature of them: a ``Neck``, a mapping of its fields, or a name in
            ``NECKS``.
        head_channels: Channels within the heads.
        flip: Look at the mirrored image, too, and take means: twice the time, better scores.
        norm: Makes the normalizations of the neck, given ``in_channels``.
        suppression: How detections are chosen, or what differs there from the default: the best
            100 peaks, without thresholds.

    Raises:
        ValueError: no classes, there is no such neck, or it does not fit the backbone.
    """

    def __init__(
        self,
        backbone: HybridBlock,
        classes: Classes,
        *,
        neck: Neck | Mapping[str, Any] | str = "deconv",
        head_channels: int = 64,
        flip: bool = False,
        norm: Norm = BatchNorm,
        suppression: Suppression | Mapping[str, Any] = PEAKS,
    ) -> None:
        count, names = check_classes(classes)
        if isinstance(neck, str):
            if neck not in NECKS:
                raise ValueError(unknown("neck", neck, NECKS))
            neck = NECKS[neck]
        elif not isinstance(neck, Neck):
            neck = Neck(**neck)
        network = CenterNetNetwork(
            backbone, count, neck=neck, head_channels=head_channels, norm=norm
        )
        if not isinstance(suppression, Suppression):
            suppression = PEAKS.changed(**suppression)
        postprocess = CenterNetPostprocess(count, suppression, network.stride)
        super().__init__(network, postprocess, count)
        self._labels = names
        self._flip = flip

    def hybrid_forward(self, F: Any, x: Any) -> Any:
        """Maps images ``(N, 3, H, W)`` to detections."""
        mirrored = self.network(F.flip(x, axis=3))[:2] if self._flip else ()
        return self.postprocess(*self.network(x), *mirrored)


TASKS.add("center_net", CenterNet)

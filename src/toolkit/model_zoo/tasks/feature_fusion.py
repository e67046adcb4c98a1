"""The head of Fast-SCNN: Poudel et al., 2019, https://arxiv.org/abs/1902.04502."""

from __future__ import annotations

from typing import Any

from mxnet.gluon import HybridBlock
from mxnet.gluon.nn import BatchNorm, Dropout

from toolkit.nn.containers import sequence
from toolkit.nn.conv import Conv2D, ConvNormAct, Norm, relu
from toolkit.nn.resize import resize_like


class FusionHead(HybridBlock):
    """Adds the last feature, brought to the size of the first, to it, and scores the sum."""

    def __init__(self, backbone: HybridBlock, classes: int, *, norm: Norm = BatchNorm) -> None:
        super().__init__()
        fine, width = backbone.channels[0], backbone.channels[-1]

        def spread() -> HybridBlock:
            return ConvNormAct(width, width, 3, groups=width, norm=norm)

        self.spread = spread()
        self.coarse = ConvNormAct(width, width, norm=norm, act=None, use_bias=True)
        self.fine = ConvNormAct(fine, width, norm=norm, act=None, use_bias=True)
        self.act = relu()
        self.hidden = sequence(
            *(block for _ in "ab" for block in (spread(), ConvNormAct(width, width, norm=norm)))
        )
        self.dropout = Dropout(0.1)
        self.output = Conv2D(classes, 1, in_channels=width)

    def hybrid_forward(self, F: Any, *features: Any) -> Any:
        """Maps features, finest first, to scores ``(N, classes, H, W)`` on the first one's grid."""
        coarse = self.coarse(self.spread(resize_like(F, features[-1], features[0])))
        x = self.hidden(self.act(self.fine(features[0]) + coarse))
        return self.output(self.dropout(x))

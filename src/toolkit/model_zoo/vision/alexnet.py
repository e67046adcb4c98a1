"""AlexNet on one device: Krizhevsky, 2014, https://arxiv.org/abs/1404.5997."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from mxnet.gluon import HybridBlock
from mxnet.gluon.nn import MaxPool2D

from toolkit.model_zoo.registry import BACKBONES
from toolkit.nn.backbone import Backbone, Stages
from toolkit.nn.conv import ConvNormAct
from toolkit.nn.head import HiddenLayersHead


@dataclass(frozen=True)
class AlexNetConfig:
    """What would tell one AlexNet from another, were there two."""

    dropout: float = 0.5  # rate after each hidden layer of the classifier


VARIANTS = {"alexnet": AlexNetConfig()}


@BACKBONES.family(VARIANTS)
class AlexNet(Backbone):
    """Maps ``(N, 3, H, W)`` images to the last feature of each resolution, finest first.

    The poolings do not pad, so features are a little smaller than the image over the stride.
    """

    channels = (64, 192, 256, 256)
    strides = (4, 8, 16, 32)

    def __init__(self, config: AlexNetConfig) -> None:
        super().__init__()
        self._dropout = config.dropout
        conv, pool = partial(ConvNormAct, norm=None), partial(MaxPool2D, 3, 2)
        self.layers = Stages(
            [
                [conv(3, 64, 11, strides=4, padding=2)],
                [pool(), conv(64, 192, 5)],
                [pool(), conv(192, 384, 3), conv(384, 256, 3), conv(256, 256, 3)],
                [pool()],
            ]
        )

    def head(self, classes: int) -> HybridBlock:
        """The published classifier on the last feature, which it pools to 6x6 cells."""
        return HiddenLayersHead(self.channels[-1], classes, cells=6, dropout=self._dropout)

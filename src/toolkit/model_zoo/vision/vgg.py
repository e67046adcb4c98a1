"""VGG: Simonyan and Zisserman, 2014, https://arxiv.org/abs/1409.1556."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

from mxnet.gluon import HybridBlock
from mxnet.gluon.nn import BatchNorm, HybridSequential, MaxPool2D
from mxnet.initializer import Xavier

from toolkit.model_zoo.registry import BACKBONES
from toolkit.nn.containers import sequence
from toolkit.nn.conv import ConvNormAct, Norm
from toolkit.nn.head import HiddenLayersHead


@dataclass(frozen=True)
class VGGConfig:
    """What tells one VGG from another."""

    depths: tuple[int, int, int, int, int]  # convolutions in each stage
    batch_norm: bool = False  # after each convolution


VARIANTS = {
    "vgg11": VGGConfig((1, 1, 2, 2, 2)),
    "vgg13": VGGConfig((2, 2, 2, 2, 2)),
    "vgg16": VGGConfig((2, 2, 3, 3, 3)),
    "vgg19": VGGConfig((2, 2, 4, 4, 4)),
    "vgg11_bn": VGGConfig((1, 1, 2, 2, 2), batch_norm=True),
    "vgg13_bn": VGGConfig((2, 2, 2, 2, 2), batch_norm=True),
    "vgg16_bn": VGGConfig((2, 2, 3, 3, 3), batch_norm=True),
    "vgg19_bn": VGGConfig((2, 2, 4, 4, 4), batch_norm=True),
}


@BACKBONES.family(VARIANTS)
class VGG(HybridBlock):
    """Maps ``(N, 3, H, W)`` images to what each stage gives, and the last one's pooled.

    Args:
        config: A row of ``VARIANTS``.
        norm: Makes the normalizations, given ``in_channels``, of a variant that has them.
        dropout: Rate of the dropout after each hidden layer of the classifier.
    """

    channels = (64, 128, 256, 512, 512, 512)
    strides = (1, 2, 4, 8, 16, 32)

    def __init__(self, config: VGGConfig, *, norm: Norm = BatchNorm, dropout: float = 0.5) -> None:
        super().__init__()
        self._dropout = dropout
        conv = partial(
            ConvNormAct,
            kernel_size=3,
            norm=norm if config.batch_norm else None,
            use_bias=True,
            # Without it, what lacks normalization does not train.
            weight_initializer=Xavier("gaussian", "out", 2),
        )
        self.stages = HybridSequential()
        width = 3
        for channels, depth in zip(self.channels, config.depths, strict=False):
            rest = (conv(channels, channels) for _ in range(depth - 1))
            self.stages.add(sequence(conv(width, channels), *rest))
            width = channels
        self.pool = MaxPool2D(2, 2)

    def hybrid_forward(self, F: Any, x: Any) -> list[Any]:
        """Gives features of ``channels`` at strides 1, 2, 4, 8, 16 and 32."""
        features = []
        for stage in self.stages:
            x = stage(x)
            features.append(x)
            x = self.pool(x)
        return [*features, x]

    def head(self, classes: int) -> HybridBlock:
        """The published classifier on the last feature, which it pools to 7x7 cells."""
        return HiddenLayersHead(
            self.channels[-1], classes, cells=7, dropout=self._dropout, weight_initializer="normal"
        )

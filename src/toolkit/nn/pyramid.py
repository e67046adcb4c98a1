"""Feature pyramid: Lin et al., 2016, https://arxiv.org/abs/1612.03144."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from mxnet.gluon import HybridBlock
from mxnet.gluon.nn import HybridSequential
from mxnet.initializer import Xavier

from toolkit.nn.conv import ConvNormAct, Norm


class FeaturePyramid(HybridBlock):
    """Gives each feature what the coarser ones know, all with as many channels, and a coarser one.

    Each feature is projected, the coarser result, twice as large, is added, and a 3x3 convolution
    follows. The further feature is half as large as the coarsest projection.

    Args:
        in_channels: Of the features, finest first.
        channels: Of each result.
        norm: Makes the normalizations, given ``in_channels``; None for none.
        use_bias: The convolutions have biases; default where there is no normalization.
    """

    def __init__(
        self,
        in_channels: Sequence[int],
        channels: int = 256,
        *,
        norm: Norm | None = None,
        use_bias: bool | None = None,
    ) -> None:
        super().__init__()
        self.channels = (channels,) * (len(in_channels) + 1)
        options: dict[str, Any] = {
            "norm": norm,
            "act": None,
            "use_bias": norm is None if use_bias is None else use_bias,
            "weight_initializer": Xavier(factor_type="in", magnitude=1),
        }
        self.laterals = HybridSequential()
        self.outputs = HybridSequential()
        for before in in_channels:
            self.laterals.add(ConvNormAct(before, channels, **options))
            self.outputs.add(ConvNormAct(channels, channels, 3, **options))
        self.further = ConvNormAct(channels, channels, 3, strides=2, **options)

    def hybrid_forward(self, F: Any, *features: Any) -> list[Any]:
        """Maps features ``(N, C, H, W)``, finest first, to as many and one more of ``channels``."""
        merged = merge_features(F, features, self.laterals)
        results = [output(x) for output, x in zip(self.outputs, merged, strict=True)]
        return [*results, self.further(merged[-1])]


def merge_features(F: Any, features: Sequence[Any], laterals: Iterable[HybridBlock]) -> list[Any]:
    """Projects each feature and adds the coarser result, twice as large; finest first."""
    merged: list[Any] = []
    for feature, lateral in zip(reversed(features), reversed(list(laterals)), strict=True):
        x = lateral(feature)
        if merged:
            coarser = F.UpSampling(merged[0], scale=2, sample_type="nearest")
            # Where a pooling without padding leaves less than half, the last cells repeat.
            coarser = F.Pad(coarser, mode="edge", pad_width=(0, 0, 0, 0, 0, 1, 0, 1))
            x = x + F.slice_like(coarser, x, axes=(2, 3))
        merged.insert(0, x)
    return merged

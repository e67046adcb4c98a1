"""Blocks that two or more model families share."""

from toolkit.utils.lazy import exports

__getattr__, __dir__, __all__ = exports(
    __name__,
    {
        "AdaptiveAvgPool": "pool",
        "ConvNormAct": "conv",
        "GroupNorm": "norm",
        "PooledLinearHead": "head",
        "PreActUnit": "residual",
        "ResidualUnit": "residual",
        "SqueezeExcitation": "attention",
        "relu": "conv",
        "sequence": "containers",
    },
)

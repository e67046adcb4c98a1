"""Blocks that two or more model families share."""

from toolkit.utils.lazy import exports

__getattr__, __dir__, __all__ = exports(
    __name__,
    {
        "AdaptiveAvgPool": "pool",
        "Branches": "containers",
        "ConvNormAct": "conv",
        "ConvSqueezeExcitation": "attention",
        "GroupNorm": "norm",
        "HiddenLayersHead": "head",
        "PooledConvHead": "head",
        "PooledLinearHead": "head",
        "PreActUnit": "residual",
        "ResidualUnit": "residual",
        "SqueezeExcitation": "attention",
        "bottleneck": "residual",
        "deep_stem": "stem",
        "pooled_shortcut": "residual",
        "pre_activation_bottleneck": "residual",
        "features_of": "features",
        "relu": "conv",
        "residual_stages": "residual",
        "sequence": "containers",
    },
)

"""Blocks that two or more model families share."""

from toolkit.utils.lazy import exports

__getattr__, __dir__, __all__ = exports(
    __name__,
    {
        "AdaptiveAvgPool": "pool",
        "Branches": "containers",
        "ConvNormAct": "conv",
        "ConvSqueezeExcitation": "attention",
        "FeedForward": "transformer",
        "GroupNorm": "norm",
        "HiddenLayersHead": "head",
        "MultiHeadAttention": "attention",
        "Place": "residual",
        "PooledConvHead": "head",
        "PooledLinearHead": "head",
        "PreActUnit": "residual",
        "ResidualUnit": "residual",
        "SqueezeExcitation": "attention",
        "TanhGELU": "activation",
        "TransformerLayer": "transformer",
        "basic": "residual",
        "bottleneck": "residual",
        "causal_bias": "masks",
        "deep_stem": "stem",
        "padding_bias": "masks",
        "pooled_shortcut": "residual",
        "pre_activation_bottleneck": "residual",
        "features_of": "features",
        "relu": "conv",
        "projection": "residual",
        "residual_stages": "residual",
        "sequence": "containers",
    },
)

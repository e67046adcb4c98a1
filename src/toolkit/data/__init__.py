"""Data sets, transforms and batching for vision and text."""

from toolkit.utils.lazy import exports

__getattr__, __dir__, __all__ = exports(
    __name__,
    {
        "Dataset": "dataset",
        "TransformedDataset": "dataset",
        "batchify": "batchify",
        "vision": "vision",
    },
)

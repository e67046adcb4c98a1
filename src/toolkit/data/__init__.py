"""Data sets, transforms and batching for vision and text."""

from toolkit.utils.lazy import exports

__getattr__, __dir__, __all__ = exports(
    __name__,
    {
        "DataLoader": "loader",
        "Dataset": "dataset",
        "LoadingError": "pipeline",
        "TokenBatches": "token_batches",
        "TransformedDataset": "dataset",
        "WorkerError": "workers",
        "batchify": "batchify",
        "samplers": "samplers",
        "text": "text",
        "vision": "vision",
    },
)

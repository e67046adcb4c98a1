"""Checkpoints of MXNet, PyTorch, safetensors and NumPy as plain arrays, read without running code.

Nothing here imports MXNet or PyTorch: a checkpoint of either is read where neither is installed.
"""

from toolkit.utils.lazy import exports

__getattr__, __dir__, __all__ = exports(
    __name__,
    {
        "CheckpointError": "source",
        "read_arrays": "read",
        "write_params": "writers",
        "write_safetensors": "writers",
    },
)

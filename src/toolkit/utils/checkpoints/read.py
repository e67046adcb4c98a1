"""The one function that reads any checkpoint into arrays."""

from __future__ import annotations

import errno
from collections.abc import Callable
from pathlib import Path

import numpy as np

from toolkit.utils.checkpoints.detect import FORMATS, Found, detect
from toolkit.utils.checkpoints.npz import read_npz
from toolkit.utils.checkpoints.params import read_params
from toolkit.utils.checkpoints.safetensors import read_safetensors
from toolkit.utils.checkpoints.source import CheckpointError, Source
from toolkit.utils.checkpoints.torch import read_torch
from toolkit.utils.registry import nearest, unknown

READERS: dict[str, Callable[[Source], dict[str, np.ndarray]]] = {
    "params": read_params,
    "safetensors": read_safetensors,
    "torch": read_torch,
    "npz": read_npz,
}


def read_arrays(path: str | Path, *, format: str | None = None) -> dict[str, np.ndarray]:
    """Reads all arrays of a checkpoint by name, without running anything that the file holds.

    The format is told from the content: MXNet ``.params`` and ``.nd`` of every version,
    ``.safetensors``, PyTorch ``.pth .pt .th .bin`` (zip or older), ``.npz`` and ``.npy``.
    Names stay as they are saved, ``arg:``, ``aux:`` and ``module.`` included; arrays without
    names are called ``"0"``, ``"1"``, ... PyTorch's nested mappings become dotted names, and a
    ``state_dict``, ``model`` or ``net`` among other entries stands for itself alone. Sparse
    arrays are made dense; bfloat16 and 8-bit floats become float32.

    Arrays are contiguous, in native byte order, and may be written to. Those of one file may
    share its memory. Files of 64 MiB and more are mapped instead of read: do not truncate such a
    file in place while its arrays are in use (replacing it is fine).

    Args:
        path: the file.
        format: ``params``, ``safetensors``, ``torch`` or ``npz``, where it must be this one.

    Returns:
        The arrays by name, in the order of the file.

    Raises:
        FileNotFoundError: there is no such file.
        CheckpointError: the file is something else, or broken; the message says which file, what
            was expected and found, and where it broke.
        ValueError: ``format`` is none of the above.
    """
    if format is not None and format not in READERS:
        raise ValueError(unknown("checkpoint format", format, READERS))
    path = Path(path)
    _check_path(path)
    with path.open("rb") as file:
        source = Source(path, file)
        if source.size == 0:
            raise CheckpointError(f"{path}: the file is empty (an unfinished download?)")
        found = detect(source)
        name = _chosen(path, format, found)
        source.format = FORMATS[name]
        try:
            return READERS[name](source)
        except MemoryError as error:
            raise source.error("it asks for more memory than there is") from error


def _chosen(path: Path, format: str | None, found: Found) -> str:
    """The format to read as; a forced one is tried where the content does not speak against it."""
    name = format or found.format
    if name is None or (format not in (None, found.format) and found.sure):
        expected = FORMATS[format] if format else f"one of {', '.join(FORMATS.values())}"
        raise CheckpointError(f"{path}: expected {expected}, found {found.text}")
    return name


def _check_path(path: Path) -> None:
    if path.is_dir():
        files = sorted(child.name for child in path.iterdir() if child.is_file())
        raise CheckpointError(
            f"{path}: a folder, not a file; it holds {', '.join(files[:8]) or 'none'}"
        )
    if not path.exists():
        beside = [child.name for child in path.parent.iterdir()] if path.parent.is_dir() else []
        close = nearest(path.name, beside)
        hint = f"; did you mean {', '.join(close)}?" if close else ""
        raise FileNotFoundError(errno.ENOENT, f"no such checkpoint{hint}", str(path))
    if not path.is_file():
        raise CheckpointError(f"{path}: not a regular file")

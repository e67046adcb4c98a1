"""The official CIFAR archives: binary and Python version, packed or unpacked."""

from __future__ import annotations

import io
import pickle
import tarfile
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

PIXELS = 3 * 32 * 32
MAX_MEMBER_BYTES = 1 << 29  # the largest official file has 154 MB
NUMPY_RECONSTRUCT = np.empty(0).__reduce__()[0]
ALLOWED = {  # all that a pickled array of bytes names, by Python 2 and 3, NumPy 1 and 2
    ("numpy", "ndarray"): np.ndarray,
    ("numpy", "dtype"): np.dtype,
    ("numpy.core.multiarray", "_reconstruct"): NUMPY_RECONSTRUCT,
    ("numpy._core.multiarray", "_reconstruct"): NUMPY_RECONSTRUCT,
    ("_codecs", "encode"): lambda text, encoding: text.encode(encoding),
}


class ArrayUnpickler(pickle.Unpickler):
    """Unpickles dictionaries of plain values and arrays, and refuses everything that runs code."""

    def find_class(self, module: str, name: str) -> Any:
        """The few things an array is built from; raises UnpicklingError for all others."""
        if (module, name) not in ALLOWED:
            raise pickle.UnpicklingError(f"it wants {module}.{name}, which is no part of an array")
        return ALLOWED[module, name]


@dataclass(frozen=True)
class CifarFiles:
    """Where one of the data sets lies, and how a row of it looks."""

    stem: str  # "cifar-10" or "cifar-100"
    label_keys: tuple[str, ...]  # of the Python version; the binary has one byte each, in order

    def read(self, root: Path, names: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
        """The images, (N, 32, 32, 3) uint8 RGB, and labels, (N, labels) int32, of the batches.

        Raises:
            ValueError: no such files, or broken ones.
        """
        batches = [self._batch(root, name) for name in names]
        pixels = np.concatenate([batch[0] for batch in batches])
        labels = np.concatenate([batch[1] for batch in batches]).astype(np.int32)
        images = pixels.reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)
        return np.ascontiguousarray(images), labels

    def _batch(self, root: Path, name: str) -> tuple[np.ndarray, np.ndarray]:
        binary = (f"{self.stem}-binary.tar.gz", self._folder("bin", "binary"), f"{name}.bin")
        python = (f"{self.stem}-python.tar.gz", self._folder("py", "python"), name)
        for places, decode in ((binary, self._from_binary), (python, self._from_pickle)):
            found = _find(root, *places)
            if found is not None:
                return decode(*found)
        raise ValueError(
            f"{root} has neither {binary[2]} nor {name}, nor the folders {binary[1]} or "
            f"{python[1]}, nor {binary[0]} or {python[0]}; download one of the archives, or give "
            "the folder that has it as root"
        )

    def _folder(self, short: str, long: str) -> str:
        # The official archives' folders: cifar-10-batches-bin and -py, but cifar-100-binary.
        return f"{self.stem}-batches-{short}" if self.stem == "cifar-10" else f"{self.stem}-{long}"

    def _from_binary(self, data: bytes, name: str) -> tuple[np.ndarray, np.ndarray]:
        count = len(self.label_keys)
        if not data or len(data) % (count + PIXELS):
            raise ValueError(
                f"{name} has {len(data)} bytes, no multiple of {count + PIXELS} "
                f"({count} labels and {PIXELS} pixels)"
            )
        rows = np.frombuffer(data, np.uint8).reshape(-1, count + PIXELS)
        return rows[:, count:], rows[:, :count]

    def _from_pickle(self, data: bytes, name: str) -> tuple[np.ndarray, np.ndarray]:
        try:
            loaded = ArrayUnpickler(io.BytesIO(data), encoding="bytes").load()
            content = {k.decode() if isinstance(k, bytes) else k: v for k, v in loaded.items()}
            pixels = np.asarray(content["data"], np.uint8).reshape(-1, PIXELS)
            labels = np.array([content[key] for key in self.label_keys]).T
        except Exception as error:  # a pickle can fail in every way; none of them runs its code
            raise ValueError(f"{name} is no CIFAR batch: {error!r}") from error
        if labels.shape != (len(pixels), len(self.label_keys)):
            raise ValueError(f"{name} has {len(pixels)} images, but labels of {labels.T.shape}")
        return pixels, labels


def _find(root: Path, archive: str, folder: str, file: str) -> tuple[bytes, str] | None:
    """The content of a batch and its name for messages, from wherever below ``root`` it is."""
    for path in (root / file, root / folder / file):
        if path.is_file():
            return path.read_bytes(), str(path)
    if not (root / archive).is_file():
        return None
    try:
        with tarfile.open(root / archive) as tar:
            for member in tar:
                if member.isfile() and Path(member.name).name == file:
                    content = tar.extractfile(member)
                    data = content.read(MAX_MEMBER_BYTES) if content else b""
                    return data, f"{member.name} of {root / archive}"
    except (tarfile.TarError, EOFError, OSError, zlib.error) as error:
        raise ValueError(f"cannot read {root / archive}: {error}") from error
    raise ValueError(f"{root / archive} has no file {file}")

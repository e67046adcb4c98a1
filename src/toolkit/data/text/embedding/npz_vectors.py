"""Vectors in GluonNLP's ``.npz`` files: the names as a pickled array, of which no code is run."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from toolkit.utils.checkpoints.source import CheckpointError
from toolkit.utils.checkpoints.unpickler import Builder, Inert, Machine

TOKENS, VECTORS, UNKNOWN = "idx_to_token", "idx_to_vec", "unknown_token"


class _Objects(Inert):
    """An array of objects, as NumPy pickles it; only its values are kept."""

    __slots__ = ("values",)

    def set_state(self, state: Any) -> None:
        self.values = state[-1]


_NAMES: dict[tuple[str, str], Any] = {
    ("numpy", "ndarray"): None,
    ("numpy", "dtype"): Builder("numpy.dtype", lambda *_: Inert()),
    **{
        (f"numpy.{core}.multiarray", "_reconstruct"): Builder("numpy", lambda *_: _Objects())
        for core in ("core", "_core")
    },
}


def read_npz_vectors(path: Path) -> tuple[list[str], np.ndarray, str | None]:
    """The tokens, their vectors, (N, D), mapped where not compressed, and the unknown token.

    Raises:
        ValueError: the file is no such archive, or an array in it is broken.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
            missing = [n for n in (TOKENS, VECTORS) if f"{n}.npy" not in names]
            if missing:
                raise ValueError(f"{path} holds no {missing[0]}; it has {', '.join(names[:5])}")
            tokens = _strings(archive.read(f"{TOKENS}.npy"), path)
            vectors = _vectors(archive, path)
            there = f"{UNKNOWN}.npy" in names
            found = _strings(archive.read(f"{UNKNOWN}.npy"), path) if there else []
    except (zipfile.BadZipFile, EOFError, KeyError) as error:
        raise ValueError(f"{path} is no sound npz file: {error}") from error
    if len(tokens) != len(vectors):
        raise ValueError(f"{path} has {len(tokens)} tokens and {len(vectors)} vectors")
    known = set(tokens)
    return tokens, vectors, next((t for t in found if t in known), None)


def _strings(raw: bytes, path: Path) -> list[str]:
    """The strings of an array of text, bytes or pickled objects."""
    file = io.BytesIO(raw)
    dtype, _ = _read_header(file)
    if not dtype.hasobject:
        array = np.load(io.BytesIO(raw), allow_pickle=False)
        return [_text(value) for value in array.ravel().tolist()]

    def error(message: str, offset: int) -> CheckpointError:
        return CheckpointError(f"{path}: {message} (byte {offset} of {TOKENS})")

    machine = Machine(memoryview(raw), file.tell(), _NAMES, _nothing_outside, error)
    found = machine.run()
    values = getattr(found, "values", None)
    if not isinstance(values, list):
        raise ValueError(f"{path}: its tokens are no array of strings")
    return [_text(value) for value in values if value is not None]


def _text(value: Any) -> str:
    return value.decode("utf-8") if isinstance(value, bytes) else str(value)


def _nothing_outside(_: Any) -> Any:
    raise ValueError("refers to something outside of it")


def _vectors(archive: zipfile.ZipFile, path: Path) -> np.ndarray:
    info = archive.getinfo(f"{VECTORS}.npy")
    with archive.open(info) as member:
        dtype, shape = _read_header(member)
        if dtype.kind != "f" or len(shape) != 2:
            raise ValueError(f"{path}: vectors of type {dtype} and shape {shape}")
        if info.compress_type != zipfile.ZIP_STORED:
            with archive.open(info) as again:
                return np.load(again, allow_pickle=False)
        header = member.tell()
    with path.open("rb") as file:  # the local header says how long its two names are
        file.seek(info.header_offset + 26)
        name, extra = (int.from_bytes(file.read(2), "little") for _ in range(2))
    start = info.header_offset + 30 + name + extra + header
    return np.memmap(path, dtype, "r", start, shape)


def _read_header(file: Any) -> tuple[np.dtype, tuple[int, ...]]:
    readers: dict[tuple[int, int], Callable[..., Any]] = {
        (1, 0): np.lib.format.read_array_header_1_0,
        (2, 0): np.lib.format.read_array_header_2_0,
    }
    version = np.lib.format.read_magic(file)
    if version not in readers:
        raise ValueError(f"a format {version} of .npy files is not known")
    shape, fortran, dtype = readers[version](file)
    if fortran and len(shape) > 1:
        raise ValueError("arrays in Fortran's order are not read")
    return dtype, shape

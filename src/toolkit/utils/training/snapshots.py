"""Checkpoints on disk: a folder each, written at once or not at all, checked when read.

===================  ====================================================================
``parameters.params``  all parameters by structural name, for ``net.load_parameters``
``average.params``     their moving average, where the run keeps one
``optimizer.params``   the arrays of the optimizer, where it has any
``state.json``         the position, random states, counts, values: everything else
``SHA256SUMS``         the hashes of these files, as ``sha256sum -c`` reads them
===================  ====================================================================
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from toolkit.utils.checkpoints import read_arrays, write_params
from toolkit.utils.disk import atomic_write
from toolkit.utils.hashes import Digest, HashMismatchError

Arrays = Mapping[str, np.ndarray]
STATE, SUMS = "state.json", "SHA256SUMS"
PREFIX = "step-"


@dataclass(frozen=True)
class Snapshot:
    """All that a run needs to go on."""

    state: Mapping[str, Any]  # JSON-able
    parameters: Arrays
    optimizer: Arrays = field(default_factory=dict)
    average: Arrays = field(default_factory=dict)


def name_of(step: int) -> str:
    """The folder's name of the checkpoint after ``step`` updates."""
    return f"{PREFIX}{step:09d}"


def list_checkpoints(folder: Path | str) -> list[Path]:
    """The checkpoints in a folder, oldest first."""
    return sorted(path for path in Path(folder).glob(f"{PREFIX}*") if (path / SUMS).is_file())


def write_snapshot(path: Path, snapshot: Snapshot) -> None:
    """Writes a checkpoint; what was at ``path`` before is replaced.

    Raises:
        OSError: the disk is full or cannot be written to. Nothing is left of this checkpoint then,
            and every other one stays.
    """
    with _appearing(path) as temporary:
        for kind in ("parameters", "average", "optimizer"):
            arrays = getattr(snapshot, kind)
            if arrays:
                write_params(temporary / f"{kind}.params", arrays)
        with atomic_write(temporary / STATE, "w") as file:
            json.dump(snapshot.state, file)
        digests = {file.name: _digest(file) for file in sorted(temporary.iterdir())}
        with atomic_write(temporary / SUMS, "w") as file:
            file.writelines(f"{digits}  {name}\n" for name, digits in digests.items())


def read_snapshot(path: Path | str) -> Snapshot:
    """Reads a checkpoint.

    Raises:
        FileNotFoundError: there is none.
        HashMismatchError: a file is missing or not what was written.
    """
    path = Path(path)
    verify(path)
    arrays = {
        kind: read_arrays(path / f"{kind}.params")
        for kind in ("parameters", "average", "optimizer")
        if (path / f"{kind}.params").is_file()
    }
    return Snapshot(read_state(path), **arrays)


def read_state(path: Path) -> dict[str, Any]:
    """The state of a checkpoint, unchecked."""
    return json.loads((path / STATE).read_text(encoding="utf-8"))


def verify(path: Path) -> None:
    """Checks all files of a checkpoint against their hashes.

    Raises:
        FileNotFoundError: there is no checkpoint.
        HashMismatchError: a file is missing or not what was written.
    """
    lines = (path / SUMS).read_text(encoding="utf-8", errors="replace").splitlines()
    sums = {line[66:]: line[:64] for line in lines}
    if STATE not in sums:
        raise HashMismatchError(f"{path}: {SUMS} does not name {STATE}")
    for name, digits in sums.items():
        if not (path / name).is_file():
            raise HashMismatchError(f"{path}: {name} is missing")
        if _digest(path / name) != digits:
            raise HashMismatchError(f"{path}: {name} is not what was written: its hash differs")


def remove(path: Path) -> None:
    """Removes a checkpoint; a process that dies meanwhile leaves no half of it in sight."""
    trash = _hidden(path, "old")
    os.rename(path, trash)
    shutil.rmtree(trash, ignore_errors=True)


def sweep(folder: Path) -> None:
    """Clears away what a writer that was killed has left."""
    for path in folder.glob(f".{PREFIX}*.aside"):  # killed between the two renames
        if not (folder / path.stem[1:]).exists():
            os.rename(path, folder / path.stem[1:])
    for end in ("new", "old", "aside"):
        for path in folder.glob(f".{PREFIX}*.{end}"):
            shutil.rmtree(path, ignore_errors=True)


@contextmanager
def _appearing(path: Path) -> Iterator[Path]:
    """A folder to write into, which takes the place of ``path`` when the block ends well."""
    temporary = _hidden(path, "new")
    shutil.rmtree(temporary, ignore_errors=True)
    try:
        temporary.mkdir(parents=True)
        yield temporary
        _sync(temporary)
        aside = _hidden(path, "aside")
        if path.exists():
            os.rename(path, aside)
        os.rename(temporary, path)
        _sync(path.parent)
        shutil.rmtree(aside, ignore_errors=True)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise


def _hidden(path: Path, end: str) -> Path:
    return path.with_name(f".{path.name}.{end}")


def _sync(folder: Path) -> None:
    """Makes sure that the names in a folder are on the disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _digest(path: Path) -> str:
    return Digest("sha256", "").of(path).digits

"""Writes a network as one symbolic graph that runs without the code that built it."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from mxnet.gluon import HybridBlock

from toolkit.data.vision import ImagePreset
from toolkit.deploy.description import ExportError, describe
from toolkit.deploy.folding import fold
from toolkit.deploy.graph import Graph
from toolkit.deploy.lookup import file_of
from toolkit.deploy.manifest import SUFFIX, Manifest
from toolkit.utils.checkpoints import write_params

__all__ = ["ExportError", "export"]

SYMBOL, PARAMS = "-symbol.json", "-0000.params"


def export(
    net: HybridBlock,
    path: str | os.PathLike[str],
    example: Any = None,
    *,
    preprocess: ImagePreset | str | None = None,
    labels: Sequence[str] | str | None = None,
    folded: bool = False,
) -> Path:
    """Writes ``path-symbol.json``, ``path-0000.params`` and ``path-manifest.json``.

    Either all three are replaced or none. The same network gives the same bytes at any time, in
    any process and under any path. ``load`` reads them, and so do MXNet's ``SymbolBlock``, its C
    predict API and the libraries on top of it. ``net`` stays as it is, hybridized or not; the files
    hold its values of this moment.

    Args:
        net: An initialized network.
        path: The beginning of the files' names; missing folders are made.
        example: What the network takes: an array, or a tuple of arrays (which may hold lists of
            arrays); only shapes and types count. Default: one picture of the preset's size.
        preprocess: How pictures are prepared for the network, or the name of a preset. Default:
            as published with the model, for pictures of the example's size.
        labels: The names of the classes, or the name of a label set. Default: as published with
            the model, unless its classes were changed.
        folded: Write fewer operators: BatchNorm as part of the layers before it, no dropout. The
            results are the same up to rounding, but the file of parameters no longer holds weights
            under the network's own names.

    Returns:
        The path of the manifest.

    Raises:
        ExportError: the network is not initialized, has no graph or does not take the example.
        OSError: the files cannot be written; what was there before is untouched.
    """
    graph, manifest = describe(net, example, preprocess, labels)
    return write(Path(path), fold(graph) if folded else graph, manifest)


def write(prefix: Path, graph: Graph, manifest: Manifest) -> Path:
    """Writes the three files of an export, all or none; gives the path of the manifest."""
    arrays = {key: array.asnumpy() for key, array in graph.prefixed().items()}
    with staged(prefix) as stage:
        files = {suffix: stage / f"new{suffix}" for suffix in (SYMBOL, PARAMS)}
        files[SYMBOL].write_text(graph.symbol.tojson(), encoding="utf-8", newline="\n")
        write_params(files[PARAMS], arrays)
        text = manifest.with_files(files).to_json()
        files[SUFFIX] = stage / f"new{SUFFIX}"
        files[SUFFIX].write_text(text, encoding="utf-8", newline="\n")
        move_together({file: file_of(prefix, suffix) for suffix, file in files.items()}, stage)
    return file_of(prefix, SUFFIX)


@contextmanager
def staged(prefix: Path) -> Iterator[Path]:
    """A folder beside the files of ``prefix`` to prepare them in; gone after the block."""
    stage = prefix.with_name(f".{prefix.name}.{secrets.token_hex(4)}.tmp")
    try:
        stage.mkdir(parents=True)
        yield stage
    except OSError as error:
        if error.errno is None:
            raise
        reason = f"nothing was exported: {error.strerror}"
        raise OSError(error.errno, reason, str(prefix)) from error
    finally:
        shutil.rmtree(stage, ignore_errors=True)


def move_together(moves: Mapping[Path, Path], stage: Path) -> None:
    """Moves files in the order given; if one fails, what they replaced is put back.

    Raises:
        OSError: a file could not be flushed or moved.
    """
    for source in moves:
        with open(source, "rb") as handle:
            os.fsync(handle.fileno())
    done: list[tuple[Path, Path]] = []
    try:
        for source, target in moves.items():
            old = stage / f"old-{target.name}"
            _keep(target, old)
            done.append((old, target))
            os.replace(source, target)
    except BaseException:
        for old, target in done:
            if old.exists():
                os.replace(old, target)
            else:
                target.unlink(missing_ok=True)
        raise


def _keep(target: Path, old: Path) -> None:
    """Gives a file a second name, or copies it where the file system has no links."""
    if not target.exists():
        return
    try:
        os.link(target, old)
    except OSError:
        shutil.copyfile(target, old)

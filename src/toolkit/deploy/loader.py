"""Finds an exported network, checks it, and starts what runs it; free of MXNet.

What can run exports is the table ``BACKENDS``; a backend's module is imported when it is used.
"""

from __future__ import annotations

import glob
import importlib
import importlib.util
import os
import re
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from toolkit.deploy.lookup import file_of
from toolkit.deploy.manifest import SUFFIX, Manifest
from toolkit.deploy.runner import Runner
from toolkit.deploy.trial import fastest
from toolkit.utils.registry import unknown

SYMBOL = "-symbol.json"
PLAIN = ".json"  # a graph called in a way of its own
BESIDE = ".data"  # after the name of an ONNX file: its weights where they are too many for it
PARAMS = re.compile(r"-(\d{4})\.params$")


@dataclass(frozen=True)
class Backend:
    """A program that runs exports; its module has ``open_runner(files, manifest, options)``."""

    name: str
    suffix: str  # of the file that holds the graph
    module: str
    package: str  # what the module needs
    install: str  # the command that installs it


BACKENDS = (
    Backend("mxnet", SYMBOL, "toolkit.deploy.mxnet_runner", "mxnet", "toolkit setup"),
    Backend(
        "onnxruntime",
        ".onnx",
        "toolkit.deploy.onnx_runner",
        "onnxruntime",
        "pip install 'gluon-toolkit[onnx]'",
    ),
    Backend(
        "openvino",
        ".onnx",
        "toolkit.deploy.openvino_runner",
        "openvino",
        "pip install 'gluon-toolkit[openvino]'",
    ),
)
AUTO = "auto"  # in place of a backend's name: the fastest of them


@dataclass(frozen=True)
class Files:
    """The files of one export on the disk."""

    prefix: Path
    graph: Path
    params: Path | None  # None where the graph file holds the values, too


@dataclass(frozen=True)
class Options:
    """How a network is run; None leaves it to the backend."""

    ctx: Any = None  # the MXNet context
    precision: str | None = None  # one of PRECISIONS
    threads: int | None = None


DEFAULTS = Options()
PRECISIONS = ("fp32", "fp16", "bf16", "int8")


def load(
    path: str | os.PathLike[str],
    *,
    params: str | os.PathLike[str] | None = None,
    backend: str | None = None,
    ctx: Any = None,
    precision: str | None = None,
    threads: int | None = None,
    batch: int = 1,
) -> Runner:
    """Loads an exported network; ``runner(*arrays)`` then gives a list of arrays.

    Args:
        path: The path that was given to ``export``, or one of the files: ``...-symbol.json``,
            ``...-0000.params``, ``...-manifest.json``, ``....onnx``. Exports without a manifest
            (those of ``HybridBlock.export`` or of MXNet's Module API) will do as well.
        params: The file of parameters where it is not called like the graph.
        backend: ``"mxnet"``, ``"onnxruntime"`` or ``"openvino"``; default: the first that has its
            files here and is installed. ``"auto"`` tries all of those for a moment, takes the
            fastest, and remembers it for this export on this machine.
        ctx: The MXNet context to run on; default the CPU.
        precision: ``"fp32"``, ``"fp16"``, ``"bf16"`` or ``"int8"``; default: as exported. A float
            export runs in bf16 where backend and CPU can; fp16 needs a file that ``export_onnx``
            wrote so, int8 an export that ``quantize`` made, of which OpenVINO computes the rest in
            bf16 if that is asked for.
        threads: How many a call may use, for backends that have threads of their own (all but
            MXNet, whose number is set for the process: ``OMP_NUM_THREADS``).
        batch: How many samples a call will usually have: what ``"auto"`` tries.

    Raises:
        FileNotFoundError: there is no such export, or one of its files is missing.
        HashMismatchError: a file is not the one its manifest describes.
        ManifestError: the manifest cannot be read.
        ModuleNotFoundError: what runs this kind of file is not installed.
        ValueError: no such backend, or the files are no network.
    """
    if precision is not None and precision not in PRECISIONS:
        raise ValueError(unknown("precision", precision, PRECISIONS))
    if threads is not None and threads < 1:
        raise ValueError(f"threads must be at least 1, got {threads}")
    options = Options(ctx, precision, threads)
    if backend != AUTO:
        return _open(find(path, params, backend), options)
    found = {row.name: find(path, params, row.name) for row in _present(path)}
    key = [_identity(files) for files, _, _ in found.values()]
    openers = {name: partial(_open, one, options) for name, one in found.items()}
    return fastest(openers, [key, precision, threads, batch], batch)


def _open(found: tuple[Files, Manifest | None, Backend], options: Options) -> Runner:
    files, manifest, row = found
    runner: Runner = _import(row).open_runner(files, manifest, options)
    return runner


def _present(path: str | os.PathLike[str]) -> list[Backend]:
    """The installed backends that have a file here."""
    prefix, suffix = _split(Path(path).expanduser())
    rows = _rows(suffix if suffix == PLAIN else None, None)
    found = [row for row in rows if file_of(prefix, row.suffix).is_file()]
    if not found:
        raise FileNotFoundError(f"no exported network at {prefix}")
    return [row for row in found if _installed(row.package)] or found[:1]


def _identity(files: Files) -> list[Any]:
    """What changes when another network is written to the same place."""
    paths = [path for path in (files.graph, files.params) if path is not None]
    return [[str(path.resolve()), path.stat().st_size, path.stat().st_mtime_ns] for path in paths]


def find(
    path: str | os.PathLike[str],
    params: str | os.PathLike[str] | None = None,
    backend: str | None = None,
) -> tuple[Files, Manifest | None, Backend]:
    """The files that ``load`` would open, checked, and what would run them; raises as it does."""
    given = Path(path).expanduser()
    prefix, suffix = _split(given)
    manifest = _manifest(prefix)
    row = _choose(prefix, suffix, backend, manifest)
    graph = given if suffix == PLAIN else file_of(prefix, row.suffix)
    values = None
    if row.suffix == SYMBOL:
        named = given if PARAMS.search(given.name) else params
        values = Path(named).expanduser() if named else _find_params(prefix, manifest)
    if manifest is not None:
        suffixes = [f.name.removeprefix(prefix.name) for f in (graph, values) if f is not None]
        suffixes += [f"{suffix}{BESIDE}" for suffix in suffixes]
        manifest.check_files(prefix, [s for s in suffixes if s in manifest.files])
    return Files(prefix, graph, values), manifest, row


def exists(path: str | os.PathLike[str]) -> bool:
    """Whether ``load`` would find files of an exported network at ``path``."""
    prefix, suffix = _split(Path(path).expanduser())
    rows = _rows(suffix, None)
    return (
        any(file_of(prefix, row.suffix).is_file() for row in rows)
        or file_of(prefix, SUFFIX).is_file()
    )


def _split(path: Path) -> tuple[Path, str | None]:
    """The beginning that the files of an export share, and which of them ``path`` is, if any."""
    found = PARAMS.search(path.name)
    if found:
        return path.with_name(path.name[: found.start()]), SYMBOL
    for suffix in (SUFFIX, *dict.fromkeys(row.suffix for row in BACKENDS), PLAIN):
        if path.name.endswith(suffix) and path.name != suffix:
            return path.with_name(path.name.removesuffix(suffix)), suffix
    return path, None


def _manifest(prefix: Path) -> Manifest | None:
    path = file_of(prefix, SUFFIX)
    return Manifest.read(path) if path.is_file() else None


def _rows(suffix: str | None, backend: str | None) -> list[Backend]:
    if backend is not None and backend not in [row.name for row in BACKENDS]:
        raise ValueError(unknown("backend", backend, [row.name for row in BACKENDS]))
    suffix = {SUFFIX: None, PLAIN: SYMBOL}.get(suffix or SUFFIX, suffix)
    return [row for row in BACKENDS if backend in (None, row.name) and suffix in (None, row.suffix)]


def _choose(
    prefix: Path, suffix: str | None, backend: str | None, manifest: Manifest | None
) -> Backend:
    """The first backend that has a file here, one that is installed before one that is not."""
    rows = _rows(suffix, backend)
    if suffix == PLAIN:
        return rows[0]
    listed = () if manifest is None else manifest.files
    found = [row for row in rows if file_of(prefix, row.suffix).is_file() or row.suffix in listed]
    if not found:
        looked = ", ".join(str(file_of(prefix, row.suffix)) for row in rows or BACKENDS)
        raise FileNotFoundError(f"no exported network at {prefix}: looked for {looked}")
    return next((row for row in found if _installed(row.package)), found[0])


def _installed(package: str) -> bool:
    try:
        return importlib.util.find_spec(package) is not None
    except (ImportError, ValueError):  # ValueError: a module without a spec stands in for it
        return False


def _find_params(prefix: Path, manifest: Manifest | None) -> Path:
    """The parameters that the manifest lists, else those of the last epoch."""
    if manifest is not None:
        listed = [suffix for suffix in manifest.files if PARAMS.search(suffix)]
        if listed:
            return file_of(prefix, listed[0])
    pattern = f"{glob.escape(prefix.name)}-[0-9][0-9][0-9][0-9].params"
    epochs = sorted(prefix.parent.glob(pattern))
    found = [*epochs[-1:], file_of(prefix, ".params")]
    if not found[0].is_file():
        raise FileNotFoundError(
            f"no parameters of {prefix}: looked for {prefix}-0000.params and the like; "
            "params= takes another name"
        )
    return found[0]


def _import(row: Backend) -> Any:
    try:
        return importlib.import_module(row.module)
    except ModuleNotFoundError as error:
        if error.name != row.package:
            raise
        raise ModuleNotFoundError(
            f"{row.name} runs this network, and it is not installed: {row.install} ({error})",
            name=error.name,
        ) from error

"""The one loader of weights: finds the file, reads it, renames its keys, fills the network."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Mapping
from math import prod
from pathlib import Path
from typing import Any

import mxnet as mx
import numpy as np
from mxnet.gluon import Constant, HybridBlock

from toolkit.model_zoo.catalogue import ModelInfo, WeightsEntry
from toolkit.model_zoo.layouts import Layout
from toolkit.model_zoo.renames import RenameTable, UnmatchedKeysError, match_keys
from toolkit.utils.checkpoints import read_arrays
from toolkit.utils.files import cache_dir, check_digest, fetch

_BUNDLED = Path(__file__).with_name("bundled")
logger = logging.getLogger(__name__)
INDEX = "model.safetensors.index.json"  # of a folder whose weights are in several files
FOLDER_FILES = ("model.safetensors", "pytorch_model.bin")
_SUFFIXES = (".params", ".safetensors", ".pth", ".pt", ".th", ".bin", ".npz", ".nd")


class WeightsError(ValueError):
    """Weights that do not fit the network they were to fill."""


def choose_weights(
    info: ModelInfo, pretrained: bool | str | os.PathLike[str]
) -> WeightsEntry | Path | None:
    """What ``pretrained`` asks for: a published entry, a file of the user's, or nothing.

    Raises:
        FileNotFoundError: ``pretrained`` is a path where nothing is.
        ValueError: ``pretrained`` is a tag that was not published, or nothing was.
    """
    if isinstance(pretrained, bool):
        return info.entry() if pretrained else None
    text = os.fspath(pretrained)
    if os.sep in text or text.endswith(_SUFFIXES) or Path(text).exists():
        path = Path(text).expanduser()
        if not path.exists():
            raise FileNotFoundError(f"no weights for {info.name!r} at {path}")
        return path
    return info.entry(text)


def resolve(entry: WeightsEntry, root: str | os.PathLike[str] | None = None) -> Path:
    """The local file of a published entry, fetched where it is not yet here.

    Looked for in this order: the cache (``root``, else ``TOOLKIT_HOME/models``, else
    ``MXNET_HOME/models``, else ``~/.mxnet/models``), the weights bundled with the package, the
    mirrors. A file whose hash is not the published one is never returned.

    Raises:
        FetchError: no cache and no mirror has the file; the message lists every place.
        HashMismatchError: a mirror gave another file, and no mirror the right one.
    """
    cached, bundled = cache_dir(root) / entry.file, _BUNDLED / entry.file
    if check_digest(cached, entry.digest):
        return cached
    if entry.bundled and check_digest(bundled, entry.digest):
        return bundled
    member = entry.file if entry.url.endswith(".zip") else None
    return fetch(entry.url, cached, digest=entry.digest, size=entry.size, member=member)


def options_for(path: str | os.PathLike[str], tables: tuple[RenameTable, ...]) -> dict[str, Any]:
    """Options of the network that a file fits, where its rename table asks for some.

    Other libraries build some networks a little differently: the table that has a row for each of
    the file's keys says how.
    """
    asking = [table for table in tables if table.options]
    keys = read_arrays(path).keys() if asking else ()
    return next((dict(t.options or {}) for t in asking if t.covers(keys)), {})


def load_weights(
    net: HybridBlock,
    path: str | os.PathLike[str],
    *,
    tables: tuple[RenameTable, ...] = (),
    layout: Layout | None = None,
    ctx: Any = None,
) -> None:
    """Fills every parameter of ``net`` from a file of any format that ``read_arrays`` knows.

    Args:
        net: The network; its parameters need not be initialized.
        path: A ``.params``, ``.safetensors``, PyTorch or ``.npz`` file, or a folder as the
            ``transformers`` package saves them.
        tables: Rename tables to try when the file's keys are not the network's own.
        layout: How foreign files join and transpose what is apart here.
        ctx: Context or list of contexts of the parameters; default the current one.

    Parts of the network that its ``optional_parts`` name, heads on an encoder, need not be in the
    file: they are initialized anew, and the log says so. Constants of another shape, such as the
    anchors of a detector made for larger images, stay as they were made.

    Raises:
        WeightsError: a key has no counterpart, or a shape differs; the file, the keys and both
            shapes are named.
    """
    arrays = _read(Path(path))
    if layout is not None:
        arrays = layout.unpack(arrays)
    params = unique_params(net)
    shapes = {key: tuple(param.shape or ()) for key, param in params.items()}
    # A parameter that two blocks share may be in the file by each of its names.
    again = (key for key in net._collect_params_with_prefix() if key not in params)
    optional = (*getattr(net, "optional_parts", ()), *again)
    try:
        mapping = match_keys(
            {k: v.shape for k, v in arrays.items()},
            shapes,
            tables,
            optional=optional,
            graph={key: param.name for key, param in params.items()},
        )
    except UnmatchedKeysError as error:
        raise WeightsError(f"{path}: {error}") from error
    values = {
        key: arrays[source]
        for key, source in mapping.items()
        if not isinstance(params[key], Constant) or shapes[key] == arrays[source].shape
    }
    wrong = {
        key: f"{key} is {shapes[key]} here, {value.shape} in the file ({mapping[key]})"
        for key, value in values.items()
        if not _fits(shapes[key], value.shape)
    }
    if wrong:
        raise WeightsError(f"{path}: shapes differ: {_describe(wrong)}")
    set_arrays({key: params[key] for key in values}, values, ctx)
    _start({key: param for key, param in params.items() if key not in values}, path, ctx)


def _start(params: Mapping[str, mx.gluon.Parameter], path: object, ctx: Any) -> None:
    """Initializes what a file has no values of: constants as they were made, the rest at random."""
    random = [key for key, param in params.items() if not isinstance(param, Constant)]
    if random:
        logger.info("%s has no values of %s: they start at random", path, ", ".join(random))
    for param in params.values():
        param.initialize(default_init=mx.init.Normal(0.02), ctx=ctx)


def _read(path: Path) -> dict[str, np.ndarray]:
    if not path.is_dir():
        return read_arrays(path)
    if (path / INDEX).is_file():
        places = json.loads((path / INDEX).read_text(encoding="utf-8"))["weight_map"]
        parts = (read_arrays(path / name) for name in sorted(set(places.values())))
        return {key: array for part in parts for key, array in part.items()}
    for name in FOLDER_FILES:
        if (path / name).is_file():
            return read_arrays(path / name)
    raise WeightsError(f"{path}: the folder has none of {', '.join((*FOLDER_FILES, INDEX))}")


def unique_params(net: HybridBlock) -> dict[str, mx.gluon.Parameter]:
    """The parameters by structural name; one that two blocks share has the first of its names."""
    found = {id(p): key for key, p in reversed(net._collect_params_with_prefix().items())}
    params = net._collect_params_with_prefix()
    return {key: p for key, p in params.items() if found[id(p)] == key}


def get_arrays(net: HybridBlock) -> dict[str, np.ndarray]:
    """The values of all parameters under their structural names.

    Waits for everything that is under way first: MXNet rewrites weights into oneDNN's layout while
    a network runs, and reading one at that moment gives half of each.
    """
    mx.nd.waitall()
    return {k: p.data().asnumpy() for k, p in unique_params(net).items()}


def set_arrays(
    params: Mapping[str, mx.gluon.Parameter], arrays: Mapping[str, np.ndarray], ctx: Any = None
) -> None:
    """Gives each parameter its array, initializing those that are not."""
    for key, param in params.items():
        value = arrays[key]
        if param._data is None:
            if not _is_flattened(tuple(param.shape or ()), value.shape):
                param.shape = value.shape
            param.initialize(init=mx.init.Zero(), ctx=ctx)
        elif ctx is not None:
            param.reset_ctx(ctx)
        param.set_data(value.reshape(param.shape))


def _describe(wrong: Mapping[str, str]) -> str:
    text = "; ".join(list(wrong.values())[:3])
    if len(wrong) > 3:
        text += f"; and {len(wrong) - 3} more"
    if all(key.startswith("head.") for key in wrong):
        text += ". To change the number of classes, load first, then net.reset_classifier(classes)"
    return text


def _fits(ours: tuple[int, ...], theirs: tuple[int, ...]) -> bool:
    same = len(ours) == len(theirs) and all(a in (0, b) for a, b in zip(ours, theirs, strict=True))
    return same or _is_flattened(ours, theirs)


def _is_flattened(ours: tuple[int, ...], theirs: tuple[int, ...]) -> bool:
    """A dense layer and the convolution that sees its whole input: the same numbers in a row."""
    return {len(ours), len(theirs)} == {2, 4} and (ours[0], prod(ours)) == (theirs[0], prod(theirs))

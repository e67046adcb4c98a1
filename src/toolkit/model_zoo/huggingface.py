"""Folders as the ``transformers`` package reads and writes them: a config and the weights.

What differs from model to model is data: the section ``huggingface`` of a family's JSON says which
of the config's keys is which of our fields, and the table ``huggingface`` of its renames what the
weights are called.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from mxnet.gluon import HybridBlock

from toolkit.model_zoo.catalogue import ModelInfo
from toolkit.model_zoo.registry import BACKBONES
from toolkit.model_zoo.weights import WeightsError, get_arrays
from toolkit.utils.checkpoints import write_safetensors
from toolkit.utils.files import atomic_write

CONFIG, WEIGHTS = "config.json", "model.safetensors"
# The later of two words for one thing is the one written.
ACTIVATIONS = {
    "gelu_pytorch_tanh": "gelu_tanh",
    "gelu_fast": "gelu_tanh",
    "gelu_new": "gelu_tanh",
    "gated-gelu": "gated_gelu_tanh",  # of T5, which takes the approximation for granted
    "gelu": "gelu",
    "relu": "relu",
    "silu": "swish",
    "swish": "swish",
    "tanh": "tanh",
}
SIZES = ("layers", "units", "heads")  # what a model's name promises
ALIKE = {"embedding_units": "units", "decoder_layers": "layers"}  # where a config has None


def folder_options(
    info: ModelInfo, folder: Path, options: Mapping[str, Any]
) -> tuple[dict[str, Any], int | None]:
    """What the config of a folder says: fields of the variant's config, and a number of classes.

    Raises:
        WeightsError: the folder has no config, is of another kind of model, or of other sizes than
            the model's name and ``options`` say.
    """
    path = folder / CONFIG
    if not path.is_file():
        raise WeightsError(f"{folder}: no {CONFIG} in the folder, so its model is not known")
    found = json.loads(path.read_text(encoding="utf-8"))
    kind = info.huggingface.get("model_type")
    if found.get("model_type") != kind:
        raise WeightsError(
            f"{path}: a model of type {found.get('model_type')!r}; {info.name!r} reads "
            f"{f'the type {kind!r}' if kind else 'no such folders'}"
        )
    found = {**info.huggingface.get("defaults", {}), **found}
    for key, value in info.huggingface.get("required", {}).items():
        if found.get(key, value) != value:
            raise WeightsError(f"{path}: {key} is {found[key]!r}; {info.name!r} knows {value!r}")
    for first, second in info.huggingface.get("same", ()):
        if found.get(second) not in (None, found.get(first)):
            raise WeightsError(
                f"{path}: {first} is {found.get(first)!r}, {second} {found[second]!r}; "
                f"{info.name!r} knows models where they are the same"
            )
    sizes = dict(info.huggingface.get("fixed", {}))
    for key, field in info.huggingface["config"].items():
        if found.get(key) is not None:
            sizes[field] = _word(found[key], field)
    _check_sizes(info, path, sizes, options)
    labels = found.get("id2label")
    return sizes, len(labels) if labels else found.get("num_labels", 2)


def _word(value: Any, field: str) -> Any:
    if field != "activation":
        return value
    if value not in ACTIVATIONS:
        raise WeightsError(f"unknown activation {value!r}; known: {', '.join(ACTIVATIONS)}")
    return ACTIVATIONS[value]


def _check_sizes(
    info: ModelInfo, path: Path, sizes: Mapping[str, Any], options: Mapping[str, Any]
) -> None:
    config = BACKBONES[info.backbone].config
    promised = {key: options.get(key, getattr(config, key)) for key in SIZES}
    actual = {key: sizes.get(key, promised[key]) for key in SIZES}
    if actual != promised:
        wanted = ", ".join(f"{key}={value}" for key, value in actual.items())
        raise WeightsError(
            f"{path}: the folder's model has {wanted}; {info.name!r} has "
            f"{', '.join(f'{key}={value}' for key, value in promised.items())}. "
            f"Pass {wanted} to get_model, or the name of a model that has them"
        )


def save_huggingface(
    net: HybridBlock, folder: str | os.PathLike[str], *, labels: Sequence[str] = ()
) -> None:
    """Writes a network as a folder that the ``transformers`` package loads.

    Args:
        net: A text model of ``get_model``, with weights.
        folder: Made where it is not there; ``config.json`` and ``model.safetensors`` are replaced.
        labels: Names of the classes, by index; by default ``LABEL_0`` and so on.

    Raises:
        ValueError: the package has no such model, a part of this one has no name in it, or there
            is another number of labels than of classes.
    """
    info: ModelInfo = net.info
    section = info.huggingface
    if info.task not in section.get("architectures", {}):
        raise ValueError(
            f"{info.name!r} as {info.task} has no counterpart in transformers; "
            f"tasks that have: {', '.join(section.get('architectures', {})) or 'none'}"
        )
    if labels and len(labels) != getattr(net, "classes", 0):
        raise ValueError(f"{len(labels)} labels for {getattr(net, 'classes', 0)} classes")
    arrays = foreign_arrays(net)
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    write_safetensors(folder / WEIGHTS, arrays, {"format": "pt"})
    with atomic_write(folder / CONFIG, "w") as file:
        json.dump(_config(net, section, labels), file, indent=2, sort_keys=True)


def foreign_arrays(net: HybridBlock) -> dict[str, np.ndarray]:
    """The network's values by the names that ``transformers`` gives them.

    Raises:
        ValueError: a parameter has no name there.
    """
    table = next(t for t in net.info.renames if t.name == "huggingface")
    renamed = net.info.huggingface.get("renamed", {}).get(net.info.task, ())
    arrays = {}
    for key, value in get_arrays(net).items():
        name = table.to_foreign(key)
        if name is None:
            raise ValueError(f"transformers has no place for {key}")
        for ours, theirs in renamed:
            name = name.replace(ours, theirs)
        arrays[name] = value
    layout = net.info.layout
    return arrays if layout is None else layout.pack(arrays, net.encoder.config.heads)


def _config(net: HybridBlock, section: Mapping[str, Any], labels: Sequence[str]) -> dict[str, Any]:
    config = net.encoder.config
    words = {ours: theirs for theirs, ours in ACTIVATIONS.items()}
    values = {key: getattr(config, field) for key, field in section["config"].items()}
    for key, field in section["config"].items():
        if field == "activation":
            values[key] = words[values[key]]
        elif values[key] is None and field in ALIKE:
            values[key] = getattr(config, ALIKE[field])
    classes = getattr(net, "classes", 0)
    if classes:
        names = labels or [f"LABEL_{i}" for i in range(classes)]
        values["id2label"] = {str(i): name for i, name in enumerate(names)}
        values["label2id"] = {name: i for i, name in enumerate(names)}
    return {
        **section.get("defaults", {}),
        **values,
        "model_type": section["model_type"],
        "architectures": [section["architectures"][net.info.task]],
        "dtype": "float32",
    }

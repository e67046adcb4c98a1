"""The only door to the models: ``get_model``."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import mxnet as mx
from mxnet.gluon import HybridBlock

from toolkit.model_zoo import tasks, text, vision  # noqa: F401  (registers what they hold)
from toolkit.model_zoo.catalogue import ModelInfo, WeightsEntry, model_info
from toolkit.model_zoo.huggingface import folder_options
from toolkit.model_zoo.registry import BACKBONES, TASKS, keyword_options
from toolkit.model_zoo.weights import choose_weights, load_weights, options_for, resolve

# What GluonCV's builders call options of ours.
UPSTREAM = {"last_gamma": "zero_last_gamma", "final_drop": "dropout", "norm_layer": "norm"}


def get_model(
    name: str,
    pretrained: bool | str | os.PathLike[str] = False,
    *,
    task: str | None = None,
    classes: int | None = None,
    ctx: Any = None,
    root: str | os.PathLike[str] | None = None,
    prefix: str | None = None,
    **options: Any,
) -> HybridBlock:
    """Builds a published model by name; the network is touched only when weights are asked for.

    Args:
        name: One of ``list_models()``; upper and lower case are the same.
        pretrained: False for no weights (call ``net.initialize()``), True for the default ones, a
            tag, the first digits of a hash or the name of a data set, or a path to a file of
            weights or to a folder that the ``transformers`` package wrote.
        task: Another task for the same backbone, such as ``text_classifier``.
        classes: Number of classes where it is not the published one.
        ctx: Context or list of contexts of the parameters.
        root: Folder of the weights cache.
        prefix: Prefix of all parameter names; default the model's name and ``_``.
        **options: Further options of the backbone or of the task; a field of the variant's config
            (``layers=2``) is one, too. ``last_gamma``, ``final_drop`` and ``norm_layer`` are
            understood as GluonCV means them.

    Returns:
        The network, not hybridized; ``net.info`` is its ``ModelInfo``, with the preprocessing that
        the weights want.

    Raises:
        ValueError: the name, the tag or the number of classes is wrong.
        TypeError: neither the backbone nor the task has such an option.
        WeightsError: the weights do not fit the network.
        FetchError: the weights are nowhere to be had.
    """
    info = model_info(name)
    if task is not None:
        info = replace(info, task=task)
    weights = choose_weights(info, pretrained)
    path = resolve(weights, root) if isinstance(weights, WeightsEntry) else weights
    if isinstance(weights, WeightsEntry):
        options = {**weights.options, **options}
        info = replace(info, preprocess=weights.preprocess or info.preprocess)
    elif isinstance(weights, Path) and weights.is_dir():
        sizes, found = folder_options(info, weights, options)
        options = {**sizes, **options}
        classes = found if classes is None else classes
    if path is not None:
        options = {**options_for(path, info.renames), **options}
    with mx.name.Prefix(f"{info.name}_" if prefix is None else prefix):
        net = _build(info, info.classes if classes is None else classes, options)
    net.info = info
    if path is not None:
        load_weights(net, path, tables=info.renames, layout=info.layout, ctx=ctx)
    return net


def _build(info: ModelInfo, classes: int, options: dict[str, Any]) -> HybridBlock:
    task = TASKS[info.task]
    options = {UPSTREAM.get(name, name): value for name, value in options.items()}
    of_task, of_backbone = keyword_options(task), BACKBONES.options(info.backbone)
    alien = sorted(options.keys() - of_task - of_backbone)
    if alien:
        raise TypeError(
            f"{info.name!r} has no option {', '.join(alien)}; "
            f"its options: {', '.join(sorted(of_task | of_backbone)) or 'none'}"
        )
    options = {**info.options, **options}
    backbone = BACKBONES.create(
        info.backbone, **{k: v for k, v in options.items() if k in of_backbone}
    )
    return task(backbone, classes, **{k: v for k, v in options.items() if k in of_task})

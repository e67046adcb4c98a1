"""Weights of a classifier for the backbone of another task's network."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from mxnet.gluon import HybridBlock, Parameter

from toolkit.model_zoo.builder import get_model
from toolkit.model_zoo.weights import get_arrays, set_arrays


def load_backbone(
    net: HybridBlock,
    pretrained: bool | str | os.PathLike[str] = True,
    *,
    root: str | os.PathLike[str] | None = None,
) -> None:
    """Fills the backbone of a network from the classifier that is published on it.

    What GluonCV calls ``pretrained_base``. The other parameters are left as they are, to be
    initialized before or afterwards.

    Args:
        net: A detector, segmenter or pose estimator that ``get_model`` made.
        pretrained: Which weights of the classifier, as in ``get_model``.
        root: Folder of the weights cache.

    Raises:
        ValueError: the network has no backbone of that name, or one of another shape: options that
            change it (fewer classes do not) leave it without published weights.
        WeightsError: the weights do not fit the classifier.
        FetchError: the weights are nowhere to be had.
    """
    info = getattr(net, "info", None)
    params = _backbone_params(getattr(net, "network", net))
    if info is None or not params:
        kind = type(net).__name__
        raise ValueError(f"{kind} has no backbone of the zoo: give a network that get_model made")
    source = get_model(info.backbone, pretrained, root=root)
    values = get_arrays(getattr(source, "backbone", source))
    if apart := _apart(params, {key: value.shape for key, value in values.items()}):
        raise ValueError(f"the backbone of {info.name} is not that of {info.backbone}: {apart}")
    set_arrays(params, values)


def _apart(params: Mapping[str, Parameter], shapes: Mapping[str, tuple[int, ...]]) -> str:
    """What the first difference is; an axis of a parameter may be open."""
    if alone := params.keys() ^ shapes.keys():
        return f"only one of them has {min(alone)}"
    for key, param in params.items():
        ours, theirs = tuple(param.shape or ()), shapes[key]
        if len(ours) != len(theirs) or any(
            a > 0 and a != b for a, b in zip(ours, theirs, strict=True)
        ):
            return f"{key} is {ours}, in the weights {theirs}"
    return ""


def _backbone_params(network: Any) -> dict[str, Parameter]:
    """A network's parameters under the names that they have in its backbone alone."""
    backbone = getattr(getattr(network, "features", network), "backbone", None)
    if backbone is None:
        return {}
    params: dict[str, Parameter] = backbone._collect_params_with_prefix()
    top = getattr(getattr(network, "regions", None), "top", None)
    if top is not None:  # an R-CNN runs the last stage on regions
        place = len(backbone.stages)
        last = top._collect_params_with_prefix()
        params.update({f"stages.{place}.{key}": param for key, param in last.items()})
    return params

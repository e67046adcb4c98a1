"""The contract of detectors."""

from __future__ import annotations

from collections.abc import Callable

import mxnet as mx
import numpy as np
from mxnet.gluon import HybridBlock

from toolkit.utils.testing.checks import (
    Shape,
    built,
    check_count,
    check_parameters,
    random_images,
    require,
    require_close,
)


def assert_is_detector(
    net: HybridBlock | Callable[[], HybridBlock],
    input_shape: Shape = (2, 3, 96, 96),
    *,
    tolerance: float = 1e-4,
) -> None:
    """Checks that a block is a detector, fit for every script and target.

    ``net(x)`` is ``net.postprocess(*net.network(x))`` and gives class indices ``(N, K, 1)``, scores
    ``(N, K, 1)`` and corners ``(N, K, 4)``, the best first, -1 throughout in rows without a
    detection; the same eager and hybridized, and of the same form in training; ``set_nms`` and
    ``reset_class`` change what they say.

    Args:
        net: The detector, or a function that builds it, called twice to compare parameter names.
        input_shape: Shape ``(N, 3, H, W)`` of the images.
        tolerance: Largest difference allowed between eager and hybridized scores.

    Raises:
        AssertionError: a part of the contract is broken; the message says which and how.
    """
    net = built(net)
    classes = check_count(net, "classes")
    check_parameters(net)
    images = random_images(input_shape)
    net.hybridize(False)
    eager = _detections(net, images, classes)
    raw = net.network(images)
    require(isinstance(raw, (list, tuple)), "network must give the arguments of postprocess")
    for ours, whole in zip(net.postprocess(*raw), eager, strict=True):
        require((ours.asnumpy() == whole).all(), "net(x) is not postprocess(*network(x))")
    with mx.autograd.record():
        shapes = [result.shape for result in net(images)[:3]]
    require(shapes == [a.shape for a in eager], f"training gives the shapes {shapes}")
    net.hybridize()
    require_close(_detections(net, images, classes)[1], eager[1], tolerance, "hybridized scores")
    net.set_nms(detections=3)
    require(net(images)[0].shape[1] == 3, "set_nms(detections=3) must leave 3 rows")
    net.reset_class(classes + 1)
    require(net.classes == classes + 1, "reset_class must set classes")
    _detections(net, images, classes + 1)
    net.hybridize(False)


def _detections(net: HybridBlock, images: mx.nd.NDArray, classes: int) -> list[np.ndarray]:
    """Class indices, scores and corners, checked one by one."""
    results = net(images)
    require(
        isinstance(results, (list, tuple)) and len(results) >= 3,
        "the result must be class indices, scores and corners",
    )
    ids, scores, corners = (result.asnumpy() for result in results[:3])
    batch, count = images.shape[0], ids.shape[1]
    for array, last, what in ((ids, 1, "indices"), (scores, 1, "scores"), (corners, 4, "corners")):
        require(
            array.shape == (batch, count, last),
            f"{what} must be ({batch}, {count}, {last}), got {array.shape}",
        )
    found = ids[..., 0] >= 0
    require(bool(found.any()), "nothing was found: lower the score that set_nms asks for")
    require(bool((ids < classes).all()), f"a class index is not below {classes}")
    require(bool((np.diff(scores[..., 0]) <= 0).all()), "the best must come first")
    for array in (ids, scores, corners):
        require(bool((array[~found] == -1).all()), "rows without a detection must be -1")
    return [ids, scores, corners]

"""The contract of pose estimators."""

from __future__ import annotations

from collections.abc import Callable

import mxnet as mx
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


def assert_is_pose_estimator(
    net: HybridBlock | Callable[[], HybridBlock],
    input_shape: Shape = (2, 3, 64, 96),
    *,
    tolerance: float = 1e-4,
) -> None:
    """Checks that a block gives heat maps of joints, fit for every script and target.

    It declares ``classes``, the number of joints, ``stride``, and ``labels``, their names or None;
    ``net(x)`` gives maps ``(N, classes, H / stride, W / stride)``, the same eager and hybridized,
    and of the same shape in training.

    Args:
        net: The pose estimator, or a function that builds it, called twice to compare parameter
            names.
        input_shape: Shape ``(N, 3, H, W)`` of the images, sides that the coarsest feature divides.
        tolerance: Largest difference allowed between eager and hybridized maps, relative to the
            largest value.

    Raises:
        AssertionError: a part of the contract is broken; the message says which and how.
    """
    net = built(net)
    for what in ("classes", "stride"):
        check_count(net, what)
    labels = getattr(net, "labels", ())
    require(
        labels is None or len(labels) == net.classes,
        f"labels must be the names of {net.classes} joints or None, got {labels!r}",
    )
    check_parameters(net)
    net.hybridize(False)
    images = random_images(input_shape)
    height, width = (side // net.stride for side in input_shape[2:])
    expected = (input_shape[0], net.classes, height, width)
    maps = net(images)
    shape = getattr(maps, "shape", type(maps).__name__)
    require(shape == expected, f"heat maps must be {expected}, got {shape}")
    eager = maps.asnumpy()
    require(bool(abs(eager).max() < float("inf")), "heat maps are not finite")
    with mx.autograd.record():
        shape = getattr(net(images), "shape", None)
    require(shape == expected, f"training gives the shape {shape}")
    net.hybridize()
    require_close(net(images).asnumpy(), eager, tolerance, "hybridized heat maps")
    net.hybridize(False)

"""The contract of segmenters."""

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


def assert_is_segmenter(
    net: HybridBlock | Callable[[], HybridBlock],
    input_shape: Shape = (2, 3, 64, 96),
    *,
    tolerance: float = 1e-4,
) -> None:
    """Checks that a block scores the classes of every pixel, fit for every script and target.

    ``net(x)`` gives scores ``(N, classes, H, W)`` of images of any size; they are the first of the
    tuple that ``net.network(x)`` gives, of as many results in training; the same eager and
    hybridized.

    Args:
        net: The segmenter, or a function that builds it, called twice to compare parameter names.
        input_shape: Shape ``(N, 3, H, W)`` of the images; larger ones with odd sides follow.
        tolerance: Largest difference allowed between eager and hybridized scores.

    Raises:
        AssertionError: a part of the contract is broken; the message says which and how.
    """
    net = built(net)
    classes = check_count(net, "classes")
    check_parameters(net)
    batch, colours, height, width = input_shape
    shapes = (input_shape, (batch, colours, height + 7, width + 13))
    eager = []
    for shape in shapes:
        net.hybridize(False)
        images, expected = random_images(shape), (batch, classes, *shape[2:])
        raw = net.network(images)
        require(isinstance(raw, tuple), f"network must give a tuple, got {type(raw).__name__}")
        with mx.autograd.record():
            training = [scores.shape for scores in net.network(images)]
        require(training == [s.shape for s in raw], f"training gives the shapes {training}")
        scores = net(images).asnumpy()
        require(scores.shape == expected, f"scores must be {expected}, got {scores.shape}")
        require(bool(np.isfinite(scores).all()), "scores are not finite")
        require((raw[0].asnumpy() == scores).all(), "net(x) is not the first of network(x)")
        eager.append(scores)
    net.hybridize()
    for shape, scores in zip(shapes, eager, strict=True):
        require_close(net(random_images(shape)).asnumpy(), scores, tolerance, "hybridized scores")
    net.hybridize(False)

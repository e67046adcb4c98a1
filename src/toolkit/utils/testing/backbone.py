"""The contract of vision backbones."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import mxnet as mx
import numpy as np
from mxnet.gluon import HybridBlock

from toolkit.utils.testing.checks import (
    Shape,
    built,
    check_parameters,
    random_images,
    require,
    require_close,
)


def assert_is_backbone(
    net: HybridBlock | Callable[[], HybridBlock],
    input_shape: Shape = (1, 3, 64, 64),
    *,
    classes: int = 7,
    tolerance: float = 1e-5,
) -> None:
    """Checks that a block is a vision backbone, fit for every task of the model zoo.

    It declares ``channels`` and ``strides``, finest first; maps images of any size to as many
    features of those; knows the shapes of all its parameters from the start; gives the same
    results eager and hybridized, and the same shapes in training; and ``head(classes)`` makes a
    classifier of its last feature, or of all of them where the head has a true attribute
    ``takes_all_features``.

    Args:
        net: The backbone, or a function that builds it. A function is called twice, to check that
            both have the same parameter names. What is not initialized yet is initialized here.
        input_shape: Shape ``(N, 3, H, W)`` of the images; sides are multiples of the last stride.
        classes: Number of classes of the head that is tried.
        tolerance: Largest difference allowed between eager and hybridized results, relative to the
            largest value.

    Raises:
        AssertionError: a part of the contract is broken; the message says which and how.
    """
    net = built(net)
    _check_declarations(net, input_shape)
    check_parameters(net)
    coarsest = net.strides[-1]
    batch, colours, height, width = input_shape
    # Two sizes, the second grown differently in height and width.
    images = [
        random_images(input_shape),
        random_images((batch, colours, height + coarsest, width + 2 * coarsest)),
    ]
    net.hybridize(False)
    eager = [_features(net, image) for image in images]
    _check_shapes(net, images, eager)
    _check_hybrid(net, images, eager, tolerance)
    _check_head(net, eager[0], classes, tolerance)
    with mx.autograd.record():
        training = [feature.shape for feature in _features(net, images[0])]
    inference = [feature.shape for feature in eager[0]]
    require(training == inference, f"shapes in training {training}, in inference {inference}")


def _check_declarations(net: HybridBlock, input_shape: Shape) -> None:
    for what in ("channels", "strides"):
        values = getattr(net, what, None)
        require(
            isinstance(values, tuple)
            and len(values) > 0
            and all(isinstance(v, int) and v > 0 for v in values),
            f"{what} must be a tuple of positive whole numbers, got {values!r}",
        )
    require(
        len(net.channels) == len(net.strides),
        f"{len(net.channels)} channels but {len(net.strides)} strides",
    )
    require(
        list(net.strides) == sorted(net.strides), f"strides are not finest first: {net.strides}"
    )
    require(
        len(input_shape) == 4 and not any(side % net.strides[-1] for side in input_shape[2:]),
        f"input_shape must be (N, C, H, W) with sides that {net.strides[-1]} divides, "
        f"got {input_shape}",
    )


def _features(net: HybridBlock, images: mx.nd.NDArray) -> list[np.ndarray]:
    features = net(images)
    require(
        isinstance(features, (list, tuple)),
        f"the result must be a list of features, got {type(features).__name__}",
    )
    return [feature.asnumpy() for feature in features]


def _check_shapes(
    net: HybridBlock, images: Sequence[mx.nd.NDArray], results: Sequence[list[np.ndarray]]
) -> None:
    for image, features in zip(images, results, strict=True):
        require(
            len(features) == len(net.channels),
            f"{len(features)} features, but channels are {net.channels}",
        )
        for index, (feature, channels) in enumerate(zip(features, net.channels, strict=True)):
            require(
                feature.ndim == 4 and feature.shape[:2] == (image.shape[0], channels),
                f"feature {index} must be ({image.shape[0]}, {channels}, h, w), "
                f"got {feature.shape}",
            )
            require(bool(np.isfinite(feature).all()), f"feature {index} is not finite")
    # An image larger by a multiple of the stride gives a feature larger by that many cells,
    # however the layers pad.
    for index, stride in enumerate(net.strides):
        for axis in (2, 3):
            pixels = images[1].shape[axis] - images[0].shape[axis]
            cells = results[1][index].shape[axis] - results[0][index].shape[axis]
            require(
                cells * stride == pixels,
                f"feature {index} grows by {cells} cells where the image grows by {pixels} "
                f"pixels: that is no stride of {stride}",
            )


def _check_hybrid(
    net: HybridBlock,
    images: Sequence[mx.nd.NDArray],
    eager: Sequence[list[np.ndarray]],
    tolerance: float,
) -> None:
    net.hybridize()
    for image, expected in zip(images, eager, strict=True):
        for index, (ours, theirs) in enumerate(zip(_features(net, image), expected, strict=True)):
            require_close(ours, theirs, tolerance, f"hybridized feature {index}")
    net.hybridize(False)


def _check_head(
    net: HybridBlock, features: Sequence[np.ndarray], classes: int, tolerance: float
) -> None:
    head = net.head(classes)
    require(isinstance(head, HybridBlock), f"head() must make a HybridBlock, got {type(head)}")
    check_parameters(head)
    taken = features if getattr(head, "takes_all_features", False) else features[-1:]
    inputs = [mx.nd.array(feature) for feature in taken]
    eager = head(*inputs)
    require(
        eager.shape == (inputs[0].shape[0], classes),
        f"head({classes}) must give ({inputs[0].shape[0]}, {classes}), got {eager.shape}",
    )
    head.hybridize()
    require_close(head(*inputs).asnumpy(), eager.asnumpy(), tolerance, "hybridized head")

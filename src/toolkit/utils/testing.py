"""Public contracts: what a thing of a kind must do, as assertions for its own tests."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import mxnet as mx
import numpy as np
from mxnet.gluon import HybridBlock

Shape = tuple[int, ...]


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
    if not isinstance(net, HybridBlock):
        _check_names(*(_build(net) for _ in range(2)))
        net = _build(net)
    _check_declarations(net, input_shape)
    _check_parameters(net)
    coarsest = net.strides[-1]
    batch, colours, height, width = input_shape
    # Two sizes, the second grown differently in height and width.
    images = [
        _images(input_shape),
        _images((batch, colours, height + coarsest, width + 2 * coarsest)),
    ]
    net.hybridize(False)
    eager = [_features(net, image) for image in images]
    _check_shapes(net, images, eager)
    _check_hybrid(net, images, eager, tolerance)
    _check_head(net, eager[0], classes, tolerance)
    with mx.autograd.record():
        training = [feature.shape for feature in _features(net, images[0])]
    inference = [feature.shape for feature in eager[0]]
    _require(training == inference, f"shapes in training {training}, in inference {inference}")


def assert_is_text_encoder(
    net: HybridBlock | Callable[[], HybridBlock],
    shape: tuple[int, int] = (3, 8),
    *,
    tolerance: float = 1e-5,
) -> None:
    """Checks that a block is a text encoder, fit for every task of the model zoo.

    It declares ``units`` and ``vocab_size``; maps tokens ``(N, T)``, segments ``(N, T)`` and valid
    lengths ``(N,)`` to ``(N, T, units)``, the same eager and hybridized; tells tokens apart; and
    what stands beyond a valid length changes no bit of any result. One that declares ``characters``
    takes spelled tokens, ``(N, T, characters)``.

    Args:
        net: The encoder, or a function that builds it, called twice to compare parameter names.
        shape: Rows and tokens of the batch; at least two of each.
        tolerance: Largest difference allowed between eager and hybridized results, and between a
            padded row and the same row alone, relative to the largest value.

    Raises:
        AssertionError: a part of the contract is broken; the message says which and how.
    """
    if not isinstance(net, HybridBlock):
        _check_names(*(_build(net) for _ in range(2)))
        net = _build(net)
    for what in ("units", "vocab_size"):
        value = getattr(net, what, None)
        _require(
            isinstance(value, int) and value > 0,
            f"{what} must be a positive whole number, got {value!r}",
        )
    _check_parameters(net)
    net.hybridize(False)
    texts = _texts(net, shape)
    eager = _encode(net, *texts)
    _require(eager.std() > 0 and not np.allclose(eager[0, 0], eager[0, 1]), "tokens look alike")
    _check_padding(net, texts, eager, tolerance)
    net.hybridize()
    _require_close(_encode(net, *texts), eager, tolerance, "hybridized result")
    _check_padding(net, texts, _encode(net, *texts), tolerance)
    net.hybridize(False)


def _texts(net: HybridBlock, shape: tuple[int, int]) -> list[np.ndarray]:
    rng, (rows, length) = np.random.default_rng(0), shape
    lengths = np.array([length, *(1 + index % (length - 1) for index in range(rows - 1))])
    spelled = (net.characters,) if hasattr(net, "characters") else ()
    tokens = rng.integers(0, net.vocab_size, (*shape, *spelled))
    tokens[0, 1] = (tokens[0, 0] + 1) % net.vocab_size
    return [tokens, rng.integers(0, 2, shape), lengths]


def _encode(net: HybridBlock, *texts: np.ndarray) -> np.ndarray:
    result = net(*(mx.nd.array(text, dtype="int32") for text in texts))
    expected = (*texts[0].shape[:2], net.units)
    _require(
        isinstance(result, mx.nd.NDArray) and result.shape == expected,
        f"the result must be an array {expected}, got {getattr(result, 'shape', type(result))}",
    )
    features = result.asnumpy()
    _require(bool(np.isfinite(features).all()), "the result is not finite")
    return features


def _check_padding(
    net: HybridBlock, texts: Sequence[np.ndarray], expected: np.ndarray, tolerance: float
) -> None:
    tokens, segments, lengths = texts
    beyond = np.arange(tokens.shape[1]) >= lengths[:, None]
    junk = tokens.copy()
    junk[beyond] = (tokens[beyond] + 1) % net.vocab_size
    found = _encode(net, junk, np.where(beyond, 1 - segments, segments), lengths)
    changed = np.argwhere((found != expected).any(axis=2))
    _require(
        not len(changed),
        f"what stands beyond the valid length changes results at (row, token) "
        f"{[tuple(map(int, place)) for place in changed[:3]]}",
    )
    for row, length in enumerate(lengths):
        alone = _encode(
            net, tokens[row : row + 1, :length], segments[row : row + 1, :length], lengths[[row]]
        )
        _require_close(alone[0], expected[row, :length], tolerance, f"row {row} without padding")


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
    if not isinstance(net, HybridBlock):
        _check_names(*(_build(net) for _ in range(2)))
        net = _build(net)
    classes: Any = getattr(net, "classes", None)
    _require(isinstance(classes, int) and classes > 0, f"classes must be a number, got {classes!r}")
    _check_parameters(net)
    images = _images(input_shape)
    net.hybridize(False)
    eager = _detections(net, images, classes)
    raw = net.network(images)
    _require(isinstance(raw, (list, tuple)), "network must give the arguments of postprocess")
    for ours, whole in zip(net.postprocess(*raw), eager, strict=True):
        _require((ours.asnumpy() == whole).all(), "net(x) is not postprocess(*network(x))")
    with mx.autograd.record():
        shapes = [result.shape for result in net(images)[:3]]
    _require(shapes == [a.shape for a in eager], f"training gives the shapes {shapes}")
    net.hybridize()
    _require_close(_detections(net, images, classes)[1], eager[1], tolerance, "hybridized scores")
    net.set_nms(detections=3)
    _require(net(images)[0].shape[1] == 3, "set_nms(detections=3) must leave 3 rows")
    net.reset_class(classes + 1)
    _require(net.classes == classes + 1, "reset_class must set classes")
    _detections(net, images, classes + 1)
    net.hybridize(False)


def _detections(net: HybridBlock, images: mx.nd.NDArray, classes: int) -> list[np.ndarray]:
    """Class indices, scores and corners, checked one by one."""
    results = net(images)
    _require(
        isinstance(results, (list, tuple)) and len(results) >= 3,
        "the result must be class indices, scores and corners",
    )
    ids, scores, corners = (result.asnumpy() for result in results[:3])
    batch, count = images.shape[0], ids.shape[1]
    for array, last, what in ((ids, 1, "indices"), (scores, 1, "scores"), (corners, 4, "corners")):
        _require(
            array.shape == (batch, count, last),
            f"{what} must be ({batch}, {count}, {last}), got {array.shape}",
        )
    found = ids[..., 0] >= 0
    _require(bool(found.any()), "nothing was found: lower the score that set_nms asks for")
    _require(bool((ids < classes).all()), f"a class index is not below {classes}")
    _require(bool((np.diff(scores[..., 0]) <= 0).all()), "the best must come first")
    for array in (ids, scores, corners):
        _require(bool((array[~found] == -1).all()), "rows without a detection must be -1")
    return [ids, scores, corners]


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
    if not isinstance(net, HybridBlock):
        _check_names(*(_build(net) for _ in range(2)))
        net = _build(net)
    classes: Any = getattr(net, "classes", None)
    _require(isinstance(classes, int) and classes > 0, f"classes must be a number, got {classes!r}")
    _check_parameters(net)
    batch, colours, height, width = input_shape
    shapes = (input_shape, (batch, colours, height + 7, width + 13))
    eager = []
    for shape in shapes:
        net.hybridize(False)
        images, expected = _images(shape), (batch, classes, *shape[2:])
        raw = net.network(images)
        _require(isinstance(raw, tuple), f"network must give a tuple, got {type(raw).__name__}")
        with mx.autograd.record():
            training = [scores.shape for scores in net.network(images)]
        _require(training == [s.shape for s in raw], f"training gives the shapes {training}")
        scores = net(images).asnumpy()
        _require(scores.shape == expected, f"scores must be {expected}, got {scores.shape}")
        _require(bool(np.isfinite(scores).all()), "scores are not finite")
        _require((raw[0].asnumpy() == scores).all(), "net(x) is not the first of network(x)")
        eager.append(scores)
    net.hybridize()
    for shape, scores in zip(shapes, eager, strict=True):
        _require_close(net(_images(shape)).asnumpy(), scores, tolerance, "hybridized scores")
    net.hybridize(False)


def _build(build: Callable[[], HybridBlock]) -> HybridBlock:
    with mx.name.Prefix("contract_"):
        return build()


def _check_names(first: HybridBlock, second: HybridBlock) -> None:
    names = [list(net.collect_params()) for net in (first, second)]
    _require(
        names[0] == names[1],
        "parameter names differ from one build to the next: "
        f"{sorted(set(names[0]) ^ set(names[1]))[:3]}",
    )


def _check_declarations(net: HybridBlock, input_shape: Shape) -> None:
    for what in ("channels", "strides"):
        values = getattr(net, what, None)
        _require(
            isinstance(values, tuple)
            and len(values) > 0
            and all(isinstance(v, int) and v > 0 for v in values),
            f"{what} must be a tuple of positive whole numbers, got {values!r}",
        )
    _require(
        len(net.channels) == len(net.strides),
        f"{len(net.channels)} channels but {len(net.strides)} strides",
    )
    _require(
        list(net.strides) == sorted(net.strides), f"strides are not finest first: {net.strides}"
    )
    _require(
        len(input_shape) == 4 and not any(side % net.strides[-1] for side in input_shape[2:]),
        f"input_shape must be (N, C, H, W) with sides that {net.strides[-1]} divides, "
        f"got {input_shape}",
    )


def _check_parameters(net: HybridBlock) -> None:
    params = net._collect_params_with_prefix()
    _require(bool(params), "there are no parameters that are found through its attributes")
    deferred = [key for key, p in params.items() if not p.shape or 0 in p.shape]
    _require(not deferred, f"shapes are unknown before the first call: {deferred[:3]}")
    if any(p._data is None for p in params.values()):
        net.initialize(mx.init.Xavier())


def _images(shape: Shape) -> mx.nd.NDArray:
    return mx.nd.array(np.random.default_rng(0).normal(size=shape), dtype="float32")


def _features(net: HybridBlock, images: mx.nd.NDArray) -> list[np.ndarray]:
    features = net(images)
    _require(
        isinstance(features, (list, tuple)),
        f"the result must be a list of features, got {type(features).__name__}",
    )
    return [feature.asnumpy() for feature in features]


def _check_shapes(
    net: HybridBlock, images: Sequence[mx.nd.NDArray], results: Sequence[list[np.ndarray]]
) -> None:
    for image, features in zip(images, results, strict=True):
        _require(
            len(features) == len(net.channels),
            f"{len(features)} features, but channels are {net.channels}",
        )
        for index, (feature, channels) in enumerate(zip(features, net.channels, strict=True)):
            _require(
                feature.ndim == 4 and feature.shape[:2] == (image.shape[0], channels),
                f"feature {index} must be ({image.shape[0]}, {channels}, h, w), "
                f"got {feature.shape}",
            )
            _require(bool(np.isfinite(feature).all()), f"feature {index} is not finite")
    # An image larger by a multiple of the stride gives a feature larger by that many cells,
    # however the layers pad.
    for index, stride in enumerate(net.strides):
        for axis in (2, 3):
            pixels = images[1].shape[axis] - images[0].shape[axis]
            cells = results[1][index].shape[axis] - results[0][index].shape[axis]
            _require(
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
            _require_close(ours, theirs, tolerance, f"hybridized feature {index}")
    net.hybridize(False)


def _check_head(
    net: HybridBlock, features: Sequence[np.ndarray], classes: int, tolerance: float
) -> None:
    head = net.head(classes)
    _require(isinstance(head, HybridBlock), f"head() must make a HybridBlock, got {type(head)}")
    _check_parameters(head)
    taken = features if getattr(head, "takes_all_features", False) else features[-1:]
    inputs = [mx.nd.array(feature) for feature in taken]
    eager = head(*inputs)
    _require(
        eager.shape == (inputs[0].shape[0], classes),
        f"head({classes}) must give ({inputs[0].shape[0]}, {classes}), got {eager.shape}",
    )
    head.hybridize()
    _require_close(head(*inputs).asnumpy(), eager.asnumpy(), tolerance, "hybridized head")


def _require_close(ours: np.ndarray, theirs: np.ndarray, tolerance: float, what: str) -> None:
    _require(ours.shape == theirs.shape, f"{what}: {ours.shape}, eager {theirs.shape}")
    scale = max(float(np.abs(theirs).max(initial=0.0)), 1e-12)
    difference = float(np.abs(ours - theirs).max(initial=0.0)) / scale
    _require(difference <= tolerance, f"{what} differs from eager by {difference:.1e} (relative)")


def _require(holds: bool, message: Any) -> None:
    if not holds:
        raise AssertionError(message)

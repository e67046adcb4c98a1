"""The contract of text encoders."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import mxnet as mx
import numpy as np
from mxnet.gluon import HybridBlock

from toolkit.utils.testing.checks import (
    built,
    check_parameters,
    require,
    require_close,
)


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
    net = built(net)
    for what in ("units", "vocab_size"):
        value = getattr(net, what, None)
        require(
            isinstance(value, int) and value > 0,
            f"{what} must be a positive whole number, got {value!r}",
        )
    check_parameters(net)
    net.hybridize(False)
    texts = _texts(net, shape)
    eager = _encode(net, *texts)
    require(eager.std() > 0 and not np.allclose(eager[0, 0], eager[0, 1]), "tokens look alike")
    _check_padding(net, texts, eager, tolerance)
    net.hybridize()
    require_close(_encode(net, *texts), eager, tolerance, "hybridized result")
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
    require(
        isinstance(result, mx.nd.NDArray) and result.shape == expected,
        f"the result must be an array {expected}, got {getattr(result, 'shape', type(result))}",
    )
    features = result.asnumpy()
    require(bool(np.isfinite(features).all()), "the result is not finite")
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
    require(
        not len(changed),
        f"what stands beyond the valid length changes results at (row, token) "
        f"{[tuple(map(int, place)) for place in changed[:3]]}",
    )
    for row, length in enumerate(lengths):
        alone = _encode(
            net, tokens[row : row + 1, :length], segments[row : row + 1, :length], lengths[[row]]
        )
        require_close(alone[0], expected[row, :length], tolerance, f"row {row} without padding")

"""What attention may look at, as numbers that are added to its scores before softmax."""

from __future__ import annotations

from typing import Any

FORBIDDEN = -1e18  # a float32 score vanishes beside it, so that the weight is zero, not nearly so


def padding_bias(F: Any, tokens: Any, valid_length: Any, heads: int, *, queries: Any = None) -> Any:
    """Forbids what lies beyond ``valid_length`` ``(N,)``: a bias ``(N, heads, T, T)``.

    It has the full shape of the scores because an equal shape is added several times faster than
    one that broadcasts, and it is made once for all layers.

    Args:
        F: ``mx.nd`` or ``mx.sym``.
        tokens: Any array ``(N, T, ...)``.
        valid_length: How many tokens of each row count.
        heads: Number of heads.
        queries: Tokens that ask, ``(N, Q, ...)``, where they are others; the bias is
            ``(N, heads, Q, T)`` then.
    """
    steps = steps_of(F, tokens)
    allowed = F.broadcast_lesser(
        F.reshape(steps, (1, -1)), F.cast(F.reshape(valid_length, (-1, 1)), "float32")
    )
    keys = F.reshape((allowed - 1) * -FORBIDDEN, (0, 1, 1, -1))
    asking = steps if queries is None else steps_of(F, queries)
    every_query = F.reshape(F.zeros_like(asking), (1, 1, -1, 1))
    bias = F.broadcast_axis(F.broadcast_add(keys, every_query), axis=1, size=heads)
    return F.BlockGrad(bias)


def causal_bias(F: Any, tokens: Any, source: Any = None, *, window: int | None = None) -> Any:
    """Forbids what comes later: a bias ``(1, 1, T, T)`` for tokens ``(N, T)``.

    With a longer ``source`` ``(N, S)``, whose last T are the tokens, it is ``(1, 1, T, S)``; with a
    ``window`` each token sees that many alone, itself included.
    """
    steps = steps_of(F, tokens)
    keys, queries = F.reshape(steps, (1, 1, 1, -1)), F.reshape(steps, (1, 1, -1, 1))
    if source is not None:  # both counted from the end
        steps = F.reverse(steps_of(F, source), axis=0)
        keys = -F.reshape(steps, (1, 1, 1, -1))
        queries = -F.reverse(queries, axis=2)
    hidden = F.broadcast_greater(keys, queries)
    if window is not None:
        hidden = hidden + F.broadcast_lesser_equal(keys, queries - window)
    return F.BlockGrad(hidden * FORBIDDEN)


def steps_of(F: Any, tokens: Any) -> Any:
    """0, 1, ... as float32, whatever the type of the tokens."""
    return F.cast(F.contrib.arange_like(tokens, axis=1), "float32")

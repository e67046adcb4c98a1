from __future__ import annotations

from collections.abc import Callable

import mxnet as mx
import pytest

from toolkit.deploy import UnsupportedOperatorError

S = mx.sym
Symbol = mx.sym.Symbol
PRIORS = {"sizes": (0.3, 0.5), "ratios": (1, 2, 0.5)}  # four boxes at each of 6 x 8 cells


def predictions(x: Symbol, **options: object) -> Symbol:
    """Three classes and a background for each of 192 boxes."""
    boxes = S.contrib.MultiBoxPrior(x, **PRIORS)
    flat = S.reshape(x, (0, 1, -1))
    scores = S.softmax(S.concat(flat, flat * flat, S.sin(flat * 9), S.cos(flat * 7), dim=1), axis=1)
    codes = S.flatten(S.concat(*[S.sin(flat * n) for n in (3, 5, 7, 11)], dim=1))
    return S.contrib.MultiBoxDetection(scores, codes, boxes, **options)


def encoded(x: Symbol) -> Symbol:
    """Codes of 24 boxes, each for one of eight objects."""
    rows = S.reshape(x, (0, -1, 8))
    low, size = S.slice_axis(rows, 2, 0, 2), S.abs(S.slice_axis(rows, 2, 2, 4)) + 0.5
    anchors = S.concat(low, low + size, dim=2)
    objects = S.slice_axis(S.reverse(anchors, axis=1), 1, 0, 8)
    one = S.reshape(S.slice_axis(rows, 2, 4, 5), (0, -1))
    matches = S.clip(S.floor(S.abs(one) * 4), 0, 7)
    means, stds = (S.full((4,), value) for value in (0.1, 0.2))
    return S.Group(list(S.contrib.box_encode(one, matches, anchors, objects, means, stds)))


def there(rows: Symbol) -> Symbol:
    """Rows without a class as -1 throughout."""
    found = S.broadcast_like(S.slice_axis(rows, 2, 0, 1) >= 0, rows)
    return S.where(found, rows, -S.ones_like(rows))


OPERATORS: dict[str, Callable[[Symbol], Symbol]] = {
    "priors": lambda x: S.broadcast_add(
        S.contrib.MultiBoxPrior(x, steps=(0.2, 0.1), offsets=(0.4, 0.6), clip=True, **PRIORS),
        S.mean(x) * 0,
    ),
    "detections": predictions,
    "over all classes": lambda x: predictions(
        x, force_suppress=True, nms_threshold=0.3, threshold=0.3, clip=False
    ),
    "the best alone": lambda x: there(predictions(x, nms_topk=20)),
    "nothing": lambda x: predictions(x, threshold=2),
    "codes": encoded,
}


@pytest.mark.parametrize("name", OPERATORS)
def test_the_translation_computes_the_same(
    name: str, assert_translated: Callable[[Symbol], None]
) -> None:
    assert_translated(OPERATORS[name](mx.sym.var("data")))


def test_what_has_no_counterpart_is_named(assert_translated: Callable[[Symbol], None]) -> None:
    with mx.name.NameManager(), pytest.raises(UnsupportedOperatorError, match="multiboxdetection0"):
        assert_translated(predictions(mx.sym.var("data"), nms_threshold=-1))

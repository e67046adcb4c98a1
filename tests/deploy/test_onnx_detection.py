from __future__ import annotations

from collections.abc import Callable

import mxnet as mx
import pytest

from toolkit.deploy import UnsupportedOperatorError

S = mx.sym
Symbol = mx.sym.Symbol


def boxes(x: Symbol, classes: int = 3) -> Symbol:
    """48 rows of class, score and corners, made of the input's 192 numbers."""
    parts = S.split(S.reshape(x, (0, -1, 4)), num_outputs=4, axis=2)
    corner = S.concat(parts[0] * 5, parts[1] * 5, dim=2)
    size = S.concat(S.abs(parts[2]) * 6 + 1, S.abs(parts[3]) * 6 + 1, dim=2)
    ids = S.floor(S.abs(parts[1]) * 0.5 * classes)
    return S.concat(ids, S.sin(parts[3] * 3), corner, corner + size, dim=2)


def regions(x: Symbol) -> Symbol:
    """Four regions of the first picture, as (0, x0, y0, x1, y1)."""
    corner = S.slice(S.reshape(x, (-1, 4)), begin=(0, 0), end=(4, 4))
    low, high = S.split(corner, num_outputs=2, axis=1)
    first = S.slice_axis(corner, axis=1, begin=0, end=1) * 0
    return S.concat(first, S.abs(low), S.abs(low) + S.abs(high) * 2 + 0.5, dim=1)


def some(x: Symbol) -> Symbol:
    """The same, where the first says by -1 that it is none."""
    mask = S.one_hot(S.full((1,), 0), 4).reshape((4, 1))
    return S.broadcast_sub(S.broadcast_mul(regions(x), 1 - mask), mask)


def codes(x: Symbol) -> list[Symbol]:
    anchors = S.slice_axis(S.abs(S.reshape(x, (1, -1, 4))), axis=1, begin=0, end=48) + 0.1
    return [S.reshape(x, (0, -1, 4)), anchors]


NMS: dict[str, dict[str, object]] = {
    "by class": {"id_index": 0},
    "over all classes": {"id_index": 0, "force_suppress": True},
    "without classes": {},
    "few": {"id_index": 0, "topk": 10, "overlap_thresh": 0.2},
    "sure ones": {"id_index": 0, "valid_thresh": 0.5, "overlap_thresh": 0.3},
    "none": {"id_index": 0, "valid_thresh": 2.0},
    "with a background": {"id_index": 0, "background_id": 1},
}
OPERATORS: dict[str, Callable[[Symbol], Symbol]] = {
    "decoded": lambda x: S.contrib.box_decode(*codes(x), 0.1, 0.1, 0.2, 0.2),
    "decoded from corners": lambda x: S.contrib.box_decode(*codes(x), format="corner", clip=0.5),
    "regions": lambda x: S.contrib.ROIAlign(
        x, regions(x), pooled_size=(2, 3), spatial_scale=0.8, sample_ratio=2
    ),
    "regions of no picture": lambda x: S.where(
        S.slice_axis(some(x), axis=1, begin=0, end=1).reshape((-1,)) >= 0,
        S.contrib.ROIAlign(x, some(x), pooled_size=(2, 3), spatial_scale=0.8, sample_ratio=2),
        S.zeros((4, 4, 2, 3)),
    ),
    "aligned regions": lambda x: S.contrib.ROIAlign(
        x, regions(x), pooled_size=(2, 2), spatial_scale=1, aligned=True
    ),
}


@pytest.mark.parametrize("name", OPERATORS)
def test_the_translation_computes_the_same(
    name: str, assert_translated: Callable[[Symbol], None]
) -> None:
    assert_translated(OPERATORS[name](mx.sym.var("data")))


@pytest.mark.parametrize("name", NMS)
def test_the_same_boxes_are_left(name: str, assert_translated: Callable[[Symbol], None]) -> None:
    options = {"coord_start": 2, "score_index": 1, "overlap_thresh": 0.5, **NMS[name]}
    assert_translated(S.contrib.box_nms(boxes(mx.sym.var("data")), **options))


@pytest.mark.parametrize(
    ("symbol", "message"),
    [
        (lambda x: S.contrib.box_nms(boxes(x), in_format="center"), "no corners in layer box_nms"),
        (lambda x: S.contrib.box_nms(S.expand_dims(boxes(x), 1)), "4 axes in place of 3"),
        (
            lambda x: S.contrib.ROIAlign(
                x, regions(x), pooled_size=(2, 2), spatial_scale=1, position_sensitive=True
            ),
            "position-sensitive kind in layer roialign",
        ),
    ],
)
def test_what_has_no_counterpart_is_named(
    symbol: Callable[[Symbol], Symbol],
    message: str,
    assert_translated: Callable[[Symbol], None],
) -> None:
    with mx.name.NameManager(), pytest.raises(UnsupportedOperatorError, match=message):
        assert_translated(symbol(mx.sym.var("data")))

"""Proposals, against their definition in NumPy."""

from __future__ import annotations

from typing import Any

import mxnet as mx
import numpy as np
import pytest

from toolkit.nn.coder import decode_boxes
from toolkit.nn.proposals import ProposalRule, Proposals, RegionProposer
from toolkit.utils.boxes import clip, to_center, to_corners
from toolkit.utils.suppression import suppress

ANCHORS = 60
HEIGHT, WIDTH = 50, 70


def scene() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Scores and codes of two images, and corners of anchors, some of them out of the image."""
    rng = np.random.default_rng(0)
    low = rng.uniform(-10, 50, (ANCHORS, 2))
    anchors = np.concatenate([low, low + rng.uniform(3, 30, (ANCHORS, 2))], 1)
    codes = rng.normal(size=(2, ANCHORS, 4)) * 0.3
    scores = rng.permutation(2 * ANCHORS).reshape(2, ANCHORS) / ANCHORS - 1
    return tuple(a.astype(np.float32) for a in (scores, codes, anchors))  # type: ignore[return-value]


def expected(image: int, rule: ProposalRule) -> np.ndarray:
    scores, codes, anchors = scene()
    boxes = to_corners(decode_boxes(codes[image], to_center(anchors), (1.0,) * 4))
    boxes = clip(boxes, HEIGHT, WIDTH)
    wide = ((boxes[:, 2:] - boxes[:, :2]) + 1 >= rule.min_side).all(1)
    order = np.argsort(-np.where(wide, scores[image], -np.inf), kind="stable")
    order = order[: min(rule.candidates, wide.sum())]
    kept = order[suppress(boxes[order], scores[image][order], threshold=rule.threshold)]
    result = np.full((rule.proposals, 4), -1.0)
    result[: len(kept)] = boxes[kept][: rule.proposals]
    return result


@pytest.mark.parametrize(
    "rule",
    [
        ProposalRule(0.5, 100, 80),
        ProposalRule(0.3, 30, 5, 8),
        ProposalRule(0.7, 20, 20, 15),
    ],
)
def test_the_best_that_differ_are_proposed(rule: ProposalRule) -> None:
    scores, codes, anchors = (mx.nd.array(a) for a in scene())
    images = mx.nd.zeros((2, 3, HEIGHT, WIDTH))
    block = Proposals(rule)
    for _ in range(2):  # eager, then hybridized
        result = block(images, scores, codes, anchors.expand_dims(0)).asnumpy()
        for image in range(2):
            np.testing.assert_allclose(result[image], expected(image, rule), rtol=1e-4, atol=1e-3)
        block.hybridize()


def test_no_gradient_passes() -> None:
    scores, codes, anchors = (mx.nd.array(a) for a in scene())
    codes.attach_grad()
    with mx.autograd.record():
        block = Proposals(ProposalRule(0.5, 100, 80))
        total = block(mx.nd.zeros((2, 3, HEIGHT, WIDTH)), scores, codes, anchors.expand_dims(0))
        (total.sum() + 0 * codes.sum()).backward()
    assert float(codes.grad.abs().sum().asscalar()) == 0


def test_predictions_stand_beside_their_anchors() -> None:
    net = RegionProposer(4, 6, strides=(4, 8), sides=((8,), (16,)), cells=20)
    net.initialize()
    features = [mx.nd.random.normal(shape=(2, 4, 6, 5)), mx.nd.random.normal(shape=(2, 4, 3, 3))]
    scores, codes, anchors = net(*features)
    count = 3 * (6 * 5 + 3 * 3)
    assert (scores.shape, codes.shape, anchors.shape) == ((2, count), (2, count, 4), (1, count, 4))
    # The second anchor of the second cell of the third row of the first feature.
    place = 3 * (2 * 5 + 1) + 1
    x = net.conv(features[0])
    assert scores[1, place].asscalar() == net.scores(x)[1, 1, 2, 1].asscalar()
    np.testing.assert_array_equal(codes[1, place].asnumpy(), net.codes(x)[1, 4:8, 2, 1].asnumpy())
    np.testing.assert_array_equal(anchors[0, place].asnumpy(), [2, 6, 9, 13])


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"threshold": 0}, r"threshold must be in \(0, 1\], got 0"),
        ({"proposals": 0}, "at least 1 proposal"),
        ({"proposals": 7000}, "no more than candidates, got 7000 of 6000"),
    ],
)
def test_a_rule_must_make_sense(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        ProposalRule(**fields)


def test_a_rule_is_changed_by_field() -> None:
    assert ProposalRule().changed(proposals=5).proposals == 5
    with pytest.raises(TypeError):
        ProposalRule().changed(colour=1)

"""Box codes: inverse of each other, and the block equal to NumPy."""

from __future__ import annotations

import mxnet as mx
import numpy as np

from toolkit.nn.coder import STDS, BoxDecoder, decode_boxes, encode_boxes
from toolkit.utils.boxes import to_center, to_corners


def boxes(seed: int, count: int = 12) -> np.ndarray:
    """Centre x, centre y, width, height."""
    rng = np.random.default_rng(seed)
    return rng.uniform((0, 0, 5, 5), (90, 90, 40, 40), (count, 4)).astype(np.float32)


def test_codes_turn_back() -> None:
    codes = encode_boxes(boxes(0), boxes(1))
    np.testing.assert_allclose(decode_boxes(codes, boxes(1)), boxes(0), rtol=1e-4)


def test_a_known_code() -> None:
    code = encode_boxes(np.array([12.0, 8, 20, 10]), np.array([10.0, 10, 10, 10]))
    np.testing.assert_allclose(code, [0.2 / 0.1, -0.2 / 0.1, np.log(2) / 0.2, 0], atol=1e-12)


def test_the_block_decodes_the_same() -> None:
    codes = encode_boxes(boxes(0), boxes(1))[None]
    expected = to_corners(decode_boxes(codes, boxes(1)))
    center, corners = boxes(1)[None], to_corners(boxes(1))[None]
    for net, anchors in ((BoxDecoder(), center), (BoxDecoder(corners=True), corners)):
        for hybrid in (False, True):
            net.hybridize(hybrid)
            result = net(mx.nd.array(codes), mx.nd.array(anchors)).asnumpy()
            np.testing.assert_allclose(result, expected, rtol=1e-4, atol=1e-3)


def test_sizes_can_be_limited() -> None:
    codes = np.array([[[0, 0, 99.0, 99.0]]])
    net = BoxDecoder(STDS, clip=np.log(4))
    box = net(mx.nd.array(codes), mx.nd.array([[[50, 50, 10, 10]]])).asnumpy()
    np.testing.assert_allclose(to_center(box)[0, 0], [50, 50, 40, 40], rtol=1e-5)

from __future__ import annotations

import mxnet as mx
import numpy as np
import pytest

from toolkit.nn import DropBlock


@pytest.mark.parametrize("hybridize", [False, True])
def test_it_drops_squares_in_training_alone(hybridize: bool) -> None:
    mx.random.seed(0)
    block = DropBlock(0.1)
    block.hybridize(hybridize)
    x = mx.nd.random.uniform(1, 2, shape=(2, 64, 16, 16))
    np.testing.assert_array_equal(block(x).asnumpy(), x.asnumpy())
    with mx.autograd.train_mode():
        y = block(x).asnumpy()
    np.testing.assert_array_equal(block(x).asnumpy(), x.asnumpy())
    dropped = y == 0
    assert dropped.mean() == pytest.approx(0.1, abs=0.02)  # squares overlap a little
    np.testing.assert_array_equal(dropped[0], dropped[1])
    ratio = y[~dropped] / x.asnumpy()[~dropped]
    np.testing.assert_allclose(ratio, 1 / (1 - dropped.mean()), rtol=1e-4)
    alone = dropped[0][:, 1:-1, 1:-1]
    beside = sum(np.roll(dropped[0], s, 1)[:, 1:-1, 1:-1].astype(int) for s in (1, -1))
    assert (beside[alone] > 0).all()

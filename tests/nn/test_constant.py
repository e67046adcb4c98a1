from __future__ import annotations

import numpy as np
import pytest
from mxnet.gluon import HybridBlock, parameter

from toolkit.nn.constant import constant


def test_a_constant_is_the_blocks_and_is_not_trained() -> None:
    block = HybridBlock(prefix="grid_")
    block.values = constant(block, "values", np.array([[1, 2]], "float32"))
    block.initialize()
    assert block.values.data().asnumpy().tolist() == [[1, 2]]
    assert block.values.grad_req == "null"
    assert list(block.collect_params()) == ["grid_values"]


@pytest.mark.filterwarnings("error")
def test_one_at_the_address_of_one_that_is_gone_is_nothing_to_warn_of(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(parameter, "id", lambda _: 7, raising=False)
    for value in (3, 4):
        made = constant(HybridBlock(prefix="same_address_"), "values", np.float32([value]))
        made.initialize()
        assert made.data().asscalar() == value

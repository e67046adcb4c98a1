from __future__ import annotations

import json
import random

import mxnet as mx
import numpy as np

from toolkit.utils.training.random_states import get_state, seed_everything, seed_mxnet, set_state


def drop() -> list[float]:
    with mx.autograd.train_mode():
        return mx.nd.Dropout(mx.nd.ones((20,)), p=0.5).asnumpy().tolist()


def test_everything_is_seeded() -> None:
    def draws() -> list[object]:
        return [random.random(), np.random.normal(), drop()]

    seed_everything(3)
    first = draws()
    seed_everything(3)
    assert draws() == first
    seed_everything(4)
    assert draws() != first


def test_states_go_through_json() -> None:
    np.random.normal()  # leaves a second number behind
    state = json.loads(json.dumps(get_state()))
    first = [random.gauss(0, 1), np.random.normal(), np.random.normal()]
    set_state(state)
    assert [random.gauss(0, 1), np.random.normal(), np.random.normal()] == first


def test_mxnet_is_seeded_by_seed_worker_and_step() -> None:
    seed_mxnet(1, 0, 10)
    first = drop()
    seed_mxnet(1, 0, 10)
    assert drop() == first
    for place in ((2, 0, 10), (1, 1, 10), (1, 0, 11)):
        seed_mxnet(*place)
        assert drop() != first, place

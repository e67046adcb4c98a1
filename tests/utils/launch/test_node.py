from __future__ import annotations

import os
import pickle
from collections.abc import Callable
from typing import Any

import mxnet as mx
import pytest

from toolkit.utils.launch.node import Node
from toolkit.utils.training import make_optimizer


class Store:
    """What a server needs of MXNet's store."""

    handle = None
    updater: Callable[..., Any] | None = None

    def _set_updater(self, updater: Callable[..., Any]) -> None:
        self.updater = updater


@pytest.fixture
def node() -> Node:
    return Node(Store())


def test_an_optimizer_updates_parameters(node: Node) -> None:
    node.obey(make_optimizer("sgd", learning_rate=0.5))
    weight = mx.nd.ones(2)
    node.kvstore.updater(3, mx.nd.array([1.0, 2.0]), weight)
    assert weight.asnumpy().tolist() == [0.5, 0.0]


def test_the_learning_rate_can_be_told_later(node: Node) -> None:
    node.obey(make_optimizer("sgd", learning_rate=0.5))
    node.obey({"learning_rate": 0.25})
    weight = mx.nd.ones(1)
    node.update(0, mx.nd.ones(1), weight)
    assert weight.asscalar() == 0.75


def test_the_optimizer_of_a_second_worker_does_not_lose_the_states(node: Node) -> None:
    node.obey(make_optimizer("sgd", learning_rate=1.0, momentum=1.0))
    weight = mx.nd.zeros(1)
    node.update(0, mx.nd.ones(1), weight)
    node.obey(make_optimizer("sgd", learning_rate=1.0, momentum=1.0))
    node.update(0, mx.nd.ones(1), weight)
    assert weight.asscalar() == -3.0, "the momentum of the first update went on"


def test_sums_are_kept_as_they_come(node: Node) -> None:
    node.obey({"sums": 100})
    node.obey(make_optimizer("sgd", learning_rate=1.0))
    stored = mx.nd.ones(1)
    node.update(100, mx.nd.array([7.0]), stored)
    assert stored.asscalar() == 7.0
    node.update(99, mx.nd.array([7.0]), stored)
    assert stored.asscalar() == 0.0


def test_a_failing_command_ends_the_server(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    ended: list[int] = []
    monkeypatch.setattr(os, "_exit", ended.append)
    control = node._controller()
    control(0, pickle.dumps({"sums": 5}, 0), None)
    assert ended == []
    control(0, b"not a pickle", None)
    assert ended == [1]

from __future__ import annotations

import mxnet as mx
import numpy as np
from mxnet.gluon.nn import BatchNorm

from toolkit.model_zoo import get_model
from toolkit.model_zoo.registry import BACKBONES
from toolkit.model_zoo.vision.dla import Tree


def test_the_size_is_that_of_the_paper_with_a_classifier_on_all_levels() -> None:
    params = get_model("dla34").collect_params().values()
    size = sum(int(np.prod(p.shape)) for p in params if p.grad_req != "null")
    on_the_last_level = 15_742_104
    assert size == on_the_last_level + (16 + 32 + 64 + 128 + 256) * 1000


def test_a_tree_hands_what_it_was_given_to_its_last_root() -> None:
    tree = Tree(3, 4, 6, stride=2, extra=5, norm=BatchNorm)
    weights = {
        key: p.shape[1] for key, p in tree._collect_params_with_prefix().items() if "weight" in key
    }
    roots = {key: width for key, width in weights.items() if "root" in key}
    assert roots == {
        "first.first.root.conv.weight": 12,
        "first.second.root.conv.weight": 18,
        "second.first.root.conv.weight": 12,
        "second.second.root.conv.weight": 12 + 5 + 6 + 6,
    }
    tree.initialize()
    x, further = mx.nd.zeros((1, 4, 8, 8)), mx.nd.zeros((1, 5, 4, 4))
    assert tree(x, further).shape == (1, 6, 4, 4)


def test_the_classifier_looks_at_every_level() -> None:
    head = BACKBONES.create("dla34").head(2)
    head.initialize()
    head.output.weight.set_data(mx.nd.ones((2, 1008)))
    features = [mx.nd.full((1, 16 << i, 4, 4), i) for i in range(6)]
    expected = sum(i * (16 << i) for i in range(6))
    np.testing.assert_allclose(head(*features).asnumpy(), [[expected, expected]])

"""The image classification task."""

from __future__ import annotations

import mxnet as mx
import numpy as np
import pytest
from mxnet import autograd
from mxnet.gluon import HybridBlock

from toolkit.model_zoo.builder import get_model
from toolkit.model_zoo.registry import BACKBONES
from toolkit.model_zoo.tasks.image_classifier import ImageClassifier
from toolkit.model_zoo.weights import get_arrays

MODEL = "cifar_resnet20_v1"
IMAGES = mx.nd.random.uniform(shape=(2, 3, 32, 32))


@pytest.fixture
def net() -> ImageClassifier:
    net = get_model(MODEL, classes=4)
    net.initialize()
    return net


def test_scores_are_the_heads_view_of_the_last_feature(net):
    scores = net(IMAGES)
    assert scores.shape == (2, 4)
    expected = net.head(net.backbone(IMAGES)[-1])
    np.testing.assert_array_equal(scores.asnumpy(), expected.asnumpy())


def test_hybridized_equals_eager(net):
    eager = net(IMAGES).asnumpy()
    net.hybridize()
    np.testing.assert_allclose(net(IMAGES).asnumpy(), eager, rtol=1e-5, atol=1e-6)


def test_a_head_of_ones_own_takes_the_place_of_the_published_one():
    head = mx.gluon.nn.Dense(3)
    net = ImageClassifier(BACKBONES.create(MODEL), 3, head=head)
    net.initialize()
    assert net(IMAGES).shape == (2, 3)
    assert net.head is head


class Widths(HybridBlock):
    """Sums each feature; says that it wants all of them."""

    takes_all_features = True

    def hybrid_forward(self, F, *features):
        return F.stack(*[F.sum(feature, axis=(1, 2, 3)) for feature in features], axis=1)


@pytest.mark.parametrize("hybridize", [False, True])
def test_a_head_can_take_all_features(hybridize):
    net = ImageClassifier(BACKBONES.create(MODEL), 3, head=Widths())
    net.initialize()
    net.hybridize(hybridize)
    expected = [f.sum(axis=(1, 2, 3)).asnumpy() for f in net.backbone(IMAGES)]
    np.testing.assert_allclose(net(IMAGES).asnumpy().T, expected, rtol=1e-4)


@pytest.mark.parametrize("hybridize", [False, True])
def test_reset_classifier_changes_the_head_and_keeps_the_backbone(net, hybridize):
    if hybridize:
        net.hybridize()
    net(IMAGES)
    kept = get_arrays(net.backbone)
    net.reset_classifier(7)
    assert net.classes == 7
    assert net(IMAGES).shape == (2, 7)
    for key, value in get_arrays(net.backbone).items():
        np.testing.assert_array_equal(value, kept[key])


def test_reset_classifier_twice_gives_distinct_trainable_parameters(net):
    net.reset_classifier(7)
    net.reset_classifier(5)
    trainer = mx.gluon.Trainer(net.collect_params(), "sgd", {"learning_rate": 0.1})
    before = get_arrays(net)["head.output.weight"]
    with autograd.record():
        loss = net(IMAGES).square().sum()
    loss.backward()
    trainer.step(2)
    assert not np.array_equal(get_arrays(net)["head.output.weight"], before)
    assert len(set(net.collect_params())) == len(net._collect_params_with_prefix())


def test_reset_classifier_refuses_what_is_no_count(net):
    with pytest.raises(ValueError, match="got 0"):
        net.reset_classifier(0)
    assert net.classes == 4

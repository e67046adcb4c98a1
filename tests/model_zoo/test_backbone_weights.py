from __future__ import annotations

import mxnet as mx
import numpy as np
import pytest

from toolkit.model_zoo import get_arrays, get_model, load_backbone

NAME = "cifar_resnet20_v1"
SSD = {"layout": {"size": 32, "features": 1}}


@pytest.fixture(scope="module")
def weights():
    return get_arrays(get_model(NAME, pretrained=True).backbone)


@pytest.mark.parametrize(
    ("task", "options"), [("ssd", SSD), ("segmenter", {"head": "fcn"}), ("pose_estimator", {})]
)
def test_the_backbone_is_the_classifiers(weights, task, options):
    net = get_model(NAME, task=task, classes=2, **options)
    net.initialize()
    backbone = getattr(net, "network", net).backbone
    others = set(net.collect_params().values()) - set(backbone.collect_params().values())
    before = {param: param.data().asnumpy() for param in others if param._data is not None}
    assert before
    load_backbone(net)
    for key, param in backbone._collect_params_with_prefix().items():
        np.testing.assert_array_equal(param.data().asnumpy(), weights[key])
    for param, value in before.items():
        np.testing.assert_array_equal(param.data().asnumpy(), value)


def test_the_stage_that_an_rcnn_runs_on_regions_is_filled_too(weights):
    net = get_model(NAME, task="faster_rcnn", classes=2, layout="c4_voc")
    load_backbone(net)
    (top,) = (key for key in weights if key.startswith("stages.2.0.body.0.conv.weight"))
    params = net.network.regions.top._collect_params_with_prefix()
    found = params[top.removeprefix("stages.2.")].data().asnumpy()
    np.testing.assert_array_equal(found, weights[top])


def test_the_rest_may_be_initialized_afterwards():
    net = get_model(NAME, task="segmenter", classes=2, head="fcn")
    load_backbone(net)
    rest = [p for p in net.collect_params().values() if p._data is None]
    assert rest
    for param in rest:
        param.initialize()
    net(mx.nd.zeros((1, 3, 32, 32)))


def test_another_backbone_is_refused(tmp_path):
    def norm(in_channels, **_):
        return mx.gluon.nn.InstanceNorm(in_channels=in_channels)

    net = get_model("mobilenet0.25", task="segmenter", classes=2, norm=norm)
    source = get_model("mobilenet0.25")
    source.initialize()
    source(mx.nd.zeros((1, 3, 32, 32)))
    source.save_parameters(str(tmp_path / "w.params"))
    with pytest.raises(ValueError, match=r"backbone of mobilenet0\.25 is not that"):
        load_backbone(net, tmp_path / "w.params")


def test_a_network_without_a_backbone_is_refused():
    with pytest.raises(ValueError, match="Dense has no backbone of the zoo"):
        load_backbone(mx.gluon.nn.Dense(2))

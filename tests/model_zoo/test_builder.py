"""``get_model``, the only door to the models."""

from __future__ import annotations

import socket

import mxnet as mx
import numpy as np
import pytest

from toolkit.model_zoo.builder import get_model
from toolkit.model_zoo.catalogue import model_info
from toolkit.model_zoo.weights import get_arrays
from toolkit.utils.checkpoints import write_params

MODEL = "cifar_resnet20_v1"


def test_a_model_is_built_without_the_network(monkeypatch):
    def no_network(*_):
        raise AssertionError("the network was touched")

    monkeypatch.setattr(socket.socket, "connect", no_network)
    net = get_model(MODEL)
    assert net.info == model_info(MODEL)
    assert net.classes == 10


def test_case_does_not_matter():
    assert get_model("CIFAR_ResNet20_v1").info.name == MODEL


def test_an_unknown_name_is_answered_with_near_ones():
    with pytest.raises(ValueError, match=r"unknown model 'cifar_resnet21_v1'.*cifar_resnet20_v1"):
        get_model("cifar_resnet21_v1")


def test_a_name_that_is_no_string_is_refused():
    with pytest.raises(TypeError, match="a string, got int"):
        get_model(50)


def test_an_unknown_option_is_answered_with_the_options():
    with pytest.raises(TypeError, match=r"no option thumbnail; its options: .*norm"):
        get_model(MODEL, thumbnail=True)


@pytest.mark.parametrize("classes", [0, -1, 2.5, True, "10"])
def test_classes_must_be_a_count(classes):
    with pytest.raises(ValueError, match="classes must be a whole number of at least 1"):
        get_model(MODEL, classes=classes)


def test_options_reach_the_family():
    net = get_model(MODEL, norm=lambda in_channels, **_: mx.gluon.nn.InstanceNorm())
    kinds = {type(b) for b in [net.backbone.stem.norm, net.backbone.stages[0][0].body[0].norm]}
    assert kinds == {mx.gluon.nn.InstanceNorm}


def test_parameter_names_do_not_depend_on_what_was_built_before():
    first = list(get_model(MODEL).collect_params())
    get_model("cifar_resnet20_v2")
    assert list(get_model(MODEL).collect_params()) == first
    assert first[0].startswith(f"{MODEL}_")


def test_two_models_live_in_one_network():
    both = mx.gluon.nn.HybridSequential()
    both.add(get_model(MODEL, prefix="left_"), get_model(MODEL, prefix="right_"))
    names = list(both.collect_params())
    assert len(names) == len(set(names)) == 2 * len(list(get_model(MODEL).collect_params()))


def test_all_parameter_shapes_are_known_at_construction():
    assert all(0 not in p.shape for p in get_model(MODEL).collect_params().values())


def test_bundled_weights_need_neither_cache_nor_network(tmp_path, monkeypatch):
    monkeypatch.setenv("TOOLKIT_HOME", str(tmp_path / "empty"))
    monkeypatch.setenv("TOOLKIT_OFFLINE", "1")
    net = get_model(MODEL, pretrained=True)
    scores = net(mx.nd.zeros((1, 3, 32, 32))).asnumpy()
    assert scores.shape == (1, 10)
    assert np.isfinite(scores).all()
    assert not (tmp_path / "empty").exists()


@pytest.mark.parametrize("init", ["xavier", "msraprelu", mx.init.MSRAPrelu(), mx.init.Normal(0.1)])
def test_networks_are_initialized_by_the_names_mxnet_knows(init):
    net = get_model("resnet18_v1b", last_gamma=True)
    net.initialize(init)
    params = net._collect_params_with_prefix()
    first, last = (params[f"backbone.stages.1.1.body.{i}.norm.gamma"].data() for i in (0, 1))
    assert (first.asnumpy() == 1).all()
    assert (last.asnumpy() == 0).all()
    weight = params["backbone.stages.1.1.body.0.conv.weight"].data().asnumpy()
    assert 0.01 < weight.std() < 0.2


def test_int8_names_are_the_float_network_with_a_note():
    info = model_info("resnet50_v1_int8")
    assert info.precision == "int8"
    assert "deploy.quantize" in info.note
    assert info.weights == model_info("resnet50_v1").weights
    ours, plain = get_model("mobilenet1.0_int8"), get_model("mobilenet1.0")
    assert list(ours._collect_params_with_prefix()) == list(plain._collect_params_with_prefix())


def test_weights_of_other_libraries_bring_their_preprocessing(tmp_path, monkeypatch):
    entry = model_info("googlenet").entry("1378be20")
    monkeypatch.setattr("toolkit.model_zoo.builder.resolve", lambda *_: tmp_path / "net.params")
    net = get_model("googlenet")
    net.initialize()
    write_params(tmp_path / "net.params", get_arrays(net))
    assert get_model("googlenet", entry.tag).info.preprocess == "torchvision_googlenet"
    assert net.info.preprocess == "imagenet"

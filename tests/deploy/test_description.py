from __future__ import annotations

import mxnet as mx
import numpy as np
import pytest
from mxnet.gluon import Block, HybridBlock
from mxnet.gluon.nn import Dense

from toolkit.data.vision import PRESETS
from toolkit.deploy.description import ExportError, describe
from toolkit.deploy.manifest import TensorSpec
from toolkit.model_zoo import get_model, read_labels


def test_a_published_model_describes_itself(classifier: HybridBlock) -> None:
    manifest = describe(classifier)[1]
    assert (manifest.name, manifest.task) == ("cifar_resnet20_v1", "image_classifier")
    assert manifest.inputs == (TensorSpec("data", (None, 3, 32, 32)),)
    assert [o.shape for o in manifest.outputs] == [(None, 10)]
    assert manifest.labels == read_labels("cifar10")
    assert manifest.preprocess == PRESETS["cifar"].to_dict()


def test_the_preset_follows_the_size_of_the_example(classifier: HybridBlock) -> None:
    manifest = describe(classifier, np.zeros((1, 3, 48, 40)))[1]
    assert manifest.inputs[0].shape == (None, 3, 48, 40)
    assert manifest.preprocess == PRESETS["cifar"].with_size((48, 40)).to_dict()


def test_a_given_preset_stays(classifier: HybridBlock) -> None:
    manifest = describe(classifier, preprocess="imagenet")[1]
    assert manifest.inputs[0].shape == (None, 3, 224, 224)
    assert manifest.preprocess == PRESETS["imagenet"].to_dict()


def test_changed_classes_lose_the_published_labels() -> None:
    net = get_model("cifar_resnet20_v1")
    net.initialize()
    net.reset_classifier(3)
    assert describe(net)[1].labels is None
    assert describe(net, labels=["a", "b", "c"])[1].labels == ("a", "b", "c")
    with pytest.raises(ExportError, match="10 labels for a network of 3 classes"):
        describe(net, labels="cifar10")


def test_several_inputs_and_outputs(two_inputs: HybridBlock) -> None:
    manifest = describe(two_inputs, (np.zeros((5, 3)), np.zeros((5, 7))))[1]
    assert manifest.inputs == (TensorSpec("data0", (None, 3)), TensorSpec("data1", (None, 7)))
    assert [spec.shape for spec in manifest.outputs] == [(None, 4), (None, 4)]
    assert (manifest.name, manifest.task, manifest.labels) == ("TwoInputs", None, None)


def test_a_fixed_batch_axis_is_told() -> None:
    class Fixed(HybridBlock):
        def hybrid_forward(self, F, x):
            return F.broadcast_add(x, F.ones((2, 3)))

    manifest = describe(Fixed(), np.zeros((2, 3)))[1]
    assert manifest.inputs[0].shape == (2, 3)
    assert manifest.outputs[0].shape == (2, 3)


def test_an_axis_that_grows_with_the_batch_is_free() -> None:
    class Folds(HybridBlock):
        def hybrid_forward(self, F, x):
            return F.reshape(x, (-1, 2))

    assert describe(Folds(), np.zeros((1, 6)))[1].outputs[0].shape == (None, 2)


@pytest.mark.parametrize(
    ("words", "wanted"), [((2, 7), (None, None)), ((2, 7, 5), (None, None, 5))]
)
def test_texts_have_any_length_spelled_ones_too(
    words: tuple[int, ...], wanted: tuple[int | None, ...]
) -> None:
    class Reading(HybridBlock):
        def hybrid_forward(self, F, words, segments):
            return F.sum(F.reshape(words, (0, 0, -1)), axis=2) + segments

    net = Reading()
    net.initialize()
    manifest = describe(net, (np.ones(words), np.ones((2, 7))))[1]
    assert [spec.shape for spec in manifest.inputs] == [wanted, (None, None)]
    assert [spec.shape for spec in manifest.outputs] == [(None, None)]


def test_types_follow_the_graph() -> None:
    class Best(HybridBlock):
        def hybrid_forward(self, F, x):
            return F.cast(F.argmax(x, axis=1), "int32")

    best = Best(prefix="best_")
    manifest = describe(best, np.zeros((1, 6), np.float16))[1]
    assert manifest.inputs == (TensorSpec("data", (None, None), "float16"),)
    assert manifest.outputs == (TensorSpec("cast0_output", (None,), "int32"),)


def test_parameters_of_unknown_shape_get_their_values(two_inputs: HybridBlock) -> None:
    assert two_inputs.left.weight.shape == (4, 0)
    graph = describe(two_inputs, (np.zeros((2, 3)), np.zeros((2, 5))))[0]
    assert graph.arrays["left.weight"].shape == (4, 3)
    assert graph.arrays["right.weight"].shape == (4, 5)


@pytest.mark.parametrize("hybridized", [False, True])
def test_the_network_stays_as_it_was(classifier: HybridBlock, hybridized: bool) -> None:
    net = get_model("cifar_resnet20_v1")
    net.initialize()
    if hybridized:
        net.hybridize()
    x = mx.nd.ones((1, 3, 8, 8))
    before = net(x).asnumpy()
    state = (net._active, net._cached_op, list(net.collect_params()))
    describe(net, np.zeros((4, 3, 16, 16)))
    assert (net._active, net._cached_op, list(net.collect_params())) == state
    assert np.array_equal(net(x).asnumpy(), before)
    with mx.autograd.record():
        net(x).sum().backward()


def test_a_network_without_values_is_refused() -> None:
    with pytest.raises(ExportError, match=r"parameters without a value \(.*net.initialize"):
        describe(get_model("cifar_resnet20_v1"))


def test_a_network_without_a_graph_is_refused() -> None:
    class Eager(Block):
        def forward(self, x):
            return x

    with pytest.raises(TypeError, match=r"Eager is no HybridBlock.*derive from HybridBlock"):
        describe(Eager(), np.zeros(1))
    with pytest.raises(TypeError, match="str is no HybridBlock"):
        describe("resnet50_v1", np.zeros(1))


def test_code_that_needs_values_is_refused() -> None:
    class Peeks(HybridBlock):
        def hybrid_forward(self, F, x):
            return x * int(x.sum().asscalar())

    with pytest.raises(ExportError, match=r"Peeks cannot be written down as a graph.*failed"):
        describe(Peeks(), np.zeros((1, 2)))


def test_a_variable_of_its_own_is_refused() -> None:
    class Stray(HybridBlock):
        def hybrid_forward(self, F, x):
            return x + mx.sym.var("stray")

    with pytest.raises(ExportError, match="variables of its own: stray"):
        describe(Stray(), np.zeros((1, 2)))


def test_an_example_that_does_not_fit_is_refused(classifier: HybridBlock) -> None:
    with pytest.raises(ExportError, match=r"does not take \(1, 4, 32, 32\)"):
        describe(classifier, np.zeros((1, 4, 32, 32)))


def test_a_failing_first_run_is_told() -> None:
    net = Dense(3, flatten=False, use_bias=False)
    net.initialize()
    with pytest.raises(ExportError, match=r"Dense failed on \(\)|Dense failed on \(0,\)"):
        describe(net, np.zeros((0,)))


def test_an_example_is_asked_for(two_inputs: HybridBlock) -> None:
    with pytest.raises(ExportError, match="give an example"):
        describe(two_inputs)


@pytest.mark.parametrize("example", ["text", [np.array(["a"])], {"x": 1}])
def test_an_example_of_no_numbers_is_refused(two_inputs: HybridBlock, example: object) -> None:
    with pytest.raises(TypeError, match="arrays of numbers"):
        describe(two_inputs, example)


def test_an_unknown_preset_is_told(classifier: HybridBlock) -> None:
    with pytest.raises(ValueError, match="did you mean imagenet"):
        describe(classifier, preprocess="imagnet")

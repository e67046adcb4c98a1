from __future__ import annotations

import logging
import threading
from pathlib import Path

import mxnet as mx
import numpy as np
import pytest
from mxnet.gluon import HybridBlock, SymbolBlock, Trainer
from mxnet.gluon.nn import Dense

from toolkit.deploy import export, load
from toolkit.deploy.manifest import Manifest, TensorSpec
from toolkit.deploy.mxnet_runner import MXNetRunner, make_block, runner_of
from toolkit.nn import ProjectedLSTM


def assert_close(found: np.ndarray, wanted: mx.nd.NDArray) -> None:
    expected = wanted.asnumpy()
    assert found.shape == expected.shape
    assert np.abs(found - expected).max() <= 1e-5 * np.abs(expected).max()


def images(count: int, *shape: int) -> np.ndarray:
    return np.random.default_rng(count).random((count, *shape), np.float32)


def test_round_trip(exported: Path, classifier: HybridBlock) -> None:
    runner = load(exported)
    x = images(3, 3, 32, 32)
    assert_close(runner(x)[0], classifier(mx.nd.array(x)))
    assert runner.backend == "mxnet"
    assert runner.manifest.name == "cifar_resnet20_v1"


def test_any_order_of_batch_sizes(exported: Path, classifier: HybridBlock) -> None:
    runner = load(exported)
    for count in (4, 1, 5, 4, 2, 5):
        x = images(count, 3, 32, 32)
        assert_close(runner(x)[0], classifier(mx.nd.array(x)))


def test_other_sizes_of_images(exported: Path, classifier: HybridBlock) -> None:
    runner = load(exported)
    for size in (32, 48, 20):
        x = images(2, 3, size, size + 4)
        assert_close(runner(x)[0], classifier(mx.nd.array(x)))


def test_two_inputs_and_two_outputs(two_inputs: HybridBlock, tmp_path: Path) -> None:
    x, y = images(2, 3), images(2, 5)
    export(two_inputs, tmp_path / "net", (x, y))
    found = load(tmp_path / "net")(x, y)
    for ours, wanted in zip(found, two_inputs(mx.nd.array(x), mx.nd.array(y)), strict=True):
        assert_close(ours, wanted)


def test_outputs_in_the_middle_of_the_graph_survive_fusing(
    features: HybridBlock, tmp_path: Path
) -> None:
    x = images(2, 3, 8, 8) - 0.5
    export(features, tmp_path / "net", x)
    found = load(tmp_path / "net")(x)
    for ours, wanted in zip(found, features(mx.nd.array(x)), strict=True):
        assert_close(ours, wanted)


def test_foreign_exports_with_such_outputs_are_mended(
    features: HybridBlock, tmp_path: Path
) -> None:
    x = mx.nd.array(images(2, 3, 8, 8) - 0.5)
    features.hybridize()
    wanted = features(x)
    features.export(str(tmp_path / "net"))
    for ours, theirs in zip(load(tmp_path / "net")(x), wanted, strict=True):
        assert_close(ours, theirs)


def test_the_block_works_in_gluon(exported: Path, classifier: HybridBlock) -> None:
    """It gives the same, in a graph of its own it can be trained, and it can be exported again."""
    block = load(exported).block
    assert isinstance(block, SymbolBlock)
    x = mx.nd.array(images(2, 3, 32, 32))
    assert_close(block(x).asnumpy(), classifier(x))
    trainer = Trainer(block.collect_params(), "sgd", {"learning_rate": 0.1})
    before = block(x).asnumpy()
    with mx.autograd.record():
        loss = block(x).square().sum()
    loss.backward()
    trainer.step(2)
    assert not np.allclose(block(x).asnumpy(), before)


def test_an_export_of_an_export_has_the_same_values(exported: Path, tmp_path: Path) -> None:
    x = images(2, 3, 32, 32)
    runner = load(exported)
    export(runner.block, tmp_path / "again", x)
    again = load(tmp_path / "again")
    assert np.array_equal(again(x)[0], runner(x)[0])
    for suffix in ("-0000.params", "-symbol.json"):
        assert (
            Path(f"{tmp_path}/again{suffix}").read_bytes()
            == Path(f"{exported}{suffix}").read_bytes()
        )


def test_a_runner_of_a_network_takes_its_values_of_now(classifier: HybridBlock) -> None:
    net = Dense(2, in_units=3, prefix="net_")
    net.initialize(mx.init.One())
    block = make_block(*_parts(net), mx.cpu())
    net.weight.set_data(mx.nd.zeros((2, 3)))
    assert block(mx.nd.ones((1, 3))).asnumpy().tolist() == [[3, 3]]
    runner = runner_of(classifier)
    x = images(2, 3, 32, 32)
    assert_close(runner(x)[0], classifier(mx.nd.array(x)))


def _parts(net: Dense) -> tuple[mx.sym.Symbol, Manifest, dict[str, mx.nd.NDArray]]:
    manifest = Manifest("net", (TensorSpec("data", None),), ())
    arrays = {p.name: p.data() for p in net.collect_params().values()}
    return net(mx.sym.var("data")), manifest, arrays


class Reading(HybridBlock):
    """Two layers whose loops pass their states on."""

    def __init__(self) -> None:
        super().__init__()
        self.below, self.above = ProjectedLSTM(4, 6, 4), ProjectedLSTM(4, 6, 4)

    def hybrid_forward(self, F, x):
        for layer in (self.below, self.above):
            x = layer(x, *layer.begin(F, x))[0]
        return x


def test_loops_give_what_the_network_gives(tmp_path: Path) -> None:
    """MXNet's static shapes make other numbers of them."""
    net = Reading()
    net.initialize(mx.init.Uniform(0.7))
    export(net, tmp_path / "net", images(5, 2, 4))
    runner = load(tmp_path / "net")
    for shape in ((7, 2, 4), (7, 3, 4), (1, 1, 4), (7, 2, 4)):
        x = images(*shape)
        for _ in range(2):
            assert_close(runner(x)[0], net(mx.nd.array(x)))


def test_half_floats_run_unfused(tmp_path: Path) -> None:
    class Scale(HybridBlock):
        def __init__(self) -> None:
            super().__init__()
            self.scale = self.params.get("scale", shape=(3,))

        def hybrid_forward(self, F, x, scale):
            return F.broadcast_mul(x, scale)

    net = Scale()
    net.initialize(mx.init.Constant(0.5))
    net.cast("float16")
    export(net, tmp_path / "net", np.ones((1, 3), np.float16))
    found = load(tmp_path / "net")(np.ones((2, 3)))[0]
    assert found.dtype == np.float16
    assert found.tolist() == [[0.5] * 3] * 2


def test_what_does_not_fuse_runs_as_it_is(
    exported: Path,
    classifier: HybridBlock,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise mx.MXNetError("cannot fuse")

    monkeypatch.setattr(SymbolBlock, "optimize_for", refuse)
    runner = load(exported)
    x = images(2, 3, 32, 32)
    with caplog.at_level(logging.WARNING):
        assert_close(runner(x)[0], classifier(mx.nd.array(x)))
    assert "runs without fused operators" in caplog.text


def test_arrays_that_do_not_fit_are_told_and_forgotten(
    exported: Path, classifier: HybridBlock, caplog: pytest.LogCaptureFixture
) -> None:
    runner = load(exported)
    with pytest.raises(ValueError, match=r"failed on data \(2, 4, 32, 32\); .* \(any, 3, 32, 32\)"):
        runner(images(2, 4, 32, 32))
    x = images(2, 3, 32, 32)
    assert_close(runner(x)[0], classifier(mx.nd.array(x)))
    assert not caplog.records


def test_threads_may_share_a_runner(exported: Path) -> None:
    runner = load(exported)
    batches = [images(count, 3, 32, 32) for count in (1, 2, 3, 4)]
    wanted = [runner(x)[0] for x in batches]
    wrong: list[int] = []

    def work(index: int) -> None:
        for _ in range(5):
            if not np.allclose(runner(batches[index])[0], wanted[index], atol=1e-4):
                wrong.append(index)

    threads = [threading.Thread(target=work, args=(i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_fusing_is_what_runs(exported: Path) -> None:
    runner = load(exported)
    assert isinstance(runner, MXNetRunner)
    if not mx.runtime.Features().is_enabled("MKLDNN"):
        pytest.skip("this MXNet has no oneDNN")
    runner(images(1, 3, 32, 32))
    assert runner._fast is not runner.block
    operators = runner._fast._cached_graph[1].get_internals().list_outputs()
    assert any(name.startswith("sg_mkldnn_conv") for name in operators)

from __future__ import annotations

import math
from pathlib import Path

import mxnet as mx
import numpy as np
import pytest
from mxnet.gluon import HybridBlock

from toolkit.data.vision import PRESETS, ImageRecordDataset
from toolkit.deploy import Runner, export, load
from toolkit.deploy.quantization import AccuracyDropError, quantize
from toolkit.deploy.scores import accuracy
from toolkit.model_zoo import get_model
from toolkit.model_zoo.text.bert import BERT, BERTConfig


@pytest.fixture(scope="module")
def net() -> HybridBlock:
    return get_model("cifar_resnet20_v1", pretrained=True)


@pytest.fixture(scope="module")
def batches() -> list[np.ndarray]:
    """Patches of one colour, of which a network is surer than of noise."""
    rng = np.random.default_rng(0)
    patches = [rng.normal(size=(8, 3, 4, 4)).astype(np.float32) for _ in range(3)]
    return [batch.repeat(8, axis=2).repeat(8, axis=3) for batch in patches]


@pytest.mark.parametrize("calibration", ["naive", "entropy"])
def test_an_int8_export_answers_nearly_as_its_source(
    net: HybridBlock, batches: list[np.ndarray], tmp_path: Path, calibration: str
) -> None:
    report = quantize(net, tmp_path / "int8", batches, calibration=calibration)
    assert (report.name, report.before) == ("cifar_resnet20_v1", None)
    assert report.batches == len(batches)
    assert report.int8 == 20
    assert report.kept == ("backbone.stem.conv.fwd", "head.output.fwd")
    runner = load(tmp_path / "int8")
    assert runner.manifest.precision == "int8"
    wanted = net(mx.nd.array(batches[0])).asnumpy()
    for _ in range(2):
        (found,) = runner(batches[0])
        error = np.abs(found - wanted).max() / np.abs(wanted).max()
        assert 0 < error < 0.2
    assert runner(batches[0][:3])[0].shape == (3, 10)


def test_a_float_export_is_as_good_a_source(
    net: HybridBlock, exported: Path, batches: list[np.ndarray], tmp_path: Path
) -> None:
    report = quantize(exported, tmp_path / "int8", batches, calibration="naive")
    assert report.int8 == 20
    assert load(tmp_path / "int8").manifest.preprocess == load(exported).manifest.preprocess
    with pytest.raises(ValueError, match="int8 already"):
        quantize(tmp_path / "int8", tmp_path / "twice", batches)


def test_what_is_not_between_other_layers_stays_in_float(tmp_path: Path) -> None:
    net = BERT(BERTConfig(layers=2, units=16, hidden_units=32, heads=2, vocab_size=50))
    net.initialize(mx.init.Normal(0.3))
    ids, valid = np.ones((2, 9), np.float32), np.array([9, 4], np.float32)
    export(net, tmp_path / "net", (ids, ids, valid))
    report = quantize(tmp_path / "net", tmp_path / "int8", [(ids, ids, valid)])
    first = [f"layers.0.attention.{name}.fwd" for name in ("key", "query", "value")]
    assert report.kept == (*first, "layers.1.feed_forward.contract.fwd")
    assert report.int8 == 8


class Shortcut(HybridBlock):
    """A convolution and a shortcut that may be below zero, added; a ReLU follows."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = mx.gluon.nn.Conv2D(8, 3, padding=1, in_channels=3, activation="relu")
        self.long = mx.gluon.nn.Conv2D(16, 3, padding=1, in_channels=8)
        self.short = mx.gluon.nn.Conv2D(16, 1, in_channels=8)

    def hybrid_forward(self, F, x):
        x = self.stem(x)
        return F.Activation(self.long(x) + self.short(x), act_type="relu")


def test_sums_with_a_signed_shortcut_keep_their_large_numbers(tmp_path: Path) -> None:
    net = Shortcut()
    net.initialize(mx.init.Xavier())
    images = np.random.default_rng(0).normal(size=(4, 3, 16, 16)).astype(np.float32)
    export(net, tmp_path / "net", images)
    report = quantize(tmp_path / "net", tmp_path / "int8", [images], exclude=())
    assert report.int8 == 3
    wanted, found = (load(tmp_path / name)(images)[0] for name in ("net", "int8"))
    assert np.abs(found - wanted).max() < 0.03 * wanted.max()
    assert found.max() == pytest.approx(wanted.max(), rel=0.02)


def test_layers_of_choice_stay_in_float(
    net: HybridBlock, batches: list[np.ndarray], tmp_path: Path
) -> None:
    every = quantize(net, tmp_path / "all", batches, calibration="naive", exclude=())
    assert (every.int8, every.kept) == (22, ())
    one = ["backbone.stages.0.0.body.0.conv.fwd"]
    assert quantize(net, tmp_path / "one", batches, calibration="naive", exclude=one).int8 == 21


def test_the_report_holds_the_scores(
    net: HybridBlock, batches: list[np.ndarray], tmp_path: Path
) -> None:
    pairs = [(x, net(mx.nd.array(x)).asnumpy().argmax(axis=1)) for x in batches]
    report = quantize(
        net, tmp_path / "int8", batches, score=accuracy(pairs), max_drop=0.25, calibration="naive"
    )
    assert report.before == 1
    assert report.after is not None
    assert report.drop == pytest.approx(1 - report.after)


def test_too_great_a_drop_writes_nothing(
    net: HybridBlock, batches: list[np.ndarray], tmp_path: Path
) -> None:
    def score(runner: Runner) -> float:
        return {"fp32": 0.9, "int8": 0.5}[runner.manifest.precision]

    with pytest.raises(
        AccuracyDropError, match=r"0\.4000 \(0\.9000 to 0\.5000\), allowed are 0\.1"
    ):
        quantize(net, tmp_path / "int8", batches, calibration="naive", score=score, max_drop=0.1)
    assert not list(tmp_path.iterdir())


def test_a_score_that_is_no_number_is_refused(
    net: HybridBlock, batches: list[np.ndarray], tmp_path: Path
) -> None:
    with pytest.raises(AccuracyDropError, match="nan"):
        quantize(
            net,
            tmp_path / "int8",
            batches,
            calibration="naive",
            score=lambda _: math.nan,
            max_drop=1,
        )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"calibration": "entropie"}, "entropy"),
        ({"max_drop": 0.1}, "score="),
        ({"exclude": ["backbone.stem.conv"]}, r"backbone\.stem\.conv\.fwd"),
    ],
)
def test_wrong_options_are_named(
    net: HybridBlock, batches: list[np.ndarray], tmp_path: Path, options: dict, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        quantize(net, tmp_path / "int8", batches, **options)


def test_loops_are_refused(tmp_path: Path) -> None:
    class Summing(HybridBlock):
        def hybrid_forward(self, F, x):
            first = F.squeeze(F.slice_axis(x, axis=0, begin=0, end=1), axis=0)
            return F.contrib.foreach(lambda row, state: (row + state, row + state), x, first)[0]

    net, data = Summing(), np.ones((2, 3, 4), np.float32)
    net.initialize()
    export(net, tmp_path / "net", data)
    with pytest.raises(ValueError, match=r"has a loop \(layer .*foreach0\)"):
        quantize(tmp_path / "net", tmp_path / "int8", [data])


def test_no_data_is_refused(net: HybridBlock, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="at least one batch"):
        quantize(net, tmp_path / "int8", [])


@pytest.mark.slow
@pytest.mark.realdata
def test_accuracy_on_cifar10(net: HybridBlock, data_root: Path, tmp_path: Path) -> None:
    preset = PRESETS["cifar"]

    def read(name: str, count: int) -> list[tuple[np.ndarray, np.ndarray]]:
        rows = ImageRecordDataset(data_root / "cifar10_jpg" / name)
        pairs = [rows[i] for i in range(count)]
        x = np.stack([preset(image) for image, _ in pairs])
        y = np.array([label for _, label in pairs])
        return [(x[i : i + 100], y[i : i + 100]) for i in range(0, count, 100)]

    batches = [x for x, _ in read("train.rec", 500)]
    score = accuracy(read("dev_test2k.rec", 2000))
    report = quantize(net, tmp_path / "int8", batches, score=score, max_drop=0.005)
    assert report.before == pytest.approx(0.893, abs=0.002)

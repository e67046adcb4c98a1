"""The classification recipes run, log, save and go on where they ended."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import cv2
import mxnet as mx
import numpy as np
import pytest

from toolkit.data.vision import Packing, image_record_writer
from toolkit.model_zoo import get_model, list_models

FOLDER = Path(__file__).resolve().parents[2] / "scripts" / "classification"
BUNDLED = ["--weights"]


@pytest.fixture(autouse=True)
def beside(monkeypatch: pytest.MonkeyPatch) -> None:
    """Scripts find what lies beside them, in worker processes, too."""
    monkeypatch.syspath_prepend(str(FOLDER))


def run(name: str, *arguments: object) -> ModuleType:
    script = importlib.import_module(name)
    script.main(script.parse([str(argument) for argument in arguments]))
    return script


def read_log(out: Path, event: str) -> list[dict]:
    rows = [json.loads(line) for line in (out / "log.jsonl").read_text().splitlines()]
    return [row for row in rows if row["event"] == event]


@pytest.fixture(scope="module")
def records(tmp_path_factory) -> Path:
    """Forty images whose class is their brightness."""
    path = tmp_path_factory.mktemp("records") / "tiny.rec"
    rng = np.random.default_rng(0)
    with image_record_writer(path) as writer:
        for i in range(40):
            image = (rng.random((32, 32, 3)) * 20 + 23 * (i % 10)).astype(np.uint8)
            writer.write(cv2.imencode(".png", image)[1].tobytes(), i % 10)
    return path


@pytest.fixture(scope="module")
def folders(tmp_path_factory) -> Path:
    """Twelve pictures of two classes, of different sizes."""
    root = tmp_path_factory.mktemp("pictures")
    for i in range(12):
        folder = root / ("dark", "light")[i % 2]
        folder.mkdir(exist_ok=True)
        picture = np.full((40 + i, 60 - i, 3), 60 + 120 * (i % 2), np.uint8)
        cv2.imwrite(str(folder / f"{i}.jpg"), picture)
    return root


def small(records: Path, out: Path, *more: object) -> list[object]:
    one = [records, records, "--out", out, "--batch-size", 20, "--warmup", 0.5, "--epochs", 1]
    return [*one, *more]


def test_training_writes_loadable_weights_a_log_and_a_record(records, tmp_path):
    run("train_cifar10", *small(records, tmp_path, "--epochs", 2))
    (start,) = read_log(tmp_path, "start")
    assert start["seed"] == 1
    assert start["config"]["model"] == "cifar_resnet20_v1"
    epochs = read_log(tmp_path, "epoch")
    assert [row["epoch"] for row in epochs] == [1, 2]
    assert all(np.isfinite(row["epoch_loss"]) for row in epochs)
    assert all(0 <= row["test_accuracy"] <= 1 for row in epochs)
    assert json.loads((tmp_path / "run.json").read_text())["starts"]
    net = get_model("cifar_resnet20_v1", tmp_path / "final.params")
    assert net(mx.nd.zeros((1, 3, 32, 32))).shape == (1, 10)


@pytest.mark.parametrize(
    "options",
    [
        ("--mixup", "0.2", "--smoothing", "0.1"),
        ("--teacher", "cifar_resnet20_v1", "--temperature", "2", "--hard-weight", "0.3"),
        ("--teacher", "cifar_resnet20_v1", "--mixup", "1.0"),
        ("--workers", "1"),
        ("--precision", "bfloat16"),
        BUNDLED,
        (*BUNDLED, "--classes", "12"),
    ],
    ids=lambda options: " ".join(options),
)
def test_every_option_trains(records, tmp_path, options):
    run("train_cifar10", *small(records, tmp_path, *options))
    (epoch,) = read_log(tmp_path, "epoch")
    assert np.isfinite(epoch["epoch_loss"])
    assert np.isfinite(epoch["test_loss"])


def test_the_average_is_what_is_left(records, tmp_path):
    for out, options in (("last", ()), ("mean", ("--average", 0.9))):
        run("train_cifar10", *small(records, tmp_path / out, "--epochs", 2, *options))
    last, mean = ((tmp_path / out / "final.params").read_bytes() for out in ("last", "mean"))
    assert len(last) == len(mean)
    assert last != mean


def test_what_is_frozen_stays(records, tmp_path):
    run("train_cifar10", *small(records, tmp_path, *BUNDLED, "--freeze", r"^backbone\."))
    before = get_model("cifar_resnet20_v1", True)._collect_params_with_prefix()
    after = get_model("cifar_resnet20_v1", tmp_path / "final.params")._collect_params_with_prefix()
    moved = {key for key in before if (before[key].data() != after[key].data()).sum().asscalar()}
    assert {key for key in moved if "running" not in key} == {
        "head.output.weight",
        "head.output.bias",
    }


def test_a_run_that_broke_off_is_gone_on_with(records, tmp_path, monkeypatch):
    straight, broken = tmp_path / "straight", tmp_path / "broken"
    options = ["--epochs", 3]
    script = run("train_cifar10", *small(records, straight, *options))
    augment, calls = script.Augment.__call__, []

    def breaking(self, batch, rng):
        calls.append(batch)
        if len(calls) == 4:  # the second batch of the second epoch
            raise KeyboardInterrupt
        return augment(self, batch, rng)

    with monkeypatch.context() as patch:
        patch.setattr(script.Augment, "__call__", breaking)
        with pytest.raises(KeyboardInterrupt):
            run("train_cifar10", *small(records, broken, *options))
    assert not (broken / "final.params").exists()
    run("train_cifar10", *small(records, broken, *options))
    assert read_log(broken, "resume")[0]["step"] == 2
    assert (broken / "final.params").read_bytes() == (straight / "final.params").read_bytes()


@pytest.mark.slow
def test_two_processes_train_together(records, tmp_path):
    script = FOLDER / "train_cifar10.py"
    options = small(records, tmp_path / "job", *BUNDLED, "--learning-rate", 1e-3)
    toolkit = "import sys; from toolkit.cli import main; sys.exit(main())"
    launch = [sys.executable, "-c", toolkit, "launch", "-n", "2", sys.executable, script]
    subprocess.run([str(word) for word in [*launch, *options]], check=True, timeout=240)
    (epoch,) = read_log(tmp_path / "job", "epoch")
    assert epoch["samples"] == 40
    assert np.isfinite(epoch["epoch_loss"])
    assert (tmp_path / "job" / "final.params").is_file()


def test_a_lenet_learns_digits(tmp_path):
    for name, count in (("train", 40), ("t10k", 20)):
        write_idx(tmp_path, name, count)
    options = ["--out", tmp_path / "out", "--batch-size", 20, "--epochs", 1]
    with pytest.raises(SystemExit, match="a warm-up of 1 epochs is not below the 1 of"):
        run("train_mnist", tmp_path, *options)
    run("train_mnist", tmp_path, *options, "--warmup", 0.5)
    (epoch,) = read_log(tmp_path / "out", "epoch")
    assert np.isfinite(epoch["epoch_loss"])


def write_idx(folder: Path, name: str, count: int) -> None:
    head = b"\0\0\x08"
    images = np.zeros((count, 28, 28), np.uint8)
    sizes = b"".join(size.to_bytes(4, "big") for size in images.shape)
    (folder / f"{name}-images-idx3-ubyte").write_bytes(head + b"\3" + sizes + images.tobytes())
    labels = head + b"\1" + count.to_bytes(4, "big") + bytes(i % 10 for i in range(count))
    (folder / f"{name}-labels-idx1-ubyte").write_bytes(labels)


PICTURES = ["--size", 32, "--batch-size", 6, "--warmup", 0.5, "--epochs", 1, "--workers", 0]


@pytest.mark.parametrize("options", [(), ("--mixup", "0.2"), ("--workers", "1")])
def test_folders_of_pictures(folders, tmp_path, options):
    model = ("--model", "mobilenet0.25", "--out", tmp_path)
    run("train_imagenet", folders, folders, *model, *PICTURES, *options)
    (epoch,) = read_log(tmp_path, "epoch")
    assert np.isfinite(epoch["epoch_loss"])
    net = get_model("mobilenet0.25", tmp_path / "final.params", classes=2)
    assert net(mx.nd.zeros((1, 3, 32, 32))).shape == (1, 2)


def test_record_files_need_the_number_of_classes(folders, tmp_path):
    (packed,) = Packing().pack(folders, tmp_path / "packed")
    given = [packed.path, packed.path, "--model", "mobilenet0.25", "--out", tmp_path, *PICTURES]
    with pytest.raises(SystemExit, match="--classes"):
        run("train_imagenet", *given)
    run("train_imagenet", *given, "--classes", 2)
    assert read_log(tmp_path, "epoch")


@pytest.mark.parametrize("scratch", [False, True])
def test_fine_tuning_puts_a_new_head_on_known_features(folders, tmp_path, scratch):
    options = ["--model", "cifar_resnet20_v1", "--out", tmp_path, "--learning-rate", 1e-6]
    run("finetune", folders, folders, *options, *PICTURES, *["--from-scratch"] * scratch)
    tuned = get_model("cifar_resnet20_v1", tmp_path / "final.params", classes=2)
    key = "backbone.stages.0.0.body.0.conv.weight"
    weights = [
        net._collect_params_with_prefix()[key].data().asnumpy()
        for net in (tuned, get_model("cifar_resnet20_v1", True))
    ]
    assert np.allclose(*weights, atol=1e-4) is not scratch


def test_boxes_become_pictures_by_class(tmp_path):
    root = tmp_path / "voc"
    for folder in ("Annotations", "JPEGImages", "ImageSets/Main"):
        (root / folder).mkdir(parents=True)
    picture = np.zeros((40, 50, 3), np.uint8)
    picture[10:20, 30:45] = 255
    cv2.imwrite(str(root / "JPEGImages" / "a.jpg"), picture, [cv2.IMWRITE_JPEG_QUALITY, 100])
    box = "<bndbox><xmin>31</xmin><ymin>11</ymin><xmax>45</xmax><ymax>20</ymax></bndbox>"
    flat = "<bndbox><xmin>1</xmin><ymin>1</ymin><xmax>1</xmax><ymax>9</ymax></bndbox>"
    objects = [f"<object><name>{n}</name>{b}</object>" for n, b in (("bright", box), ("x", flat))]
    (root / "Annotations" / "a.xml").write_text(f"<annotation>{''.join(objects)}</annotation>")
    (root / "ImageSets" / "Main" / "train.txt").write_text("a\n")
    script = importlib.import_module("crop_boxes")
    args = script.parse([str(root), str(tmp_path / "out"), "--sets", "train", "--margin", "0"])
    assert script.crop_set(args, "train") == {"bright": 1}
    (crop,) = (tmp_path / "out" / "train" / "bright").iterdir()
    assert cv2.imread(str(crop)).shape == (10, 15, 3)
    assert cv2.imread(str(crop)).min() > 200


@pytest.mark.parametrize("name", ["cifar_resnet20_v1", "mobilenet0.25", "squeezenet1.1"])
def test_the_table_of_models_is_up_to_date(name: str) -> None:
    table = importlib.import_module("model_table")
    assert table.row(name) in table.PAGE.read_text("utf-8")


def test_the_table_of_models_has_all_names() -> None:
    page = importlib.import_module("model_table").PAGE.read_text("utf-8")
    names = list_models(task="image_classifier", domain="vision")
    assert len(names) >= 129
    assert [name for name in names if f"\n| `{name}` |" not in page] == []

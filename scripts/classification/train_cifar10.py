"""Trains a classifier of 32x32 images from RecordIO files; writes weights and a JSON-lines log.

    python scripts/classification/train_cifar10.py --train train.rec --test test.rec

Flips and padded crops, SGD with Nesterov momentum, linear warm-up and a cosine schedule, no decay
on biases and normalization. The weights are those after the last epoch: nothing is picked by the
test file, which is only scored.
"""

from __future__ import annotations

import argparse
import json
import math
import platform
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import toolkit
from toolkit.data.vision.presets import PRESETS
from toolkit.data.vision.recordio import ImageRecordDataset
from toolkit.data.vision.transforms.batch import random_crop_batch, random_flip_batch
from toolkit.data.vision.transforms.tensor import normalize
from toolkit.loss import SoftmaxCrossEntropyLoss
from toolkit.model_zoo.weights import get_arrays
from toolkit.utils.checkpoints import write_params
from toolkit.utils.files import atomic_write

import mxnet as mx
import numpy as np
from mxnet import autograd

PRESET = PRESETS["cifar"]


def to_input(images: np.ndarray) -> mx.nd.NDArray:
    """(N, H, W, 3) uint8 to (N, 3, H, W) float32, normalized as the preset says."""
    return mx.nd.array(normalize(images, PRESET.mean, PRESET.std))


def training_batches(
    images: np.ndarray, labels: np.ndarray, size: int, rng: np.random.Generator
) -> Iterator[tuple[mx.nd.NDArray, mx.nd.NDArray]]:
    """One epoch of augmented batches, the next one made while the last is used."""
    order = rng.permutation(len(images))
    chunks = [order[i : i + size] for i in range(0, len(order) - size + 1, size)]

    def make(chunk: np.ndarray) -> tuple[mx.nd.NDArray, mx.nd.NDArray]:
        batch = random_flip_batch(random_crop_batch(images[chunk], rng), rng)
        return to_input(batch), mx.nd.array(labels[chunk])

    with ThreadPoolExecutor(1) as pool:
        coming = pool.submit(make, chunks[0])
        for chunk in chunks[1:]:
            ready, coming = coming.result(), pool.submit(make, chunk)
            yield ready
        yield coming.result()


def accuracy(net: mx.gluon.Block, images: np.ndarray, labels: np.ndarray, size: int = 500) -> float:
    """Share of images, in percent, whose best class is the label."""
    hits = 0
    for start in range(0, len(images), size):
        scores = net(to_input(images[start : start + size])).asnumpy()
        hits += int((scores.argmax(1) == labels[start : start + size]).sum())
    return 100 * hits / len(images)


def learning_rate(step: int, total: int, warmup: int, peak: float) -> float:
    """Linear to ``peak`` over ``warmup`` steps, then half a cosine down to 0."""
    if step < warmup:
        return peak * (step + 1) / warmup
    return peak * 0.5 * (1 + math.cos(math.pi * (step - warmup) / (total - warmup)))


def make_trainer(net: mx.gluon.Block, args: argparse.Namespace) -> mx.gluon.Trainer:
    for name, param in net.collect_params().items():
        if not name.endswith("weight"):
            param.wd_mult = 0.0
    return mx.gluon.Trainer(
        net.collect_params(), "nag", {"momentum": args.momentum, "wd": args.weight_decay}
    )


def train(args: argparse.Namespace) -> None:
    mx.random.seed(args.seed)
    rng = np.random.default_rng(args.seed)
    np.random.seed(args.seed)  # MXNet's initializers draw from the global generator
    train_images, train_labels = ImageRecordDataset(args.train).load_arrays()
    test_images, test_labels = ImageRecordDataset(args.test).load_arrays()

    net = toolkit.model_zoo.get_model(args.model)
    net.initialize(mx.init.MSRAPrelu())
    net.hybridize(static_alloc=True, static_shape=True)
    loss_of = SoftmaxCrossEntropyLoss(args.smoothing)
    loss_of.hybridize()
    trainer = make_trainer(net, args)
    steps = len(train_images) // args.batch_size
    total, warmup = steps * args.epochs, steps * args.warmup

    start = time.time()
    log = [{"event": "start", **vars(args), "images": len(train_images), **versions()}]
    for epoch in range(args.epochs):
        losses = []
        for step, (x, y) in enumerate(
            training_batches(train_images, train_labels, args.batch_size, rng), epoch * steps
        ):
            trainer.set_learning_rate(learning_rate(step, total, warmup, args.learning_rate))
            with autograd.record():
                loss = loss_of(net(x), y)
            loss.backward()
            trainer.step(1)
            losses.append(loss)
            if len(losses) % 20 == 0:
                loss.wait_to_read()
        row = {"epoch": epoch + 1, "loss": float(np.mean([v.asscalar() for v in losses]))}
        if (epoch + 1) % args.score_every == 0 or epoch + 1 == args.epochs:
            row["test"] = accuracy(net, test_images, test_labels)
        log.append(row | {"seconds": round(time.time() - start, 1)})
        save(net, log, args)


def versions() -> dict[str, str]:
    return {
        "toolkit": toolkit.__version__,
        "mxnet": mx.__version__,
        "numpy": np.__version__,
        "python": platform.python_version(),
    }


def save(net: mx.gluon.Block, log: list[dict], args: argparse.Namespace) -> None:
    path = Path(args.out)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_params(path, get_arrays(net))
    with atomic_write(path.with_suffix(".jsonl"), "w") as file:
        file.writelines(json.dumps(row) + "\n" for row in log)
    print(json.dumps(log[-1]), flush=True)


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--train", required=True, help="record file of the training images")
    parser.add_argument("--test", required=True, help="record file that is only scored")
    parser.add_argument("--out", default="cifar_resnet20_v1.params", help="weights; log beside it")
    parser.add_argument("--model", default="cifar_resnet20_v1")
    parser.add_argument("--epochs", type=int, default=40)
    parser.add_argument("--batch-size", type=int, default=128)
    parser.add_argument("--learning-rate", type=float, default=0.2, help="at the peak")
    parser.add_argument("--warmup", type=float, default=2, help="epochs")
    parser.add_argument("--momentum", type=float, default=0.9)
    parser.add_argument("--weight-decay", type=float, default=5e-4)
    parser.add_argument("--smoothing", type=float, default=0.0)
    parser.add_argument("--score-every", type=int, default=5, help="epochs between test scores")
    parser.add_argument("--seed", type=int, default=1)
    return parser.parse_args(arguments)


if __name__ == "__main__":
    train(parse())

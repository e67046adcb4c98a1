"""Trains a LeNet on MNIST, or on Fashion-MNIST: the shortest recipe there is.

    python scripts/classification/train_mnist.py FOLDER --out FOLDER

The network is the one of LeCun et al., 1998, http://yann.lecun.com/exdb/publis/pdf/lecun-98.pdf,
with rectifiers, maximum pooling, batch normalization and more channels. Digits are moved by up to
two pixels.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from toolkit.data.vision import MNIST, FashionMNIST
from toolkit.data.vision.transforms import random_crop_batch
from toolkit.loss import SoftmaxCrossEntropyLoss
from toolkit.utils.training import join, seed_everything, supervised

import image_recipe
import mxnet as mx
import numpy as np
from mxnet.gluon import nn

Batch = tuple[np.ndarray, np.ndarray]  # (N, 28, 28, 1) uint8, (N,)
DATA = {"mnist": MNIST, "fashion-mnist": FashionMNIST}


def lenet(classes: int = 10) -> nn.HybridSequential:
    """Maps ``(N, 1, 28, 28)`` images to ``(N, classes)`` scores."""
    net = nn.HybridSequential()
    for channels in (20, 50):
        net.add(
            nn.Conv2D(channels, kernel_size=5, use_bias=False),
            nn.BatchNorm(),
            nn.Activation("relu"),
            nn.MaxPool2D(pool_size=2, strides=2),
        )
    net.add(nn.Dense(256, activation="relu"), nn.Dropout(0.3), nn.Dense(classes))
    return net


def prepare(batch: Batch) -> Batch:
    """Images of 0..1, channels first."""
    return batch[0].transpose(0, 3, 1, 2) / np.float32(255), batch[1]


def augment(batch: Batch, rng: np.random.Generator) -> Batch:
    return prepare((random_crop_batch(batch[0], rng, padding=2), batch[1]))


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="with the four official files")
    parser.add_argument("--data", choices=DATA, default="mnist")
    image_recipe.add_options(
        parser, epochs=10, batch_size=100, learning_rate=0.1, warmup=1.0, weight_decay=1e-4
    )
    return parser.parse_args(arguments)


def main(args: argparse.Namespace) -> None:
    training, testing = (DATA[args.data](args.folder, train=train) for train in (True, False))
    seed_everything(args.seed)
    net = lenet(len(training.classes))
    net.initialize(mx.init.MSRAPrelu())
    loss = SoftmaxCrossEntropyLoss(args.smoothing)
    job = join(args.kvstore)
    image_recipe.train(
        net,
        image_recipe.training_loader(training, args, job, batch_transform=augment),
        image_recipe.testing_loader(testing, args, batch_transform=prepare),
        args=args,
        job=job,
        forward=supervised(loss),
    )


if __name__ == "__main__":
    main(parse())

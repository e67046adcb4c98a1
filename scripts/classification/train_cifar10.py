"""Trains a classifier of 32x32 images from RecordIO files.

    python scripts/classification/train_cifar10.py TRAIN.rec TEST.rec --out FOLDER

Flips and padded crops of whole batches, SGD with Nesterov momentum, linear warm-up and a cosine
schedule, no decay on biases and normalization.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from toolkit.data.vision import PRESETS, ImageRecordDataset
from toolkit.data.vision.transforms import normalize, random_crop_batch, random_flip_batch
from toolkit.utils.training import Group, join

import image_recipe
import numpy as np

PRESET = PRESETS["cifar"]
Batch = tuple[np.ndarray, np.ndarray]  # (N, 32, 32, 3) uint8, (N,)


def prepare(batch: Batch) -> Batch:
    """The images as the network takes them, (N, 3, 32, 32)."""
    return normalize(batch[0], PRESET.mean, PRESET.std), batch[1]


@dataclass(frozen=True)
class Augment:
    """Padded crops and mirror images, then what mixes them, if anything does."""

    mix: Callable[..., Batch] | None

    def __call__(self, batch: Batch, rng: np.random.Generator) -> Batch:
        images = random_flip_batch(random_crop_batch(batch[0], rng), rng)
        ready = prepare((images, batch[1]))
        return self.mix(ready, rng) if self.mix else ready


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("train", type=Path, help="record file of the training images")
    parser.add_argument("test", type=Path, help="record file that is only scored")
    parser.add_argument("--classes", type=int, default=10)
    image_recipe.add_options(
        parser, epochs=40, batch_size=128, learning_rate=0.2, warmup=2.0, weight_decay=5e-4
    )
    image_recipe.add_model_options(parser, model="cifar_resnet20_v1")
    return parser.parse_args(arguments)


def main(args: argparse.Namespace) -> None:
    training, testing = (
        list(zip(*ImageRecordDataset(path).load_arrays(), strict=True))
        for path in (args.train, args.test)
    )
    augment = Augment(image_recipe.mixing(args, args.classes))
    job = join(args.kvstore)
    image_recipe.train(
        image_recipe.make_net(args, args.classes),
        image_recipe.training_loader(training, args, job, batch_transform=augment),
        image_recipe.testing_loader(testing, args, batch_transform=prepare),
        args=args,
        job=job,
        forward=image_recipe.objective(args),
        groups=(Group(args.freeze, frozen=True),) if args.freeze else (),
    )


if __name__ == "__main__":
    main(parse())

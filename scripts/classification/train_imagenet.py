"""Trains a classifier of photographs, from folders of pictures or from RecordIO files.

    python scripts/classification/train_imagenet.py TRAIN TEST --out FOLDER --model resnet18_v1

TRAIN and TEST are folders with one folder a class, or ``.rec`` files as ``toolkit pack`` and
MXNet's ``im2rec`` write them. Random-resized crops, mirror images, changes of colour; mixup, label
smoothing and a teacher on request.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from toolkit.data.vision import PRESETS
from toolkit.model_zoo import model_info
from toolkit.utils.training import Group, join

import image_data
import image_recipe


def add_picture_options(parser: argparse.ArgumentParser, **defaults: float) -> None:
    """The options of recipes that train on pictures of any size."""
    add = parser.add_argument
    add("train", type=Path, help="folder with one folder a class, or record file")
    add("test", type=Path, help="the same, only scored")
    add("--classes", type=int, help="default: one for each folder")
    add("--size", type=int, help="of what the network sees; default: what it is published for")
    add("--smallest", type=float, default=0.08, help="share of a picture that a crop may have")
    add("--jitter", type=float, default=0.4, help="of brightness, contrast and saturation")
    add("--lighting", type=float, default=0.1, help="along the principal colours")
    parser.set_defaults(**defaults)


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add_picture_options(parser)
    image_recipe.add_options(
        parser,
        epochs=90,
        batch_size=128,
        learning_rate=0.1,
        warmup=5.0,
        weight_decay=1e-4,
        smoothing=0.1,
        workers=2,
    )
    image_recipe.add_model_options(parser, model="resnet18_v1")
    return parser.parse_args(arguments)


def main(args: argparse.Namespace, *groups: Group) -> None:
    training = image_data.open_images(args.train)
    classes = image_data.count_classes(training, args.classes)
    testing = image_data.open_images(args.test, getattr(training, "classes", None))
    preset = PRESETS[model_info(args.model).preprocess]
    if args.size:
        preset = preset.with_size(args.size)
    augment = image_data.Augment(preset, (args.smallest, 1.0), args.jitter, args.lighting)
    mix, job = image_recipe.mixing(args, classes), join(args.kvstore)
    prepare = image_data.Prepare(preset)
    with (
        image_recipe.training_loader(
            training, args, job, transform=augment, batch_transform=mix
        ) as train_loader,
        image_recipe.testing_loader(testing, args, transform=prepare) as test_loader,
    ):
        image_recipe.train(
            image_recipe.make_net(args, classes),
            train_loader,
            test_loader,
            args=args,
            job=job,
            forward=image_recipe.objective(args),
            groups=(*groups, Group(args.freeze, frozen=True)) if args.freeze else groups,
        )


if __name__ == "__main__":
    main(parse())

"""Fine-tunes a published network on pictures of other classes, with a head of its own.

    python scripts/classification/finetune.py TRAIN TEST --out FOLDER --model squeezenet1.0 \\
        --weights FILE --learning-rate 0.002

TRAIN and TEST are as in ``train_imagenet.py``, which does the work; here are other defaults: the
published weights, a small learning rate, a smaller one yet below the head. Networks without
normalization, such as SqueezeNet, want a tenth of it: else the rectifier of the new head dies, and
the loss stays at the logarithm of the number of classes.
"""

from __future__ import annotations

import argparse

from toolkit.utils.training import Group

import image_recipe
import train_imagenet


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    train_imagenet.add_picture_options(parser, smallest=0.5, jitter=0.2, lighting=0.0)
    parser.add_argument("--backbone-rate", type=float, default=0.1, help="of the learning rate")
    parser.add_argument("--from-scratch", action="store_true", help="no weights, to compare with")
    image_recipe.add_options(
        parser, epochs=5, batch_size=32, learning_rate=0.02, warmup=0.5, weight_decay=1e-4
    )
    image_recipe.add_model_options(parser, model="squeezenet1.0", weights=True)
    args = parser.parse_args(arguments)
    if args.from_scratch:
        args.weights = None
    return args


def main(args: argparse.Namespace) -> None:
    rate = 1.0 if args.from_scratch else args.backbone_rate
    train_imagenet.main(args, Group(r"^backbone\.", learning_rate=rate))


if __name__ == "__main__":
    main(parse())

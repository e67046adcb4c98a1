"""Scores a segmenter on pictures with a class for every pixel, each in its own size.

    python scripts/segmentation/evaluate.py MODEL DATA --layout camvid --split val [--json]

MODEL is the folder of a run of ``train.py``, or the published name of a segmenter, with
``--weights`` where they are not the published ones.
"""

from __future__ import annotations

import argparse
import json
import time
from typing import Any

from toolkit.utils.metrics import PixelScores

import mxnet as mx
import segmentation_model


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add = parser.add_argument
    add("model", help="folder of a run, or published name")
    segmentation_model.add_data_options(parser)
    add("--split", default="val")
    add("--weights", help="of a published name: a tag or a file")
    add("--flip", action="store_true", help="look at the mirrored picture, too, and take means")
    add("--json", action="store_true")
    return parser.parse_args(arguments)


def evaluate(args: argparse.Namespace) -> dict[str, Any]:
    """Pixel accuracy, mean IoU and the IoU of each class in percent, and pictures a second."""
    net = segmentation_model.open_model(args.model, args.weights)
    net.hybridize(static_alloc=True)
    data = segmentation_model.open_data(args, args.split)
    metric = PixelScores(len(data.classes))
    if net.classes != metric.classes:
        raise SystemExit(f"error: {args.model} tells {net.classes} classes, not {metric.classes}")
    start = time.perf_counter()
    for images, ids in segmentation_model.scoring_loader(data).batches(0):
        images = mx.nd.array(images)
        scores = net(images)
        if args.flip:
            scores = scores.softmax(axis=1) + net(images.flip(axis=3)).flip(axis=3).softmax(axis=1)
        metric.update(ids, scores)
    seconds = time.perf_counter() - start
    ious = zip(data.classes, metric.class_ious(), strict=True)
    return {
        "model": str(args.model),
        "split": args.split,
        "images": len(data),
        **{key: round(100 * value, 2) for key, value in metric.get().items()},
        "classes": {name: None if iou != iou else round(100 * iou, 1) for name, iou in ious},
        "images_per_second": round(len(data) / seconds, 1),
    }


if __name__ == "__main__":
    arguments = parse()
    result = evaluate(arguments)
    if arguments.json:
        print(json.dumps(result))
    else:
        for key, value in result.items():
            print(f"{key}: {value}")

"""Scores a pose estimator on the persons of a folder of COCO's layout, in their own boxes.

    python scripts/pose/evaluate.py MODEL DATA --split val2017 [--flip] [--refine dark] [--json]

MODEL is the folder of a run of ``train.py``, or the published name of a pose estimator, with
``--weights`` where they are not the published ones. Boxes are those of the annotations, so that
there is no detector in the numbers; or with ``--detections FILE`` those of a result file of COCO's.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import Any

from toolkit.data.vision import flip_heatmaps
from toolkit.data.vision.heatmaps import REFINEMENTS
from toolkit.utils.metrics import HeatmapAccuracy

import mxnet as mx
import pose_model
from pose_scores import PoseScores


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add = parser.add_argument
    add("model", help="folder of a run, or published name")
    pose_model.add_data_options(parser)
    add("--split", default="val2017")
    add("--weights", help="of a published name: a tag or a file")
    add("--size", type=int, nargs=2, metavar=("HEIGHT", "WIDTH"), help="[of the run; 256 192]")
    add("--flip", action="store_true", help="look at the mirrored person, too, and take means")
    add("--refine", choices=sorted(REFINEMENTS), default="quarter", help="within a cell")
    add("--detections", type=Path, help="boxes of persons that a detector found: a result file")
    add("--batch-size", type=int, default=16)
    add("--results", type=Path, help="file for what was found, as the official server takes it")
    add("--json", action="store_true")
    return parser.parse_args(arguments)


def evaluate(args: argparse.Namespace) -> dict[str, Any]:
    """COCO's numbers and the share of joints near their place in percent, and persons a second."""
    net, preset = pose_model.open_model(args.model, args.weights, args.size)
    net.hybridize(static_alloc=True)
    data = pose_model.open_data(args, args.split, args.detections)
    if net.classes != len(data.skeleton.labels):
        raise SystemExit(f"error: {args.model} has {net.classes} joints, the data others")
    near, scores = HeatmapAccuracy(), PoseScores(data, stride=net.stride, refine=args.refine)
    start = time.perf_counter()
    made = pose_model.batch_of(net, preset)
    loader = pose_model.scoring_loader(data, data.skeleton, preset.size, args.batch_size, made)
    for batch in loader.batches(0):
        images = mx.nd.array(batch["images"])
        maps = net(images).asnumpy()
        if args.flip:
            other = net(images.flip(axis=3)).asnumpy()
            maps = (maps + flip_heatmaps(other, data.skeleton.mirror)) / 2
        for metric in (near, scores):
            metric.update((batch["maps"], batch["weights"], batch["back"]), maps)
    seconds = time.perf_counter() - start
    if args.results:
        scores.save(args.results)
    values = scores.get() if args.detections else {**scores.get(), **near.get()}
    return {
        "model": str(args.model),
        "split": args.split,
        "persons": len(data),
        **{key: round(100 * value, 2) for key, value in values.items()},
        "persons_per_second": round(len(data) / seconds, 1),
    }


if __name__ == "__main__":
    arguments = parse()
    result = evaluate(arguments)
    if arguments.json:
        print(json.dumps(result))
    else:
        for key, value in result.items():
            print(f"{key}: {value}")

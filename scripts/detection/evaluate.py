"""Scores a detector on a folder of pictures with boxes, as the folder's own evaluation does.

    python scripts/detection/evaluate.py MODEL DATA --split test [--json]

MODEL is the folder of a run of ``train.py``, or the published name of a detector with
``--weights``.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import Any

import detection_data
import detection_model
import detection_scores
import mxnet as mx


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add = parser.add_argument
    add("model", help="folder of a run, or published name")
    add("data", type=Path, help="folder of pictures with boxes, as for train.py")
    add("--split", default="test", help="several are joined by a comma")
    add("--weights", help="of a published name: a tag or a file; default the published ones")
    add("--size", type=int, help="side of the pictures; default that of the training")
    add(
        "--option",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="of the network, beside those of the training: \"suppression={'threshold': 0.5}\"",
    )
    add(
        "--form",
        default="11 points",
        help="of VOC's average precision: '11 points' (VOC07), 'area'",
    )
    add("--threshold", type=float, default=0.5, help="VOC's least IoU")
    add("--results", type=Path, help="folder for what was found, as COCO's result files")
    add("--invalid", default="raise", help="boxes that are none: raise, skip, clip")
    add("--batch-size", type=int, default=8)
    add("--json", action="store_true")
    return parser.parse_args(arguments)


def evaluate(args: argparse.Namespace) -> dict[str, Any]:
    """Average precisions in percent, and pictures a second, reading included."""
    net, labels, family, preset = detection_model.open_detector(
        args.model, args.weights, args.size, args.option
    )
    data = detection_data.open_boxes(args.data, args.split, classes=labels, invalid=args.invalid)
    loader = detection_data.scoring_loader(data, args.batch_size, batch=family.batch(preset))
    metric = detection_scores.scores_of(data, preset, form=args.form, threshold=args.threshold)
    start = time.perf_counter()
    for batch in loader.batches(0):
        metric.update(batch["labels"], net(mx.nd.array(batch["images"])))
    values = metric.get()
    seconds = time.perf_counter() - start
    if args.results:
        if not isinstance(metric, detection_scores.COCOScores):
            raise SystemExit(f"error: {args.data} is no folder of COCO's layout: no --results")
        metric.save(args.results)
    return {
        "model": str(args.model),
        "split": args.split,
        "images": len(data),
        **{key: round(100 * value, 2) for key, value in values.items()},
        "images_per_second": round(len(data) / seconds, 1),
    }


if __name__ == "__main__":
    arguments = parse()
    result = evaluate(arguments)
    if arguments.json:
        print(json.dumps(result))
    else:
        print("\n".join(f"{key:24}{value}" for key, value in result.items()))

"""Exports a detector, and makes its int8 form with the average precision of both.

    python scripts/detection/quantize.py MODEL DATA OUT --split test [--max-drop 0.01]

MODEL is the folder of a run of ``train.py``, or the published name of a detector with
``--weights``. ``OUT/float`` and ``OUT/int8`` begin the names of the two exports.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from toolkit import deploy
from toolkit.data.samplers import spread_evenly

import detection_data
import detection_model
import detection_scores
import numpy as np


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add = parser.add_argument
    add("model", help="folder of a run, or published name")
    add("data", type=Path, help="folder of pictures with boxes, as for train.py")
    add("out", type=Path, help="folder of the exports")
    add("--calibrate", default="train", help="split whose pictures give the ranges")
    add("--samples", type=int, default=64, help="how many, spread evenly over the split")
    add("--split", default="test", help="that is scored")
    add("--weights", help="of a published name: a tag or a file; default the published ones")
    add("--size", type=int, help="side of the pictures; default that of the training")
    add("--calibration", default="naive", help="naive or entropy")
    add("--max-drop", type=float, help="refuse to lose more average precision, such as 0.01")
    add("--invalid", default="raise", help="boxes that are none: raise, skip, clip")
    add("--batch-size", type=int, default=8)
    return parser.parse_args(arguments)


def quantize(args: argparse.Namespace) -> dict[str, Any]:
    """What int8 costs: average precisions in percent, of VOC (11 points) or of COCO's boxes."""
    net, labels, family, preset = detection_model.open_detector(args.model, args.weights, args.size)

    def open_boxes(split: str) -> Any:
        return detection_data.open_boxes(args.data, split, classes=labels, invalid=args.invalid)

    def pairs(data: Any) -> list[tuple[np.ndarray, Any]]:
        batch = family.batch(preset)
        loader = detection_data.scoring_loader(data, args.batch_size, batch=batch)
        return [(np.asarray(b["images"]), b["labels"]) for b in loader.batches(0)]

    data, scored = open_boxes(args.calibrate), open_boxes(args.split)
    ranges = pairs([data[place] for place in spread_evenly(len(data), args.samples)])
    metric = detection_scores.scores_of(scored, preset, brief=True)
    args.out.mkdir(parents=True, exist_ok=True)
    deploy.export(net, args.out / "float", ranges[0][0])
    report = deploy.quantize(
        args.out / "float",
        args.out / "int8",
        [images for images, _ in ranges],
        calibration=args.calibration,
        score=deploy.metric_score(metric, pairs(scored)),
        max_drop=args.max_drop,
    )
    return {
        "model": str(args.model),
        "split": args.split,
        "score": metric.name,
        "calibration": report.calibration,
        "layers in int8": report.int8,
        "layers in float": len(report.kept),
        "before": round(100 * report.before, 2),
        "after": round(100 * report.after, 2),
    }


def main(args: argparse.Namespace) -> None:
    print("\n".join(f"{key:24}{value}" for key, value in quantize(args).items()))


if __name__ == "__main__":
    main(parse())

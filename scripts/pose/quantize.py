"""Exports a pose estimator and makes its int8 form, with the score of both.

    python scripts/pose/quantize.py MODEL DATA OUT --calibrate train2017 --split val2017

MODEL is the folder of a run of ``train.py``, or the published name of a pose estimator. OUT gets
``float`` and ``int8``, exports that ``toolkit predict`` takes; ranges are those of persons of
``--calibrate``.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from toolkit import deploy
from toolkit.data.samplers import spread_evenly

import numpy as np
import pose_model
from pose_scores import PoseScores


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add = parser.add_argument
    add("model", help="folder of a run, or published name")
    pose_model.add_data_options(parser)
    add("out", type=Path, help="folder of the exports")
    add("--calibrate", default="train2017", help="split whose persons give the ranges")
    add("--samples", type=int, default=64, help="how many, spread evenly over the split")
    add("--split", default="val2017", help="that is scored")
    add("--weights", help="of a published name: a tag or a file; default the published ones")
    add("--size", type=int, nargs=2, metavar=("HEIGHT", "WIDTH"), help="[of the run; 256 192]")
    add("--calibration", default="naive", help="naive or entropy")
    add("--max-drop", type=float, help="refuse to lose more average precision, such as 0.01")
    add("--batch-size", type=int, default=16)
    return parser.parse_args(arguments)


def quantize(args: argparse.Namespace) -> dict[str, Any]:
    """What int8 costs: COCO's average precision of poses in percent."""
    net, preset = pose_model.open_model(args.model, args.weights, args.size)
    batch = pose_model.batch_of(net, preset)

    def pairs(data: Any, skeleton: Any) -> list[tuple[np.ndarray, Any]]:
        loader = pose_model.scoring_loader(data, skeleton, preset.size, args.batch_size, batch)
        batches = loader.batches(0)
        return [(b["images"], (b["maps"], b["weights"], b["back"])) for b in batches]

    data, scored = (pose_model.open_data(args, split) for split in (args.calibrate, args.split))
    places = spread_evenly(len(data), args.samples)
    ranges = pairs([data[place] for place in places], data.skeleton)
    metric = PoseScores(scored, stride=net.stride, brief=True)
    args.out.mkdir(parents=True, exist_ok=True)
    labels = data.skeleton.labels
    deploy.export(net, args.out / "float", preprocess=preset, labels=labels)
    report = deploy.quantize(
        args.out / "float",
        args.out / "int8",
        [images for images, _ in ranges],
        calibration=args.calibration,
        score=deploy.metric_score(metric, pairs(scored, scored.skeleton)),
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

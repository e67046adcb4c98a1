"""Scores a detector on a folder of VOC's or COCO's layout, as the folder's own evaluation does.

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

from toolkit.data.vision import COCODetectionDataset
from toolkit.utils.masks import paste_masks
from toolkit.utils.metrics import COCOMeanAP, VOCMeanAP

import detection_data
import detection_model
import mxnet as mx
import numpy as np


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add = parser.add_argument
    add("model", help="folder of a run, or published name")
    add("data", type=Path, help="folder of VOC's or COCO's layout")
    add("--split", default="test", help="several are joined by a comma")
    add("--weights", help="of a published name: a tag or a file; default the published ones")
    add("--size", type=int, help="side of the pictures; default that of the training")
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
    net, labels, family, preset = detection_model.open_detector(args.model, args.weights, args.size)
    data = detection_data.open_boxes(args.data, args.split, classes=labels, invalid=args.invalid)
    loader = detection_data.scoring_loader(data, args.batch_size, batch=family.batch(preset))
    score = score_coco if isinstance(data, COCODetectionDataset) else score_voc
    start = time.perf_counter()
    values = score(net, data, loader, args)
    seconds = time.perf_counter() - start
    return {
        "model": str(args.model),
        "split": args.split,
        "images": len(data),
        **{key: round(100 * value, 2) for key, value in values.items()},
        "images_per_second": round(len(data) / seconds, 1),
    }


def score_voc(net: Any, data: Any, loader: Any, args: argparse.Namespace) -> dict[str, float]:
    """VOC's mean average precision."""
    metric = VOCMeanAP(data.classes, args.form, threshold=args.threshold)
    for batch in loader.batches(0):
        metric.update(batch["labels"], net(mx.nd.array(batch["images"])))
    return metric.get()


def score_coco(net: Any, data: Any, loader: Any, args: argparse.Namespace) -> dict[str, float]:
    """COCO's numbers, of boxes and, where the network finds them, of masks.

    ``--results`` gets what was found, as files for the official server.
    """
    metrics: dict[str, COCOMeanAP] = {}
    items = iter(data.items)  # batches come in their order
    for batch in loader.batches(0):
        outputs = [part.asnumpy() for part in net(mx.nd.array(batch["images"]))]
        if not metrics:
            forms = ("boxes", "masks")[: len(outputs) - 2]
            metrics = {
                form: COCOMeanAP(data.annotations, form, categories=data.category_ids)
                for form in forms
            }
        for place, (ids, scores, boxes, *masks) in enumerate(zip(*outputs, strict=True)):
            item = next(items)
            found = ids[:, 0] >= 0
            boxes = boxes[found] / scales_of(batch, place, item.size)[[1, 0, 1, 0]]
            row = ids[found, 0], scores[found, 0], boxes
            metrics["boxes"].add(item.number, row)
            if masks:
                drawn = paste_masks(masks[0][found], boxes, item.size)
                metrics["masks"].add(item.number, (*row, drawn))
    if args.results:
        args.results.mkdir(parents=True, exist_ok=True)
        for form, metric in metrics.items():
            metric.save(args.results / f"{form}.json")
    return {f"{form}_{k}": v for form, metric in metrics.items() for k, v in metric.get().items()}


def scales_of(batch: dict[str, Any], place: int, size: tuple[int, int]) -> np.ndarray:
    """What a picture's height and width of ``size`` were multiplied by."""
    if "scales" in batch:
        return np.asarray(batch["scales"][place])
    return np.array(batch["images"].shape[2:]) / size


if __name__ == "__main__":
    arguments = parse()
    result = evaluate(arguments)
    if arguments.json:
        print(json.dumps(result))
    else:
        print("\n".join(f"{key:24}{value}" for key, value in result.items()))

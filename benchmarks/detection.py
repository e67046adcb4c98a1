"""Detectors: suppression, what targets and loss cost, and YOLOv3's training beside GluonCV's.

Rounds interleave, the first does not count; printed are medians. Wall times say nothing on a
machine that others use as well: `--clock cpu` counts the process's own CPU time instead.

    python benchmarks/detection.py nms [--boxes 10000] [--classes 80]
    python benchmarks/detection.py parts [--model mobilenet0.25] [--size 256] [--batch-size 8]
    python benchmarks/detection.py yolo3 [--size 416] [--batch-size 4]

The last one needs the environment of `make parity`. Both sides run in one process, and so on the
runtime that `toolkit` has prepared; both make the targets of the batch, as a loader without workers
would, then losses, gradients and an update.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from toolkit.model_zoo import get_model
from toolkit.nn.nms import ClassNMS, Suppression
from toolkit.utils.boxes import iou
from toolkit.utils.suppression import suppress

import mxnet as mx
import numpy as np
from mxnet import autograd
from mxnet.gluon import Trainer

sys.path.insert(0, str(Path(__file__).parents[1] / "scripts" / "detection"))
from families import FAMILIES

CLOCKS = {"wall": time.perf_counter, "cpu": time.process_time}
Calls = Mapping[str, Callable[[], object]]


def compare(calls: Calls, args: argparse.Namespace) -> dict[str, float]:
    """The median milliseconds of each."""
    spent: dict[str, list[float]] = {name: [] for name in calls}
    clock = CLOCKS[args.clock]
    for _ in range(args.rounds + 1):
        for name, call in calls.items():
            start = clock()
            call()
            mx.nd.waitall()
            spent[name].append(1000 * (clock() - start))
    return {name: statistics.median(times[1:]) for name, times in spent.items()}


def random_boxes(rng: np.random.Generator, shape: tuple[int, ...], side: float) -> np.ndarray:
    low = rng.uniform(0, 0.8 * side, (*shape, 2))
    sizes = rng.uniform(0.02 * side, 0.2 * side, low.shape)
    return np.concatenate([low, low + sizes], -1).astype(np.float32)


def reference(boxes: np.ndarray, scores: np.ndarray, ids: np.ndarray, threshold: float) -> set[int]:
    """Places of what is kept, by the definition."""
    kept: list[int] = []
    for class_ in np.unique(ids):
        places = np.flatnonzero(ids == class_)
        places = places[np.argsort(-scores[places], kind="stable")]
        overlap = iou(boxes[places], boxes[places]) > threshold
        alive: list[int] = []
        for place in range(len(places)):
            if not overlap[place, alive].any():
                alive.append(place)
        kept.extend(places[alive])
    return set(kept)


def nms(args: argparse.Namespace) -> None:
    """All boxes in NumPy, one class each; and in the graph, which scores each in every class."""
    rng = np.random.default_rng(0)
    boxes = random_boxes(rng, (args.boxes,), 500)
    ids, scores = rng.integers(args.classes, size=args.boxes), rng.permutation(args.boxes)
    probs = rng.random((1, args.boxes, args.classes), np.float32)
    graph = ClassNMS(args.classes, Suppression())
    graph.hybridize(static_alloc=True, static_shape=True)
    arrays = mx.nd.array(probs), mx.nd.array(boxes[None])
    calls = {
        "suppress": lambda: suppress(boxes, scores, ids, threshold=0.45),
        "ClassNMS": lambda: [part.asnumpy() for part in graph(*arrays)],
    }
    for name, took in compare(calls, args).items():
        print(f"{name:10} {took:7.2f} ms for {args.boxes} boxes and {args.classes} classes")
    same = reference(boxes, scores, ids, 0.45) == set(calls["suppress"]())
    print(f"suppress keeps what the definition keeps: {same}")


def batch_of(args: argparse.Namespace, classes: int) -> dict[str, Any]:
    """Noise with 15 objects in each image."""
    rng = np.random.default_rng(1)
    shape = (args.batch_size, 15)
    boxes = random_boxes(rng, shape, args.size)
    ids = rng.integers(classes, size=shape).astype(np.float32)
    images = rng.normal(size=(args.batch_size, 3, args.size, args.size))
    return {"images": mx.nd.array(images), "labels": (boxes, ids, np.zeros(shape, np.float32))}


def step_of(net: Any, family: str, args: argparse.Namespace) -> tuple[Any, ...]:
    """Makers of targets, of the loss of raw predictions, and of an update, on one batch."""
    net.hybridize(static_alloc=True)
    size = (args.size, args.size)
    options = argparse.Namespace(negatives=0, smoothing=0.0)
    objective = FAMILIES[family].objective(options)[0]
    made = FAMILIES[family].targets(net, [size])
    trainer = Trainer(net.collect_params(), "sgd", {"momentum": 0.9}, kvstore=None)
    batch = batch_of(args, net.classes)

    def targets() -> dict[str, Any]:
        boxes, ids, _ = batch["labels"]
        arrays = made(boxes, ids, np.ones_like(ids), size)
        labels = [mx.nd.array(boxes), mx.nd.array(ids)]
        return {**batch, "labels": labels, "targets": [mx.nd.array(a) for a in arrays]}

    def step() -> None:
        given = targets()
        with autograd.record():
            result = objective(net, given)
        result.loss.backward()
        trainer.step(result.divisor)

    return targets, objective, step


def parts(args: argparse.Namespace) -> None:
    """What share of an update targets and loss are, with the loss's own gradients."""
    options = {"center_net": {"neck": "aggregation"}}
    for family in FAMILIES.keys() & {"ssd", "yolo3", "center_net"}:
        net = get_model(args.model, task=family, classes=3, **options.get(family, {}))
        net.initialize(mx.init.MSRAPrelu())
        targets, objective, step = step_of(net, family, args)
        given = targets()
        raw = [part.copy() for part in net.network(given["images"])]
        for part in raw:
            part.attach_grad()

        def loss(raw: Any = raw, given: Any = given, objective: Any = objective) -> None:
            with autograd.record():
                value, _ = objective.loss(raw, given)
            value.backward()

        took = compare({"targets": targets, "loss": loss, "step": step}, args)
        share = 100 * (took["targets"] + took["loss"]) / took["step"]
        times = ", ".join(f"{name} {value:.1f} ms" for name, value in took.items())
        print(f"{family:10} {times}: targets and loss {share:.1f} %")


def upstream_step(args: argparse.Namespace) -> Callable[[], None]:
    """The same update of GluonCV's network, as its script makes it."""
    import gluoncv
    from gluoncv.data.transforms.presets.yolo import YOLO3DefaultTrainTransform

    net = gluoncv.model_zoo.get_model("yolo3_mobilenet1.0_coco", pretrained_base=False)
    net.initialize(mx.init.MSRAPrelu())
    maker = YOLO3DefaultTrainTransform(args.size, args.size, net)
    net.hybridize()
    trainer = Trainer(net.collect_params(), "sgd", {"momentum": 0.9}, kvstore=None)
    batch = batch_of(args, len(net.classes))

    def targets() -> list[Any]:
        boxes, ids, _ = batch["labels"]
        rows = [
            maker._target_generator(
                maker._fake_x,
                maker._feat_maps,
                maker._anchors,
                maker._offsets,
                mx.nd.array(box[None]),
                mx.nd.array(id_[None, :, None]),
                None,
            )
            for box, id_ in zip(boxes, ids, strict=True)
        ]
        return [mx.nd.concat(*part, dim=0) for part in zip(*rows, strict=True)]

    def step() -> None:
        fixed, boxes = targets(), mx.nd.array(batch["labels"][0])
        with autograd.record():
            losses = net(batch["images"], boxes, *fixed)
            total = mx.nd.add_n(*losses)
        total.backward()
        trainer.step(args.batch_size)

    return step


def yolo3(args: argparse.Namespace) -> None:
    """Images a second of an update on `yolo3_mobilenet1.0_coco`, ours and GluonCV's."""
    net = get_model("yolo3_mobilenet1.0_coco")
    net.initialize(mx.init.MSRAPrelu())
    calls = {"toolkit": step_of(net, "yolo3", args)[2], "GluonCV": upstream_step(args)}
    took = compare(calls, args)
    for name, value in took.items():
        print(f"{name:10} {1000 * args.batch_size / value:7.2f} images/s")
    print(f"toolkit over GluonCV: {took['GluonCV'] / took['toolkit']:.2f}")


BENCHMARKS = {"nms": nms, "parts": parts, "yolo3": yolo3}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    add = parser.add_argument
    add("what", choices=BENCHMARKS)
    add("--boxes", type=int, default=10_000)
    add("--classes", type=int, default=80)
    add("--model", default="mobilenet0.25", help="backbone of 'parts'")
    add("--size", type=int, default=416)
    add("--batch-size", type=int, default=4)
    add("--rounds", type=int, default=7)
    add("--clock", choices=CLOCKS, default="wall")
    args = parser.parse_args()
    BENCHMARKS[args.what](args)


if __name__ == "__main__":
    main()

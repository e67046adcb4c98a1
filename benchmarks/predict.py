"""`Predictor` against loops written by hand on MXNet, from picture files to the best class.

All run the same network on the same files in one process, so under the same preparation of the
runtime: a hybridized network with MXNet's fused operators (`optimize_for`), batches of the same
size. One loop decodes and resizes with `mx.image`, the other with OpenCV. Rounds interleave;
printed are medians over the rounds: pictures a second, the ratio to each loop (above 1: `Predictor`
is faster), and the CPU time of all threads, which says more on a machine that others use as well
(set OMP_WAIT_POLICY=PASSIVE there, lest waiting threads count as working).

    python benchmarks/predict.py FOLDER [--model resnet50_v1] [--batch-size 16] [--repeat 5]
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from toolkit.deploy import Predictor
from toolkit.model_zoo import get_model

import cv2
import mxnet as mx
import numpy as np

MEAN = np.array([0.485, 0.456, 0.406], np.float32)
STD = np.array([0.229, 0.224, 0.225], np.float32)
Loop = Callable[[list[str], int], list[int]]


def network(name: str) -> mx.gluon.HybridBlock:
    """The model with random values: they do not matter for the time."""
    mx.random.seed(0)
    net = get_model(name)
    net.initialize(mx.init.Xavier())
    return net


def batches(paths: list[str], size: int) -> Iterator[list[str]]:
    for start in range(0, len(paths), size):
        yield paths[start : start + size]


def with_mxnet(net: mx.gluon.HybridBlock) -> Loop:
    mean, std = mx.nd.array(MEAN * 255), mx.nd.array(STD * 255)

    def read(path: str) -> mx.nd.NDArray:
        image = mx.image.resize_short(mx.image.imread(path), 256)
        image = mx.image.center_crop(image, (224, 224))[0]
        return mx.image.color_normalize(image.astype("float32"), mean, std).transpose((2, 0, 1))

    def run(paths: list[str], size: int) -> list[int]:
        best: list[int] = []
        for batch in batches(paths, size):
            scores = net(mx.nd.stack(*[read(path) for path in batch]))
            best += scores.softmax().argmax(axis=1).asnumpy().astype(int).tolist()
        return best

    return run


def with_opencv(net: mx.gluon.HybridBlock) -> Loop:
    def read(path: str) -> np.ndarray:
        image = cv2.cvtColor(cv2.imread(path), cv2.COLOR_BGR2RGB)
        height, width = image.shape[:2]
        scale = 256 / min(height, width)
        image = cv2.resize(image, (round(width * scale), round(height * scale)))
        top, left = (image.shape[0] - 224) // 2, (image.shape[1] - 224) // 2
        image = image[top : top + 224, left : left + 224].astype(np.float32) / 255
        return ((image - MEAN) / STD).transpose(2, 0, 1)

    def run(paths: list[str], size: int) -> list[int]:
        best: list[int] = []
        for batch in batches(paths, size):
            scores = net(mx.nd.array(np.stack([read(path) for path in batch])))
            best += scores.softmax().argmax(axis=1).asnumpy().astype(int).tolist()
        return best

    return run


def with_predictor(net: mx.gluon.HybridBlock, batch_size: int) -> Loop:
    predictor = Predictor(net, batch_size=batch_size)

    def run(paths: list[str], size: int) -> list[int]:
        return [one[0].index for one in predictor(paths)]

    return run


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("folder", type=Path, help="pictures (.JPEG, .jpg, .png)")
    parser.add_argument("--model", default="resnet50_v1")
    parser.add_argument("--batch-size", type=int, default=16)
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--limit", type=int, help="only so many pictures")
    options = parser.parse_args()
    suffixes = (".jpeg", ".jpg", ".png")
    paths = sorted(str(p) for p in options.folder.iterdir() if p.suffix.lower() in suffixes)
    paths = paths[: options.limit]
    if not paths:
        parser.error(f"no pictures in {options.folder}")

    net, fused = network(options.model), network(options.model)
    example = mx.nd.zeros((options.batch_size, 3, 224, 224))
    fused.optimize_for(example, backend="MKLDNN", static_alloc=True, static_shape=True)
    loops = {
        "Predictor": with_predictor(net, options.batch_size),
        "mx.image loop": with_mxnet(fused),
        "OpenCV loop": with_opencv(fused),
    }
    found = {
        name: run(paths[: 2 * options.batch_size], options.batch_size)
        for name, run in loops.items()
    }
    times: dict[str, list[float]] = {name: [] for name in loops}
    work: dict[str, list[float]] = {name: [] for name in loops}
    for _ in range(options.repeat):
        for name, run in loops.items():
            start, cpu = time.perf_counter(), time.process_time()
            found[name] = run(paths, options.batch_size)
            times[name].append(time.perf_counter() - start)
            work[name].append(time.process_time() - cpu)

    print(f"{options.model}, {len(paths)} pictures, batch {options.batch_size}")
    for name, seconds in times.items():
        ratios = [s / p for s, p in zip(seconds, times["Predictor"], strict=True)]
        same = np.mean(np.equal(found[name], found["Predictor"]))
        print(
            f"{name:14} {len(paths) / statistics.median(seconds):8.1f} pictures/s"
            f"   Predictor is {statistics.median(ratios):.2f}x"
            f"   {1e3 * statistics.median(work[name]) / len(paths):6.1f} ms of CPU a picture"
            f"   same best class {same:.1%}"
        )


if __name__ == "__main__":
    main()

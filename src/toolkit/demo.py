"""What ``toolkit demo`` shows: a picture named, the network exported, loaded again and compared."""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import mxnet as mx
import numpy as np

from toolkit import deploy, model_zoo
from toolkit.data.vision import PRESETS, read_image
from toolkit.utils import tables

MODEL = "cifar_resnet20_v1"
PICTURE = Path(__file__).with_name("assets") / "cat.jpg"
TOLERANCE = 1e-4  # of the largest score; fused operators round differently
REPEATS = 25


def run(say: Callable[[str], None]) -> None:
    """Predicts on the packaged picture, then proves that export and load keep the results.

    Args:
        say: takes each line of output.

    Raises:
        RuntimeError: the loaded graph's scores differ by more than ``TOLERANCE`` of the largest.
    """
    net = model_zoo.get_model(MODEL, pretrained=True)
    info = model_zoo.model_info(MODEL)
    say(f"{MODEL} with the weights {info.weights[0].tag} on {PICTURE.name}:\n")
    with tempfile.TemporaryDirectory(prefix="toolkit-demo-") as folder:
        manifest = deploy.export(net, Path(folder) / MODEL)
        graph = deploy.load(manifest)
        top = deploy.Predictor(graph).predict(PICTURE, top=5)
        say(tables.render(("label", "prob"), [(p.label, f"{p.prob:.4f}") for p in top]))
        files = sorted(manifest.parent.iterdir())
        say("\nexported " + ", ".join(f"{f.name} ({f.stat().st_size:,} bytes)" for f in files))
        compare(net, graph, PRESETS[info.preprocess](read_image(PICTURE))[None], say)


def compare(net: Any, graph: Any, picture: np.ndarray, say: Callable[[str], None]) -> None:
    """Runs a network and the graph exported from it on one picture (1, 3, H, W); see `run`."""
    batch = mx.nd.array(picture)
    programs = {
        "the network, operator by operator": lambda: net(batch).asnumpy(),
        "the exported graph, loaded": lambda: graph(picture)[0],
    }
    expected, got = (program() for program in programs.values())
    difference = float(np.abs(got - expected).max() / np.abs(expected).max())
    say(f"loaded again: scores differ by {difference:.1e} of the largest at most")
    if not difference <= TOLERANCE:
        raise RuntimeError(
            f"the exported graph's scores differ by {difference:.1e} of the network's largest;"
            f" at most {TOLERANCE:.0e} is allowed"
        )
    rows = [(name, f"{1e3 * seconds:.2f} ms") for name, seconds in latencies(programs).items()]
    say(f"\none picture through it, median of {REPEATS}:\n\n{tables.render((), rows)}")


def latencies(programs: Mapping[str, Callable[[], object]]) -> dict[str, float]:
    """Median seconds of each program; they take turns, so that a busy machine slows all alike."""
    times: dict[str, list[float]] = {name: [] for name in programs}
    for _ in range(REPEATS):
        for name, program in programs.items():
            start = time.perf_counter()
            program()
            times[name].append(time.perf_counter() - start)
    return {name: statistics.median(seconds) for name, seconds in times.items()}

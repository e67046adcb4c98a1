"""One model of the zoo on every target: what `benchmarks/exports.py` runs, a process a model.

Each finding is a line of JSON on its own, so that what was found stays when a later one fails.

    python benchmarks/export_targets.py resnet18_v1 [--most 50] [--programs BUILD]
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from inspect import signature
from pathlib import Path
from typing import Any

from toolkit import deploy
from toolkit.data.vision import PRESETS
from toolkit.deploy.agreement import difference
from toolkit.deploy.consumers import deploy_info
from toolkit.deploy.graph import compose, leaves
from toolkit.model_zoo import get_model, model_info
from toolkit.utils.settling import settle

import mxnet as mx
import numpy as np

SIDES = (128, 256)  # of pictures: the first that the network takes, else what it was trained on
PATCH = 8  # pixels of one colour, each way
LAST_GAMMA = 0.2  # trained residual branches add a part of what they are added to
BATCH, TOKENS = 2, 16  # exported with one sample and this length, run with these
WORDS = 7  # of what was written so far
# R-CNN with few regions answers by the same operators, in a small part of the time.
PROPOSALS = {"candidates": 64, "proposals": 12}
DETECTIONS = {"candidates": 40, "detections": 12}


def say(**found: Any) -> None:
    print(json.dumps(found), flush=True)


def parameters(net: Any, shapes: dict[str, tuple[int, ...]], symbol: Any) -> int | None:
    """How many numbers the network holds; None where it does not take inputs of these shapes."""
    try:
        given, _, states = symbol.infer_shape(**shapes)
    except mx.MXNetError:
        return None
    names = [*symbol.list_arguments(), *symbol.list_auxiliary_states()]
    sizes = dict(zip(names, [*given, *states], strict=True))
    return sum(int(np.prod(size)) for name, size in sizes.items() if name not in shapes)


def pictures(net: Any, native: tuple[int, int]) -> tuple[int | None, list[np.ndarray]]:
    """How large the network is, and pictures of the smallest size that it takes.

    They are of patches: noise becomes the same grey in deep layers.
    """
    symbol, (name,) = compose(net, [0])
    smaller = [(side, side) for side in SIDES if side < min(native)]
    shapes = ((BATCH, 3, *size) for size in [*smaller, native])
    found = ((parameters(net, {name: shape}, symbol), shape) for shape in shapes)
    count, (*outer, height, width) = next(row for row in found if row[0])
    coarse = np.random.default_rng(0).normal(size=(*outer, -(-height // PATCH), -(-width // PATCH)))
    whole = np.kron(coarse, np.ones((PATCH, PATCH)))[..., :height, :width]
    return count, [whole.astype(np.float32)]


def texts(net: Any) -> tuple[int | None, list[np.ndarray]]:
    """The same of a network that takes texts of random words, one shorter than the others."""
    spelled = getattr(getattr(net, "encoder", net), "characters", None)  # words by characters
    word = (spelled,) if isinstance(spelled, int) else ()
    rng = np.random.default_rng(0)
    known = {
        "tokens": rng.integers(0, net.vocab_size, (BATCH, TOKENS, *word)),
        "segments": rng.integers(0, 2, (BATCH, TOKENS)),
        "valid_length": np.array([TOKENS, TOKENS - 5]),
        "words": rng.integers(0, min(net.vocab_size, 5000), (BATCH, WORDS)),  # of another table
    }
    asked = [name for name in signature(net.hybrid_forward).parameters if name in known]
    arrays = [known[name].astype(np.float32) for name in asked]
    symbol, names = compose(net, [0] * len(asked))
    shapes = {name: array.shape for name, array in zip(names, arrays, strict=True)}
    return parameters(net, shapes, symbol), arrays


def build(name: str) -> Any:
    """The network; where it knows which scales end its branches, those start at zero."""
    try:
        return get_model(name, zero_last_gamma=True)
    except TypeError:
        return get_model(name)


def prepare(net: Any, inputs: list[np.ndarray]) -> list[np.ndarray]:
    """Weights that tell inputs apart, and what the network itself answers."""
    mx.random.seed(0)
    net.hybridize(False)  # layers may be by themselves
    net.initialize(mx.init.Xavier(magnitude=2))
    for param in net.collect_params(".*gamma$").values():
        if param.init == "zeros":
            param.set_data(mx.nd.full(param.shape, LAST_GAMMA))
    given = [mx.nd.array(array) for array in inputs]
    settle(net, *given, layers=True)
    outputs = list(leaves(net(*given)))
    mx.nd.waitall()
    return [output.asnumpy() for output in outputs]


@contextlib.contextmanager
def finding(target: str) -> Iterator[None]:
    """An error becomes the finding: the first line of what it says."""
    try:
        yield
    except Exception as error:  # whatever a target has to say is the result
        say(**{target: {"error": f"{type(error).__name__}: {error}".split("\n")[0][:300]}})


def far(target: str, found: list[np.ndarray], wanted: list[np.ndarray], **more: Any) -> None:
    say(**{target: {"difference": difference(found, wanted), **more}})


def with_program(programs: Path, path: Path, inputs: list[np.ndarray]) -> list[np.ndarray]:
    """What the C++ program gives."""
    files = []
    for number, array in enumerate(inputs):
        files.append(path.with_name(f"in{number}.npy"))
        np.save(files[-1], array)
    command = [programs / "run_arrays", path, path.with_name("out"), *files, "--latency"]
    environment = {**os.environ, **deploy_info().environment, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    if done.returncode:
        raise RuntimeError(done.stderr.strip() or f"status {done.returncode}")
    made = sorted(path.parent.glob("out-*.npy"), key=lambda p: int(p.stem.partition("-")[2]))
    return [np.load(file) for file in made]


def check(net: Any, folder: Path, inputs: list[np.ndarray], programs: Path | None) -> None:
    """Exports the network and compares what each target answers with MXNet."""
    path, wanted = folder / "net", prepare(net, inputs)
    deploy.export(net, path, tuple(array[:1] for array in inputs))
    with finding("mxnet"):
        found = deploy.load(path, backend="mxnet")(*inputs)
        far("mxnet", found, wanted)
    if programs:
        with finding("c++"):
            far("c++", with_program(programs, path, inputs), wanted)
    with finding("onnx"):
        deploy.export_onnx(path, path)
        far("onnx", deploy.load(path, backend="onnxruntime", threads=1)(*inputs), wanted)
    if Path(f"{path}.onnx").exists():
        with finding("openvino"):
            far("openvino", deploy.load(path, backend="openvino", threads=1)(*inputs), wanted)
    with finding("int8"):
        report = deploy.quantize(path, folder / "int8", [tuple(inputs)])
        found = deploy.load(folder / "int8", backend="mxnet")(*inputs)
        far("int8", found, wanted, layers=report.int8, kept=len(report.kept))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model")
    parser.add_argument("--most", type=float, default=1e6, help="millions of parameters")
    parser.add_argument("--programs", type=Path, help="where the C++ programs were built")
    given = parser.parse_args()
    info = model_info(given.model)
    net: Callable[..., Any] = build(given.model)
    if hasattr(net, "set_nms"):
        net.set_nms(**DETECTIONS)
    if hasattr(net, "set_proposals"):
        net.set_proposals(**PROPOSALS)
    is_text = info.domain == "text"
    count, inputs = texts(net) if is_text else pictures(net, PRESETS[info.preprocess].size)
    if count is None:
        raise ValueError(f"the network does not take {[array.shape for array in inputs]}")
    say(task=info.task, parameters=count, input=inputs[0].shape[1:])
    if count > 1e6 * given.most:
        say(skipped=f"{count / 1e6:.0f} million parameters")
        return
    with tempfile.TemporaryDirectory() as folder:
        check(net, Path(folder), inputs, given.programs)


if __name__ == "__main__":
    main()

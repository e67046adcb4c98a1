"""One classifier on this package's backends and on its peers, called in turns in one process.

Ours: MXNet fused, ONNX Runtime and OpenVINO through `toolkit.deploy.load`. Peers, where they are
installed: ONNX Runtime and OpenVINO called directly on the same file, and torchvision's network of
the same name in torch (eager and channels_last; with --bf16 under autocast). All have random
weights and the same number of threads. Rounds interleave, the first does not count; printed is a
Markdown table of medians, with the ratio of the first row's time to each. `--json` keeps the
numbers, the machine and all versions.

    python benchmarks/inference.py --model resnet50_v1 --torch resnet50 [--batch 16] [--bf16]
"""

from __future__ import annotations

import argparse
import dataclasses
import importlib.util
import json
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from toolkit import deploy
from toolkit.deploy.measuring import interleaved, machine
from toolkit.model_zoo import get_model
from toolkit.utils.cpu import usable_cores

import numpy as np

Calls = Iterator[tuple[str, Callable[[], object]]]


def ours(path: Path, data: np.ndarray, precision: str) -> Calls:
    for backend in ("mxnet", "onnxruntime", "openvino"):
        try:
            runner = deploy.load(path, backend=backend, precision=precision)
        except (ValueError, ModuleNotFoundError) as error:
            print(f"without {backend}: {error}")
            continue
        yield f"toolkit, {backend}", lambda r=runner: r(data)


def runtimes(path: Path, data: np.ndarray, precision: str) -> Calls:
    file = f"{path}.onnx"
    if importlib.util.find_spec("onnxruntime") and precision == "fp32":
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = usable_cores()[0]
        session = onnxruntime.InferenceSession(file, options, ["CPUExecutionProvider"])
        yield "ONNX Runtime", lambda: session.run(None, {"data": data})
    if importlib.util.find_spec("openvino"):
        import openvino

        hint = {"fp32": "f32", "bf16": "bf16"}[precision]
        settings = {
            "INFERENCE_PRECISION_HINT": hint,
            "INFERENCE_NUM_THREADS": usable_cores()[0],
            "PERFORMANCE_HINT": "LATENCY",
        }
        request = openvino.Core().compile_model(file, "CPU", settings).create_infer_request()
        yield "OpenVINO", lambda: request.infer({0: data}, share_inputs=True)


def torch(name: str, data: np.ndarray, precision: str) -> Calls:
    import torch
    import torchvision

    torch.set_num_threads(usable_cores()[0])
    net = torchvision.models.get_model(name).eval()
    last = torchvision.models.get_model(name).eval().to(memory_format=torch.channels_last)
    plain = torch.from_numpy(data)
    turned = plain.to(memory_format=torch.channels_last)

    def call(network: Callable, x: torch.Tensor) -> Callable[[], object]:
        def run() -> object:
            with torch.inference_mode(), torch.autocast("cpu", enabled=precision == "bf16"):
                return network(x)

        return run

    yield "torch eager", call(net, plain)
    yield "torch channels_last", call(last, turned)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default="resnet50_v1")
    parser.add_argument("--torch", metavar="NAME", help="torchvision's name of the same network")
    parser.add_argument("--batch", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--bf16", action="store_true")
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    precision = "bf16" if given.bf16 else "fp32"
    net = get_model(given.model)
    net.initialize()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "net"
        deploy.export(net, path)
        deploy.export_onnx(path, path)
        side = deploy.Manifest.read(Path(f"{path}-manifest.json")).inputs[0].shape[1:]
        data = np.random.default_rng(0).normal(size=(given.batch, *side)).astype(np.float32)
        calls = dict(ours(path, data, precision)) | dict(runtimes(path, data, precision))
        if given.torch:
            calls |= dict(torch(given.torch, data, precision))
        rows = interleaved(calls, given.rounds)
    print(f"{given.model}, batch {given.batch}, {precision}\n")
    print("| | median ms | least | most | times the first |\n|---|---|---|---|---|")
    for r in rows:
        print(f"| {r.name} | {r.median:.2f} | {r.least:.2f} | {r.most:.2f} | {r.ratio:.2f} |")
    if given.json:
        note = {"model": given.model, "batch": given.batch, "precision": precision}
        note |= {"machine": machine(), "timings": [dataclasses.asdict(row) for row in rows]}
        given.json.write_text(json.dumps(note, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

"""The figures of `docs/performance.md`: one command, which goes on where it stopped.

Each candidate is a process of its own; they take turns, round by round, and medians are compared:
our best against the peers' best. Every finished row is kept in a JSON file; the page and its
picture are made from that. Peers that are not installed leave their rows empty.

    python benchmarks/performance.py --all --peers PYTHON [--programs BUILD] [--jars TARGET]
    python benchmarks/performance.py resnet50-1 bert-8 --peers PYTHON
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

from toolkit import deploy
from toolkit.deploy.consumers import deploy_info
from toolkit.deploy.measuring import machine
from toolkit.model_zoo import get_model, model_info
from toolkit.utils.cpu import usable_cores

import mxnet as mx
import numpy as np
from children import Child, clean, in_turns, summary
from performance_page import write_page
from performance_rows import MODELS, PEAKS, SIDE, Row, rows

HERE = Path(__file__).parent
STATE = HERE / "results" / "performance.json"
COLD = {
    "ours": "import numpy as n; from toolkit import deploy; r = deploy.load({path!r});"
    "r(n.zeros((1, 3, 224, 224), 'float32'))",
    "torch": "import torch, torchvision; net = torchvision.models.resnet50();"
    "net.load_state_dict(torch.load({path!r})); net.eval();"
    "torch.inference_mode()(net)(torch.zeros(1, 3, 224, 224))",
}


class Whole:
    """A candidate whose time is that of a process, from its start to its end."""

    def __init__(self, name: str, command: Sequence[str]) -> None:
        self.name, self.command, self.hello = name, list(command), {}

    def ask(self, _: str, times: str) -> dict[str, float]:
        start = time.perf_counter()
        for _ in range(int(times)):
            subprocess.run(self.command, check=True, capture_output=True, env=clean())
        return {"wall": 1e3 * (time.perf_counter() - start) / int(times)}

    def close(self) -> None:
        """Nothing is left running."""


class Program(Whole):
    """A candidate that times its own requests, and prints milliseconds."""

    def ask(self, _: str, times: str) -> dict[str, float]:
        command = [*self.command, "--requests", str(2 + int(times))]
        environment = clean(**deploy_info().environment)
        done = subprocess.run(command, check=True, capture_output=True, text=True, env=environment)
        return {"wall": float(np.median([float(x) for x in done.stdout.split()[2:]]))}


def prepare(folder: Path, models: Collection[str]) -> None:
    """Exports what the rows need, once."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(0)
    for short in models:
        name, path = MODELS[short][0], folder / short
        if all(path.with_name(f"{short}{end}").exists() for end in ("-8.npz", "-int8.onnx")):
            continue
        net = get_model(name)
        net.initialize(mx.init.Xavier(magnitude=2))
        for batch in (1, 16, 8):
            np.savez(folder / f"{short}-{batch}.part.npz", *inputs(name, batch, rng))
        with np.load(folder / f"{short}-1.part.npz") as file:
            example = tuple(file[key] for key in file.files)
        deploy.export(net, path, example)
        deploy.export_onnx(path, path)
        quantize(path, folder / f"{short}-int8", example)
        if hasattr(net, "network"):
            deploy.export(net.network, folder / f"{short}-raw", example)
            deploy.export_onnx(folder / f"{short}-raw", folder / f"{short}-raw")
        for batch in (1, 16, 8):
            (folder / f"{short}-{batch}.part.npz").rename(folder / f"{short}-{batch}.npz")


def quantize(path: Path, made: Path, example: tuple[np.ndarray, ...]) -> None:
    """All but the last layers in int8: stems, too, which `quantize` leaves in float by itself."""
    kept = deploy.quantize(path, made, [example]).kept
    deploy.quantize(path, made, [example], exclude=[name for name in kept if "stem" not in name])
    deploy.export_onnx(made, made)


def inputs(name: str, batch: int, rng: np.random.Generator) -> list[np.ndarray]:
    if model_info(name).domain == "text":
        ids = rng.integers(0, 30000, (batch, 128)).astype(np.float32)
        return [ids, np.zeros_like(ids), np.full(batch, 128, np.float32)]
    side = 512 if "512" in name else 224
    return [rng.normal(size=(batch, 3, side, side)).astype(np.float32)]


def start(name: str, spec: dict[str, Any], options: argparse.Namespace) -> Child | Whole | None:
    """A candidate, ready; None where what it needs was not given."""
    spec = dict(spec)
    by = spec.pop("by")
    for key in ("path", "inputs"):
        if key in spec:
            spec[key] = str((options.work / spec[key]).resolve())
    if by == "ours":
        plain = spec.pop("plain", False)
        steps = ("THREADS", "TUNING", "BLAS", "MALLOC", "AMX") if plain else ()
        environment = clean(**{f"TOOLKIT_RUNTIME_{step}": "0" for step in steps})
        command = [sys.executable, "-W", "ignore", str(HERE / "performance_ours.py")]
        return Child(name, [*command, json.dumps(spec)], environment)
    if by == "torch" and options.peers:
        environment = clean(THREADS=str(usable_cores()[0]))
        command = [options.peers, str(HERE / "performance_torch.py"), json.dumps(spec)]
        return Child(name, command, environment)
    if by in ("c++", "java") and getattr(options, "programs" if by == "c++" else "jars"):
        given = options.work / "given.npy"
        with np.load(spec["inputs"]) as file:
            np.save(given, file[file.files[0]])
        jars = ["-cp", f"{options.jars}/*:{options.jars}/lib/*", "toolkit.RunArrays"]
        program = ["java", *jars] if by == "java" else [options.programs / "run_arrays"]
        words = [*program, spec["path"], options.work / "out", given]
        return Program(name, [*map(str, words), "--latency"])
    if by == "whole" and (options.peers or "torch" not in spec["path"]):
        kind = "torch" if spec["path"].endswith("torch") else "ours"
        python = options.peers if kind == "torch" else sys.executable
        if kind == "torch" and not Path(spec["path"]).exists():
            code = "import torch, torchvision, sys; net = torchvision.models.resnet50();"
            code += "torch.save(net.state_dict(), sys.argv[1])"
            subprocess.run([python, "-c", code, spec["path"]], check=True)
        return Whole(name, [python, "-W", "ignore", "-c", COLD[kind].format(path=spec["path"])])
    return None


def measure(row: Row, options: argparse.Namespace) -> dict[str, Any]:
    """The times of all candidates of a row."""
    children = []
    try:
        for name, spec in {**row.ours, **row.peers}.items():
            try:
                child = start(name, spec, options)
            except RuntimeError as error:  # the others are worth their time
                print(error, flush=True)
                continue
            children += [child] if child else []
        times = in_turns(children, options.rounds)
    finally:
        for child in children:
            child.close()
    about = {key: value for child in children for key, value in child.hello.items()}
    return {"times": {name: summary(values) for name, values in times.items()}, "peers": about}


def peaks(options: argparse.Namespace) -> dict[str, float]:
    """Thousand million multiply-adds a second, by precision."""
    spec = {"by": "ours", "do": "peak", "side": SIDE}
    specs = {kind: {**spec, "precision": kind, "products": n} for kind, n in PEAKS.items()}
    children = [start(kind, spec, options) for kind, spec in specs.items()]
    times = in_turns(children, options.rounds)
    for child in children:
        child.close()
    return {kind: n * SIDE**3 / 1e6 / min(times[kind]) for kind, n in PEAKS.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    table = rows()
    parser.add_argument("rows", nargs="*", choices=[[], *table], metavar="ROW")
    parser.add_argument("--all", action="store_true", help=f"all of {', '.join(table)}")
    parser.add_argument("--peers", help="a Python with torch, torchvision and transformers")
    parser.add_argument("--programs", type=Path, help="where the C++ programs were built")
    parser.add_argument("--jars", type=Path, help="Maven's target folder of the Java programs")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--again", action="store_true", help="also what has been measured")
    parser.add_argument("--work", type=Path, default=Path("build/performance"))
    parser.add_argument("--state", type=Path, default=STATE, help="a file, named as its page is")
    options = parser.parse_args()
    state = json.loads(options.state.read_text()) if options.state.exists() else {"rows": {}}
    names = list(table) if options.all else options.rows
    names = [name for name in names if options.again or name not in state["rows"]]
    if names and ("peaks" not in state or (options.again and options.all)):
        state["peaks"] = peaks(options)
    for name in names:
        prepare(options.work, [table[name].model])
        try:
            found = measure(table[name], options)
        except (RuntimeError, subprocess.CalledProcessError) as error:
            print(f"{name}: {error}", flush=True)
            continue
        load = round(os.getloadavg()[0], 1)
        state["machine"] = {**state.get("machine", {}), **machine(), **found.pop("peers")}
        state["rows"][name] = {**found, "rounds": options.rounds, "load": load}
        options.state.parent.mkdir(parents=True, exist_ok=True)
        options.state.write_text(json.dumps(state, indent=1) + "\n", encoding="utf-8")
        print(name, {k: round(v["median"], 1) for k, v in found["times"].items()}, flush=True)
    write_page(table, state, options.state)


if __name__ == "__main__":
    main()

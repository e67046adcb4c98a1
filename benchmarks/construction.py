"""Time and memory of making each image classifier, ours and upstream's, in turn.

    make parity ARGS="--collect-only -q"          makes the environment that has both
    .venv-parity/bin/python benchmarks/construction.py [NAME...] [--repeat 3]

Each measurement is a process of its own: the network is built, initialized and run once on a
picture (upstream learns its shapes from the first input). Time is the processor's, so that other
work on the machine does not count; memory is the peak beyond that of the imports. The least of the
repetitions counts.
"""

from __future__ import annotations

import argparse
import builtins
import json
import os
import resource
import statistics
import subprocess
import sys
import time
import warnings

SIDES = {"inceptionv3": 299}


def side_of(name: str) -> int:
    """Of the picture: the usual one, since some of upstream's fit no other."""
    return SIDES.get(name, 32 if name.startswith("cifar") else 224)


def build(library: str, name: str):
    """The function that builds the network, imports done."""
    import toolkit  # prepares MXNet for both  # noqa: F401

    import numpy as np

    if library == "toolkit":
        from toolkit.model_zoo import get_model, list_models

        list_models()  # reads the catalogue, which upstream's import has done by now
        return lambda: get_model(name)
    for alias in ("bool", "int", "float", "object"):
        if alias not in vars(np):
            setattr(np, alias, getattr(builtins, alias))
    warnings.simplefilter("ignore")
    import gluoncv

    options = {"use_aux": False} if name.startswith("nasnet") else {}
    return lambda: gluoncv.model_zoo.get_model(name, pretrained=False, **options)


def child(library: str, name: str) -> None:
    make = build(library, name)
    import mxnet as mx

    mx.nd.zeros((1,)).wait_to_read()
    before, start = resource.getrusage(resource.RUSAGE_SELF), time.process_time()
    net = make()
    built = time.process_time() - start
    net.initialize()
    net(mx.nd.zeros((1, 3, side_of(name), side_of(name))))
    mx.nd.waitall()
    after = resource.getrusage(resource.RUSAGE_SELF)
    peak = (after.ru_maxrss - before.ru_maxrss) / 1024
    total = time.process_time() - start
    print(json.dumps({"build": built, "first run": total, "memory": peak}))


def measure(library: str, name: str) -> dict[str, float]:
    command = [sys.executable, __file__, "--child", library, name]
    done = subprocess.run(
        command,
        check=True,
        capture_output=True,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    return json.loads(done.stdout.strip().splitlines()[-1])


def compare(name: str, repeat: int) -> dict[str, tuple[float, float]]:
    """The least of each quantity, ours and upstream's."""
    runs: dict[str, list[dict[str, float]]] = {"toolkit": [], "gluoncv": []}
    for _ in range(repeat):
        for library, found in runs.items():
            found.append(measure(library, name))
    return {
        key: tuple(min(run[key] for run in found) for found in runs.values())
        for key in ("build", "first run", "memory")
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*")
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--child", nargs=2, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.child:
        child(*args.child)
        return
    from toolkit.model_zoo import list_models, model_info

    every = list_models(task="image_classifier", domain="vision")
    names = args.names or [n for n in every if model_info(n).precision == "fp32"]
    ratios: dict[str, list[float]] = {}
    print("| name | build, ms | to the end of the first run, ms | peak memory, MB |")
    print("|---|---|---|---|")
    for name in names:
        found = compare(name, args.repeat)
        cells = []
        for key, scale in (("build", 1e3), ("first run", 1e3), ("memory", 1)):
            ours, theirs = (value * scale for value in found[key])
            ratios.setdefault(key, []).append(ours / theirs)
            cells.append(f"{ours:.0f} / {theirs:.0f} = {ours / theirs:.2f}x")
        print(f"| `{name}` | " + " | ".join(cells) + " |", flush=True)
    for key, values in ratios.items():
        print(f"{key}: median {statistics.median(values):.2f}x, worst {max(values):.2f}x")


if __name__ == "__main__":
    main()

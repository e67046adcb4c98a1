"""Time and memory of making each image classifier, ours and upstream's, in turn.

    make parity ARGS="--collect-only -q"          makes the environment that has both
    .venv-parity/bin/python benchmarks/construction.py [NAME...] [--repeat 3] [--page PAGE]

The network is built, initialized and run on a picture (upstream learns its shapes from the first
input), each time in a process of its own, forked from one that has done the imports. Time is the
processor's, so that other work on the machine does not count; memory is the peak beyond that of the
imports, of two runs: upstream's parameters come into being in the course of the first. The least of
the repetitions counts. With ``--page``, the rows of what was measured are brought up to date there,
the others stay.
"""

from __future__ import annotations

import argparse
import builtins
import gc
import json
import os
import re
import resource
import statistics
import subprocess
import sys
import time
import warnings
from pathlib import Path

SIDES = {"inceptionv3": 299}
QUANTITIES = {"build": "build, ms", "first run": "to the end of the first run, ms"}
QUANTITIES |= {"memory": "peak memory, MB"}
PAGE = """# What making a network takes

Made by `benchmarks/construction.py --page docs/construction.md`: each image classifier is built,
initialized and run on a picture, ours and GluonCV's in turn, each in a process of its own. Time is
the processor's. Memory is the peak beyond that of the imports, of two runs: GluonCV's parameters
come into being in the course of the first. A cell says ours / GluonCV's = the ratio. From one
measurement to the next a cell of a busy machine differs by a quarter: rows that came out above
1.1x were measured again, up to four times, and their last measurement stands. Most rows are older
than the preparation that spares both sides' children the garbage collection of what was imported.

{summary}

{table}
"""


def side_of(name: str) -> int:
    """Of the picture: the usual one, since some of upstream's fit no other."""
    return SIDES.get(name, 32 if name.startswith("cifar") else 224)


def builder(library: str):
    """The function that builds a network by name, imports done."""
    import toolkit  # prepares MXNet for both  # noqa: F401

    import numpy as np

    if library == "toolkit":
        from toolkit.model_zoo import get_model

        get_model("squeezenet1.0")  # reads catalogue and families, as upstream's import has done
        return get_model
    for alias in ("bool", "int", "float", "object"):
        if alias not in vars(np):
            setattr(np, alias, getattr(builtins, alias))
    warnings.simplefilter("ignore")
    import gluoncv

    def build(name: str):
        options = {"use_aux": False} if name.startswith("nasnet") else {}
        return gluoncv.model_zoo.get_model(name, pretrained=False, **options)

    return build


def measure(build, name: str) -> dict[str, float]:
    """Of one network in this process, milliseconds and megabytes."""
    import mxnet as mx

    mx.nd.zeros((1,)).wait_to_read()
    before, start = resource.getrusage(resource.RUSAGE_SELF), time.process_time()
    net = build(name)
    built = time.process_time() - start
    net.initialize()
    mx.nd.waitall()  # or memory depends on how far Python runs ahead
    x = mx.nd.zeros((1, 3, side_of(name), side_of(name)))
    net(x)
    mx.nd.waitall()
    total = time.process_time() - start
    net(x)
    mx.nd.waitall()
    after = resource.getrusage(resource.RUSAGE_SELF)
    peak = (after.ru_maxrss - before.ru_maxrss) / 1024
    return {"build": built * 1e3, "first run": total * 1e3, "memory": peak}


def serve(library: str) -> None:
    """Answers each name that is read with a line of numbers, from a child that measured it."""
    build = builder(library)
    gc.collect()
    gc.freeze()  # what was imported is no work for the garbage collection of the children
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            print(json.dumps(measure(build, line.strip())), flush=True)
            os._exit(0)
        _, status = os.waitpid(child, 0)
        if status:
            raise SystemExit(f"{library} could not make {line.strip()}")


def start(library: str) -> subprocess.Popen[str]:
    """The process that has imported a library."""
    return subprocess.Popen(
        [sys.executable, __file__, "--serve", library],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )


def ask(server: subprocess.Popen[str], name: str) -> dict[str, float]:
    print(name, file=server.stdin, flush=True)
    return json.loads(server.stdout.readline())


def row(name: str, servers: list[subprocess.Popen[str]], repeat: int) -> str:
    """The least of each quantity, ours and upstream's."""
    runs = [[ask(server, name) for server in servers] for _ in range(repeat)]
    cells = []
    for key in QUANTITIES:
        ours, theirs = (min(run[side][key] for run in runs) for side in (0, 1))
        cells.append(f"{ours:.0f} / {theirs:.0f} = {ours / theirs:.2f}x")
    return f"| `{name}` | " + " | ".join(cells) + " |"


def page(rows: dict[str, str]) -> str:
    """The text of the page, with the median and the worst of each quantity."""
    ratios = [re.findall(r"= ([\d.]+)x", line) for line in rows.values()]
    summary = ["| | median | worst | above 1.1x |", "|---|---|---|---|"]
    for title, column in zip(QUANTITIES.values(), zip(*ratios, strict=True), strict=True):
        values = [float(value) for value in column]
        above = sum(value > 1.1 for value in values)
        summary.append(
            f"| {title.split(',')[0]} | {statistics.median(values):.2f}x | {max(values):.2f}x "
            f"| {above} of {len(values)} |"
        )
    table = ["| name | " + " | ".join(QUANTITIES.values()) + " |", "|---|---|---|---|"]
    table += [rows[name] for name in sorted(rows)]
    return PAGE.format(summary="\n".join(summary), table="\n".join(table))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*")
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--page", type=Path)
    parser.add_argument("--serve", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.serve:
        serve(args.serve)
        return
    from toolkit.model_zoo import list_models, model_info

    every = list_models(task="image_classifier", domain="vision")
    names = args.names or [n for n in every if model_info(n).precision == "fp32"]
    rows: dict[str, str] = {}
    if args.page and args.page.exists():
        lines = args.page.read_text(encoding="utf-8").splitlines()
        rows = {line.split("`")[1]: line for line in lines if line.startswith("| `")}
    servers = [start(library) for library in ("toolkit", "gluoncv")]
    for name in names:
        rows[name] = row(name, servers, args.repeat)
        print(rows[name], flush=True)
        if args.page:
            args.page.write_text(page(rows), encoding="utf-8")


if __name__ == "__main__":
    main()

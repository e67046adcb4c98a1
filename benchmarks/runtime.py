"""What each step of `toolkit.utils.runtime` gains, and all together, over stock MXNet.

One child process a configuration runs throughout; the iterations of a workload go round the
children in turn, so that whatever else the machine does falls on all of them alike. Printed are
the median time of stock MXNet, and for each configuration the median of the rounds' ratios
(stock over it; above 1 is faster) and how far its results lie from stock's.

On a machine that others use as well, `--clock thread` times the busiest thread's own CPU time
instead of the wall: on an idle machine both agree, as the other threads wait for that one.

    python benchmarks/runtime.py [--workloads resnet50,bert] [--steps threads,all] [--json out.json]
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from children import Child, answer, clean, in_turns

STEPS = ("threads", "tuning", "blas", "malloc", "amx")
QUICK = ("dot", "batch_dot", "add", "gelu", "concat")
Run = Callable[[], list[Any]]  # one iteration; arrays to wait for and to compare


# ---------------------------------------------------------------- workloads (in the children)


def dot(mx: Any) -> Run:
    a, b = noise(mx, 1024, 768), noise(mx, 768, 768)
    return lambda: [mx.nd.dot(a, b)]


def batch_dot(mx: Any) -> Run:
    a, b = noise(mx, 96, 128, 64), noise(mx, 96, 128, 64)
    return lambda: [mx.nd.batch_dot(a, b, transpose_b=True)]


def add(mx: Any) -> Run:
    a, b = noise(mx, 1024, 3072), noise(mx, 1024, 3072)  # 12 MB each
    return lambda: [a + b]


def gelu(mx: Any) -> Run:
    a = noise(mx, 1024, 3072)
    return lambda: [mx.nd.LeakyReLU(a, act_type="gelu")]


def concat(mx: Any) -> Run:
    parts = [noise(mx, 16, 64, 32, 32) for _ in range(3)]  # 4 MB each
    return lambda: [mx.nd.concat(*parts, dim=1)]


def resnet50(mx: Any) -> Run:
    net, x = resnet(mx), noise(mx, 16, 3, 224, 224)
    net.hybridize()
    return lambda: [net(x)]


def resnet50_train(mx: Any) -> Run:
    net, x = resnet(mx), noise(mx, 16, 3, 224, 224)
    net.hybridize()
    return training(mx, net, lambda: net(x), mx.nd.arange(16))


def resnet50_int8(mx: Any) -> Run:
    net, x = resnet(mx), noise(mx, 16, 3, 224, 224)
    net.hybridize()
    net(x)
    examples = mx.gluon.data.ArrayDataset(x, mx.nd.arange(16))
    data = mx.gluon.data.DataLoader(examples, batch_size=16)
    quantize = mx.contrib.quantization.quantize_net
    options = {"calib_data": data, "num_calib_examples": 16, "ctx": mx.cpu()}
    net = quantize(net, calib_mode="naive", **options)
    net.hybridize(static_alloc=True, static_shape=True)
    return lambda: [net(x)]


def bert(mx: Any) -> Run:
    net = bert_base(mx.gluon)
    settle(mx, net)
    net.hybridize()
    tokens = mx.nd.array(np.random.RandomState(0).randint(0, 30522, (8, 128)))
    return lambda: [net(tokens)]


def lstm(mx: Any) -> Run:
    nn = mx.gluon.nn
    net = nn.HybridSequential(prefix="lstm_")
    net.add(nn.Embedding(10000, 650), mx.gluon.rnn.LSTM(650, 2), nn.Dense(10000, flatten=False))
    settle(mx, net)
    tokens = mx.nd.array(np.random.RandomState(0).randint(0, 10000, (35, 20)))
    return training(mx, net, lambda: net(tokens), tokens)


WORKLOADS = {
    **{"dot": dot, "batch_dot": batch_dot, "add": add, "gelu": gelu, "concat": concat},
    **{"resnet50": resnet50, "resnet50_train": resnet50_train, "resnet50_int8": resnet50_int8},
    **{"bert": bert, "lstm": lstm},
}


def noise(mx: Any, *shape: int) -> Any:
    return mx.nd.array(np.random.RandomState(len(shape)).randn(*shape))


def settle(mx: Any, net: Any) -> None:
    """The same parameters in every child: MXNet's own generator depends on the threads."""
    net.initialize(mx.init.Xavier())
    generator = np.random.RandomState(0)
    for param in net.collect_params().values():
        if param.name.endswith("weight") and 0 not in param.shape:
            fan_in = int(np.prod(param.shape[1:]))
            param.set_data(mx.nd.array(generator.randn(*param.shape) * (1.5 / fan_in) ** 0.5))


def resnet(mx: Any) -> Any:
    net = mx.gluon.model_zoo.vision.resnet50_v1()
    net.initialize()
    net(mx.nd.zeros((1, 3, 224, 224)))  # settles the deferred shapes
    settle(mx, net)
    return net


def training(mx: Any, net: Any, forward: Callable[[], Any], labels: Any) -> Run:
    forward()
    settle(mx, net)
    loss = mx.gluon.loss.SoftmaxCrossEntropyLoss()
    trainer = mx.gluon.Trainer(net.collect_params(), "sgd", {"learning_rate": 1e-3})
    last = [p for p in net.collect_params().values() if p.name.endswith("weight")][-1]

    def step() -> list[Any]:
        with mx.autograd.record():
            value = loss(forward().reshape((-1, last.shape[0])), labels.reshape((-1,)))
        value.backward()
        trainer.step(labels.size)
        return [value, last.grad()]

    return step


def bert_base(gluon: Any, layers: int = 12, units: int = 768, heads: int = 12) -> Any:
    nn = gluon.nn

    class Layer(gluon.HybridBlock):
        def __init__(self) -> None:
            super().__init__()
            self.qkv = nn.Dense(3 * units, flatten=False, in_units=units)
            self.proj = nn.Dense(units, flatten=False, in_units=units)
            self.up = nn.Dense(4 * units, flatten=False, in_units=units)
            self.down = nn.Dense(units, flatten=False, in_units=4 * units)
            self.norm1 = nn.LayerNorm(in_channels=units)
            self.norm2 = nn.LayerNorm(in_channels=units)

        def hybrid_forward(self, F: Any, x: Any) -> Any:
            parts = F.split(self.qkv(x), num_outputs=3, axis=-1)
            q, k, v = (
                F.reshape(
                    F.transpose(F.reshape(p, (0, 0, heads, -1)), (0, 2, 1, 3)), (-3, -2)
                )  # (N heads, T, U/heads)
                for p in parts
            )
            scores = F.softmax(F.batch_dot(q, k, transpose_b=True) / (units / heads) ** 0.5)
            mixed = F.reshape(F.batch_dot(scores, v), (-4, -1, heads, -2))
            x = self.norm1(x + self.proj(F.reshape(F.transpose(mixed, (0, 2, 1, 3)), (0, 0, -3))))
            return self.norm2(x + self.down(F.LeakyReLU(self.up(x), act_type="gelu")))

    net = nn.HybridSequential(prefix="bert_")
    net.add(nn.Embedding(30522, units), nn.LayerNorm(in_channels=units))
    net.add(*(Layer() for _ in range(layers)))
    return net


# ---------------------------------------------------------------- one child, one configuration


def child() -> None:
    """Answers commands on stdin: ``build NAME FILE`` (results to FILE), ``run TIMES``; JSON out."""
    import toolkit  # noqa: F401

    start = time.perf_counter()
    from toolkit.utils import runtime

    import mxnet as mx

    answer(seconds=time.perf_counter() - start, report=runtime.report().to_dict())
    run: Run = list
    for command, *arguments in map(str.split, sys.stdin):
        if command == "build":
            run = list  # frees the last workload first
            run = WORKLOADS[arguments[0]](mx)
            np.savez(arguments[1], *(array.asnumpy() for array in run()))
            run()
            answer()
        else:
            before, start = thread_times(), time.perf_counter()
            for _ in range(int(arguments[0])):
                for array in run():
                    array.wait_to_read()
                mx.nd.waitall()
            seconds = time.perf_counter() - start
            spent = (t - before.get(k, 0) for k, t in thread_times().items())
            times = {"wall": seconds, "thread": max(spent, default=0)}
            answer(**{clock: 1e3 * t / int(arguments[0]) for clock, t in times.items()})


def thread_times() -> dict[str, float]:
    """Seconds of CPU that each thread of this process has had (Linux)."""
    files = Path("/proc/self/task").glob("*/schedstat")
    return {file.parts[-2]: int(file.read_text().split()[0]) / 1e9 for file in files}


def launch(name: str) -> Child:
    """A process with some of the runtime's steps on."""
    on = {"stock": [], "all": [*STEPS]}.get(name, name.split("+"))
    off = {f"TOOLKIT_RUNTIME_{s.upper()}": "0" for s in STEPS if s not in on}
    command = [sys.executable, "-W", "ignore", __file__, "--child"]
    return Child(name, command, clean(**off))


# ---------------------------------------------------------------- the parent


def measure(
    children: list[Child], workload: str, repeat: int, folder: Path, clock: str
) -> dict[str, Any]:
    files = {c.name: folder / f"{c.name}.npz" for c in children}
    for c in children:
        c.ask("build", workload, str(files[c.name]))
    times = in_turns(children, repeat, clock)
    stock = times["stock"]
    return {
        name: {
            "ms": statistics.median(values),
            "ratio": statistics.median(s / v for s, v in zip(stock, values, strict=True)),
            "difference": difference(files["stock"], files[name]),
        }
        for name, values in times.items()
    }


def difference(expected: Path, got: Path) -> float:
    """The greatest difference, relative to the greatest value of its array."""
    with np.load(expected) as a, np.load(got) as b:
        return max(float(np.abs(a[k] - b[k]).max() / np.abs(a[k]).max()) for k in a.files)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--workloads", help=f"some of {','.join(WORKLOADS)}")
    steps_help = "configurations to time: steps, sums of steps (threads+tuning), all"
    parser.add_argument("--steps", default=",".join((*STEPS, "all")), help=steps_help)
    parser.add_argument("--repeat", type=int, help="rounds (default 15; 5 with --quick)")
    parser.add_argument("--clock", choices=("wall", "thread"), default="wall")
    parser.add_argument("--quick", action="store_true", help="the small operators only")
    parser.add_argument("--json", type=Path, help="a file for all figures")
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        child()
        return
    workloads = (options.workloads or ",".join(QUICK if options.quick else WORKLOADS)).split(",")
    steps = options.steps.split(",")
    parts = "+".join(steps).split("+")
    for given, known in ((workloads, WORKLOADS), (parts, (*STEPS, "all"))):
        if unknown := set(given) - set(known):
            parser.error(f"unknown {', '.join(sorted(unknown))}; there is {', '.join(known)}")
    children = [launch(name) for name in ("stock", *steps)]
    results = {}
    print(f"{'ratio to stock':16} {'stock ms':>9}" + "".join(f" {s:>8}" for s in steps), end="")
    print(f" {steps[-1] + ' ms':>10} {'difference':>11}")
    with tempfile.TemporaryDirectory() as folder:
        for workload in workloads:
            repeat = options.repeat or (5 if options.quick else 15)
            row = measure(children, workload, repeat, Path(folder), options.clock)
            results[workload] = row
            print(f"{workload:16} {row['stock']['ms']:9.2f}", end="")
            print("".join(f" {row[s]['ratio']:{max(8, len(s)) - 1}.2f}x" for s in steps), end="")
            print(f" {row[steps[-1]]['ms']:10.2f} {row[steps[-1]]['difference']:11.1e}", flush=True)
    if options.json:
        reports = {c.name: c.hello["report"] for c in children}
        options.json.write_text(json.dumps({"results": results, "reports": reports}, indent=1))
    for c in children:
        c.close()


if __name__ == "__main__":
    main()

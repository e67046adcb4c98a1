"""BERT-base on 8 texts of 128 tokens: this package against GluonNLP on MXNet as it comes.

    python benchmarks/bert.py --upstream .venv-parity/bin/python

Each side runs in a process of its own, so that each prepares MXNet its own way, and both are asked
by turns, so that what else the machine does hits both. Ratios are medians of pairs. Ours trains
as `fit` does, with quick gradients.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from contextlib import ExitStack, nullcontext
from typing import Any

ROWS, TOKENS, WORDS = 8, 128, 30522


def upstream_net() -> tuple[Any, Any, Any]:
    import numpy as np

    for name, value in {"bool": bool, "int": int, "float": float, "object": object}.items():
        if name not in vars(np):
            setattr(np, name, value)
    import gluonnlp
    import mxnet as mx

    words = gluonnlp.data.count_tokens(str(index) for index in range(WORDS))
    net, _ = gluonnlp.model.get_model(
        "bert_12_768_12",
        dataset_name=None,
        vocab=gluonnlp.vocab.BERTVocab(words, max_size=WORDS - 5),
        pretrained=False,
        use_decoder=False,
        use_classifier=False,
        use_pooler=False,
    )
    return net, mx, nullcontext()


def our_net() -> tuple[Any, Any, Any]:
    import toolkit  # noqa: F401  (prepares MXNet)
    from toolkit.model_zoo import get_model
    from toolkit.utils.training import quick_gradients

    import mxnet as mx  # isort: skip

    net = get_model("bert_12_768_12")
    return net, mx, quick_gradients(net, [mx.cpu()])


def serve(side: str) -> None:
    """Answers each line, ``forward`` or ``step``, with the seconds that it took."""
    net, mx, training = upstream_net() if side == "upstream" else our_net()
    net.initialize(mx.init.Normal(0.02))
    net.hybridize(static_alloc=True)
    tokens = mx.nd.random.randint(0, WORDS, (ROWS, TOKENS)).astype("float32")
    segments = mx.nd.zeros((ROWS, TOKENS))
    lengths = mx.nd.array([TOKENS - 8 * row for row in range(ROWS)])
    trainer = mx.gluon.Trainer(net.collect_params(), "adam", {"learning_rate": 1e-5})

    def forward() -> None:
        net(tokens, segments, lengths).wait_to_read()

    def step() -> None:
        with mx.autograd.record():
            loss = net(tokens, segments, lengths).square().mean()
        loss.backward()
        trainer.step(1)
        mx.nd.waitall()

    with ExitStack() as stack:
        for line in sys.stdin:
            what = line.strip()
            if what == "step" and training:
                training = stack.enter_context(training)  # from the first step on
            begin = time.perf_counter()
            {"forward": forward, "step": step}[what]()
            print(time.perf_counter() - begin, flush=True)


def ask(process: Any, what: str) -> float:
    process.stdin.write(f"{what}\n")
    process.stdin.flush()
    return float(process.stdout.readline())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--upstream", help="a Python that has GluonNLP")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument(
        "--what", nargs="+", choices=("forward", "step"), default=["forward", "step"]
    )
    parser.add_argument("--serve", choices=("ours", "upstream"), help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.serve:
        serve(args.serve)
        return
    if not args.upstream:
        parser.error("--upstream is missing: `make parity` makes .venv-parity/bin/python")
    env = {k: v for k, v in os.environ.items() if not k.startswith(("OMP_", "MXNET_", "OPENBLAS_"))}
    sides = {"ours": sys.executable, "upstream": args.upstream}
    processes = {
        side: subprocess.Popen(
            [python, __file__, "--serve", side],
            env=env, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )
        for side, python in sides.items()
    }  # fmt: skip
    for what in args.what:
        seconds: dict[str, list[float]] = {side: [] for side in processes}
        for index in range(args.rounds + 1):
            for side, process in processes.items():
                taken = ask(process, what)
                if index >= 1:
                    seconds[side].append(taken)
        pairs = zip(seconds["upstream"], seconds["ours"], strict=True)
        medians = {side: round(1000 * statistics.median(v), 1) for side, v in seconds.items()}
        ratio = statistics.median(theirs / ours for theirs, ours in pairs)
        print(json.dumps({"what": what, "ms": medians, "times_faster": round(ratio, 2)}))


if __name__ == "__main__":
    main()

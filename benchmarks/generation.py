"""Generation with the cache of keys and values against reading the whole text for each word.

    python benchmarks/generation.py [--model gpt2_117m] [--tokens 256] [--set layers=6 heads=6]
    python benchmarks/generation.py --lengths 32 256 [--rounds 5]

The first writes a text both ways. The second gives what the next word alone costs after so many
tokens, as medians of CPU seconds, in far less time.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable
from typing import Any

from toolkit.model_zoo import get_model
from toolkit.model_zoo.generation import generate

import mxnet as mx


def write_texts(net: Any, tokens: int) -> dict[str, Any]:
    start, seconds, cpu, texts = [[464, 3290, 318]], {}, {}, {}
    generate(net, start, max_tokens=3)
    for name, cached in (("cached", True), ("whole", False)):
        begin, busy = time.perf_counter(), time.process_time()
        texts[name] = generate(net, start, max_tokens=tokens, cached=cached)
        seconds[name] = round(time.perf_counter() - begin, 2)
        cpu[name] = round(time.process_time() - busy, 2)
    same = bool((texts["cached"] == texts["whole"]).all())
    ratios = [round(times["whole"] / times["cached"], 1) for times in (seconds, cpu)]
    result = {"seconds": seconds, "times_faster": ratios[0], "same_tokens": same}
    result |= {"cpu_seconds": cpu, "times_less_cpu": ratios[1]}
    return result | {"distinct_tokens": len(set(texts["cached"][0].tolist()))}


def cost(read: Callable[[], Any], rounds: int) -> float:
    read()
    taken = []
    for _ in range(rounds):
        begin = time.process_time()
        read()
        taken.append(time.process_time() - begin)
    return round(statistics.median(taken), 3)


def next_word(net: Any, length: int, rounds: int) -> dict[str, Any]:
    text = mx.nd.random.randint(0, net.vocab_size, (1, length))
    _, states = net.step(text[:, :-1])
    last = text[:, -1:]
    scores = [net.step(last, states)[0].asnumpy(), net.step(text)[0].asnumpy()]
    cached = cost(lambda: net.step(last, states)[0].wait_to_read(), rounds)
    whole = cost(lambda: net.step(text)[0].wait_to_read(), rounds)
    result = {"tokens": length, "cpu_seconds": {"cached": cached, "whole": whole}}
    result["times_less_cpu"] = round(whole / cached, 1)
    return result | {"same_word": bool(scores[0].argmax() == scores[1].argmax())}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="gpt2_117m")
    parser.add_argument("--tokens", type=int, default=256)
    parser.add_argument("--lengths", type=int, nargs="*", help="the next word after so many")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--set", nargs="*", default=[], help="fields of the config: layers=6")
    args = parser.parse_args()
    sizes = {key: int(value) for key, value in (field.split("=") for field in args.set)}
    mx.random.seed(0)
    net = get_model(args.model, **sizes)
    net.initialize(mx.init.Normal(0.05))
    for length in args.lengths or [0]:
        row = next_word(net, length, args.rounds) if length else write_texts(net, args.tokens)
        print(json.dumps({"model": args.model, **sizes, **row}), flush=True)


if __name__ == "__main__":
    main()

"""Generation with the cache of keys and values against reading the whole text for each word.

python benchmarks/generation.py [--model gpt2_117m] [--tokens 256] [--set layers=6 heads=6]
"""

from __future__ import annotations

import argparse
import json
import time

from toolkit.model_zoo import get_model
from toolkit.model_zoo.generation import generate

import mxnet as mx


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="gpt2_117m")
    parser.add_argument("--tokens", type=int, default=256)
    parser.add_argument("--set", nargs="*", default=[], help="fields of the config: layers=6")
    args = parser.parse_args()
    sizes = {key: int(value) for key, value in (field.split("=") for field in args.set)}
    mx.random.seed(0)
    net = get_model(args.model, **sizes)
    net.initialize(mx.init.Normal(0.05))
    start, seconds, cpu, texts = [[464, 3290, 318]], {}, {}, {}
    generate(net, start, max_tokens=3)
    for name, cached in (("cached", True), ("whole", False)):
        begin, busy = time.perf_counter(), time.process_time()
        texts[name] = generate(net, start, max_tokens=args.tokens, cached=cached)
        seconds[name] = round(time.perf_counter() - begin, 2)
        cpu[name] = round(time.process_time() - busy, 2)
    same = bool((texts["cached"] == texts["whole"]).all())
    ratios = [round(times["whole"] / times["cached"], 1) for times in (seconds, cpu)]
    distinct = len(set(texts["cached"][0].tolist()))
    result = {"seconds": seconds, "times_faster": ratios[0], "same_tokens": same}
    result |= {"cpu_seconds": cpu, "times_less_cpu": ratios[1]}
    print(json.dumps({"model": args.model, **sizes, **result, "distinct_tokens": distinct}))


if __name__ == "__main__":
    main()

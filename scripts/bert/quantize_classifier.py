"""Exports a fine-tuned classifier of texts, and makes its int8 form with the score of both.

    python scripts/bert/quantize_classifier.py DATA --task SST-2 --model minilm_6_384_12 \\
        --weights runs/sst2/model --out exported [--max-drop 0.01]

The weights' folder is the one that ``finetune_classifier.py`` leaves. ``exported/float`` and
``exported/int8`` begin the names of the two exports.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

from toolkit import deploy
from toolkit.data import DataLoader
from toolkit.data.samplers import spread_evenly
from toolkit.data.text.glue import Example
from toolkit.data.text.tokenizers import load_tokenizer
from toolkit.model_zoo import get_model
from toolkit.utils.metrics.text_pairs import MEASURES

import classifier_data
import numpy as np
from finetune_classifier import BATCHIFY, encode


def parse(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add = parser.add_argument
    add("data", type=Path)
    add("--task", choices=classifier_data.TASKS, default="SST-2")
    add("--model", default="bert_12_768_12")
    add("--weights", required=True, help="folder of weights and tokenizer")
    add("--max-length", type=int, default=128)
    add("--batch-size", type=int, default=32)
    add("--samples", type=int, default=320, help="training examples that give the ranges")
    add("--limit", type=int, help="use only so many examples of each split")
    add("--calibration", default="naive", help="naive or entropy")
    add("--max-drop", type=float, help="refuse a score that falls by more, such as 0.01")
    add("--out", type=Path, required=True)
    return parser.parse_args(arguments)


def main(args: argparse.Namespace) -> dict[str, object]:
    task = classifier_data.read_task(args.data, args.task, args.limit)
    tokenizer = load_tokenizer(args.weights)
    net = get_model(
        args.model, args.weights, task="text_classifier", classes=len(task.classes) or 1
    )

    def batches(examples: Sequence[Example]) -> list[tuple[tuple[np.ndarray, ...], np.ndarray]]:
        encoded = encode(examples, tokenizer, args.max_length)
        loader = DataLoader(encoded, args.batch_size, batchify=BATCHIFY)
        return [(tuple(inputs), labels) for *inputs, labels in loader.batches(0)]

    places = spread_evenly(len(task.train), args.samples)
    ranges = [inputs for inputs, _ in batches([task.train[place] for place in places])]
    measure = MEASURES[task.measures[0]]()
    args.out.mkdir(parents=True, exist_ok=True)
    deploy.export(net, args.out / "float", ranges[0])
    report = deploy.quantize(
        args.out / "float",
        args.out / "int8",
        ranges,
        calibration=args.calibration,
        score=deploy.metric_score(measure, batches(task.scored)),
        max_drop=args.max_drop,
    )
    found = {"task": args.task, "measure": measure.name, "calibration": report.calibration}
    found |= {"layers": report.int8, "before": report.before, "after": report.after}
    print(json.dumps(found))
    return found


if __name__ == "__main__":
    main(parse())

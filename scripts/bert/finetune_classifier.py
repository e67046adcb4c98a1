"""Fine-tunes an encoder on sentences or pairs of sentences: a task of GLUE, or TREC, by name.

    python scripts/bert/finetune_classifier.py DATA --task MRPC --model minilm_6_384_12 \\
        --weights path/to/folder --epochs 3 --out runs/mrpc

DATA holds one folder a task of GLUE, or the files of another data set as published; the weights'
folder holds the tokenizer's files, too. The dev set (the test set, where there is no other) is
scored after each epoch; the weights kept are those after the last one. ``--out`` gets
``predictions.tsv``, in GLUE's own format, and ``model``, a folder for ``toolkit predict``, besides
what every run leaves. ``--hand-in MRPC`` (for MNLI: ``MNLI-m MNLI-mm AX``) answers GLUE's test
files, too, as ``MRPC.tsv``, which is what its site takes.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from toolkit.data import DataLoader
from toolkit.data.batchify import Pad, Stack, Tuple
from toolkit.data.samplers import SortedBuckets
from toolkit.data.text.glue import TESTS, Example, read_glue_test
from toolkit.data.text.tokenizers import load_tokenizer
from toolkit.utils.metrics.text_pairs import MEASURES
from toolkit.utils.training import Evaluation, StepResult

import classifier_data
import mxnet as mx
import numpy as np
import tuning


def parse(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--task", choices=classifier_data.TASKS, default="MRPC")
    parser.add_argument("--hand-in", nargs="*", default=[], choices=list(TESTS), metavar="FILE")
    tuning.add_options(parser, epochs=3, learning_rate=5e-5, max_length=128)
    args = parser.parse_args(arguments)
    for name in args.hand_in:
        if (task := TESTS[name][0]) != args.task:
            parser.error(f"{name} is answered by a network for {task}, not {args.task}")
    return args


@dataclass(frozen=True)
class Encoded:
    """Tokens, segments, length and label of each example: arrays, made once."""

    samples: list[tuple[np.ndarray, np.ndarray, np.int32, np.float32]]

    def __len__(self) -> int:
        return len(self.samples)

    def __getitem__(self, index: int) -> tuple[np.ndarray, np.ndarray, np.int32, np.float32]:
        return self.samples[index]

    @property
    def lengths(self) -> list[int]:
        return [int(sample[2]) for sample in self.samples]


def encode(examples: Sequence[Example], tokenizer: object, max_length: int) -> Encoded:
    samples = []
    for example in examples:
        text = tokenizer.encode(
            example.first, example.second, max_length=max_length, truncate="longest"
        )
        ids, segments = np.array(text.ids, np.int32), np.array(text.segments, np.int32)
        samples.append((ids, segments, np.int32(len(ids)), np.float32(example.label)))
    return Encoded(samples)


BATCHIFY = Tuple(Pad(), Pad(), Stack(), Stack())


class Objective:
    """Cross-entropy over classes, or squares of differences where there are none."""

    def __init__(self, classes: int) -> None:
        self.loss = mx.gluon.loss.SoftmaxCELoss() if classes else mx.gluon.loss.L2Loss()

    def __call__(self, net: mx.gluon.Block, batch: tuple) -> StepResult:
        tokens, segments, lengths, labels = batch
        outputs = net(tokens, segments, lengths)
        return StepResult(self.loss(outputs, labels), labels=labels, outputs=outputs)


def write_predictions(
    path: Path, classes: Sequence[str], net: mx.gluon.Block, loader: DataLoader
) -> None:
    with path.open("w", encoding="utf-8") as file:
        file.write("index\tprediction\n")
        index = 0
        for tokens, segments, lengths, _ in loader.batches(0):
            inputs = [mx.nd.array(field, dtype="int32") for field in (tokens, segments, lengths)]
            for row in net(*inputs).asnumpy():
                answer = classes[int(row.argmax())] if classes else f"{row[0]:.3f}"
                file.write(f"{index}\t{answer}\n")
                index += 1


def main(args: argparse.Namespace) -> dict[str, float]:
    task = classifier_data.read_task(args.data, args.task, args.limit)
    tokenizer = load_tokenizer(args.tokenizer or args.weights)
    training, testing = (
        encode(examples, tokenizer, args.max_length) for examples in (task.train, task.scored)
    )
    net = tuning.open_net(args, "text_classifier", classes=len(task.classes) or 1)
    order = SortedBuckets(training.lengths, args.batch_size, seed=args.seed)
    batches = DataLoader(training, sampler=order, batchify=BATCHIFY, seed=args.seed)
    scoring = DataLoader(testing, args.batch_size, batchify=BATCHIFY)
    objective = Objective(len(task.classes))
    metrics = [MEASURES[name]() for name in task.measures]
    evaluation = Evaluation(scoring, forward=objective, metrics=metrics)
    run = tuning.tune(net, batches, args, forward=objective, callbacks=[evaluation])
    tuning.save_model(net, args, task.classes)
    write_predictions(args.out / "predictions.tsv", task.classes, net, scoring)
    for name in args.hand_in:
        texts = [(*row, None)[:2] for row in read_glue_test(args.data, name)]
        unseen = [Example(first, second, label=0.0) for first, second in texts]
        encoded = encode(unseen, tokenizer, args.max_length)
        loader = DataLoader(encoded, args.batch_size, batchify=BATCHIFY)
        write_predictions(args.out / f"{name}.tsv", task.classes, net, loader)
    scores = {name: float(run.values[f"val_{name}"]) for name in task.measures}
    print(json.dumps({"task": args.task, "seed": args.seed, **scores}))
    return scores


if __name__ == "__main__":
    main(parse())

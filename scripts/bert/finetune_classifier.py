"""Fine-tunes an encoder on a task of GLUE.

    python scripts/bert/finetune_classifier.py DATA --task MRPC --model minilm_6_384_12 \\
        --weights path/to/folder --epochs 3 --out runs/mrpc

DATA holds one folder a task; the weights' folder holds the tokenizer's files, too. The dev set is
scored after each epoch; the weights kept are those after the last one. ``--out`` gets
``dev_predictions.tsv``, in GLUE's own format, besides what every run leaves.
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
from toolkit.data.text.glue import GLUE, Example, read_glue
from toolkit.data.text.tokenizers import load_tokenizer
from toolkit.model_zoo import get_model
from toolkit.utils.metrics.text_pairs import MEASURES
from toolkit.utils.training import (
    Checkpoints,
    Evaluation,
    Group,
    JsonLog,
    Linear,
    Optimization,
    Progress,
    RunRecord,
    Setup,
    StepResult,
    WarmUp,
    fit,
)

import mxnet as mx
import numpy as np


def parse(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--task", choices=list(GLUE), default="MRPC")
    parser.add_argument("--model", default="bert_12_768_12")
    parser.add_argument("--weights", help="a folder, a file, or a published data set")
    parser.add_argument("--tokenizer", help="default: the folder of the weights")
    parser.add_argument("--max-length", type=int, default=128)
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--accumulate", type=int, default=1)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--learning-rate", type=float, default=5e-5)
    parser.add_argument("--warm-up", type=float, default=0.1, help="share of all updates")
    parser.add_argument("--layer-decay", type=float, default=1.0)
    parser.add_argument("--precision", default="float32")
    parser.add_argument("--limit", type=int, help="use only so many examples of each split")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, required=True)
    return parser.parse_args(arguments)


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


def layer_groups(layers: int, decay: float) -> tuple[Group, ...]:
    """Lower layers learn more slowly: by ``decay`` for each layer between them and the head."""
    if decay == 1:
        return ()
    rows = [(rf"encoder\.layers\.{k}\.", layers - k) for k in range(layers)]
    rows.append((r"encoder\.embeddings\.", layers + 1))
    return tuple(Group(pattern, learning_rate=decay**power) for pattern, power in rows)


def write_predictions(path: Path, task: str, net: mx.gluon.Block, loader: DataLoader) -> None:
    classes = GLUE[task].classes
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
    task = GLUE[args.task]
    tokenizer = load_tokenizer(args.tokenizer or args.weights)
    training, testing = (
        encode(read_glue(args.data, args.task, split)[: args.limit], tokenizer, args.max_length)
        for split in ("train", "dev")
    )
    mx.random.seed(args.seed)
    net = get_model(
        args.model, args.weights or False, task="text_classifier", classes=len(task.classes) or 1
    )
    if not args.weights:
        net.initialize(mx.init.Normal(0.02))
    net.hybridize()
    order = SortedBuckets(training.lengths, args.batch_size, seed=args.seed)
    batches = DataLoader(training, sampler=order, batchify=BATCHIFY, seed=args.seed)
    scoring = DataLoader(testing, args.batch_size, batchify=BATCHIFY)
    updates = args.epochs * -(-len(batches) // args.accumulate)
    warm_up = max(1, round(args.warm_up * updates))
    objective = Objective(len(task.classes))
    optimization = Optimization(
        "adamw",
        WarmUp(Linear(args.learning_rate, updates - warm_up), warm_up),
        options={"epsilon": 1e-8},
        weight_decay=0.01,
        groups=layer_groups(net.encoder.config.layers, args.layer_decay),
        clip_norm=1.0,
        accumulate=args.accumulate,
        precision=args.precision,
    )
    metrics = [MEASURES[name]() for name in task.measures]
    evaluation = Evaluation(scoring, forward=objective, metrics=metrics)
    config = {key: str(value) for key, value in vars(args).items()}
    run = fit(
        net,
        batches,
        forward=objective,
        optimization=optimization,
        epochs=args.epochs,
        callbacks=[evaluation, Progress(), JsonLog(), RunRecord()],
        setup=Setup(seed=args.seed, folder=args.out, checkpoints=Checkpoints(), config=config),
    )
    net.save_parameters(str(args.out / "final.params"))
    write_predictions(args.out / "dev_predictions.tsv", args.task, net, scoring)
    scores = {name: float(run.values[f"val_{name}"]) for name in task.measures}
    print(json.dumps({"task": args.task, "seed": args.seed, **scores}))
    return scores


if __name__ == "__main__":
    main(parse())

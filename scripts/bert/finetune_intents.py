"""Fine-tunes an encoder to tell what a sentence wants, and which of its words say the details.

    python scripts/bert/finetune_intents.py DATA --data-set ATIS --model minilm_6_384_12 \\
        --weights path/to/folder --out runs/atis

DATA holds the folders ``train``, ``dev`` and ``test``. Intents and slots are learned together, by
the sum of their losses. Scores are the accuracy of intents, the F1 of slots as entities, and the
share of sentences in which everything is right. ``--out`` gets ``intents.txt``, ``slots.txt`` and
``predictions.tsv``.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

from toolkit.data.text.datasets import load_dataset
from toolkit.data.text.tokenizers import load_tokenizer
from toolkit.utils.files import atomic_write
from toolkit.utils.metrics.entities import OUTSIDE, EntityScores
from toolkit.utils.training import StepResult

import mxnet as mx
import tagging
import tuning

Sample = tuple[Sequence[str], Sequence[str], str]  # words, slots, intent


def parse(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--data-set", choices=("ATIS", "SNIPS"), default="ATIS")
    parser.add_argument("--split", choices=("dev", "test"), default="test")
    tuning.add_options(parser, epochs=5, learning_rate=1e-4, max_length=64)
    return parser.parse_args(arguments)


def objective(net: mx.gluon.Block, batch: tuple) -> StepResult:
    tokens, segments, lengths, tags, kinds = batch
    intents, slots = net(tokens, segments, lengths)
    return StepResult(tagging.LOSS(intents, kinds) + tagging.LOSS(slots, tags))


def score(samples: Sequence[Sample], predicted: Sequence[Sample]) -> dict[str, float]:
    slots = EntityScores()
    slots.update([own for _, own, _ in samples], [own for _, own, _ in predicted])
    pairs = list(zip(samples, predicted, strict=True))
    right = sum(one[2] == other[2] for one, other in pairs)
    whole = sum(one[1:] == other[1:] for one, other in pairs)
    return {
        "intent_accuracy": right / len(pairs),
        "slot_f1": slots.get()["entity_f1"],
        "whole": whole / len(pairs),
    }


def write_predictions(path: Path, predicted: Sequence[Sample]) -> None:
    with atomic_write(path, "w") as file:
        for words, slots, intent in predicted:
            file.write(f"{intent}\t{' '.join(slots)}\t{' '.join(words)}\n")


def main(args: argparse.Namespace) -> dict[str, float]:
    training, testing = (
        list(load_dataset(args.data_set, split, root=args.data))[: args.limit]
        for split in ("train", args.split)
    )
    intents = sorted({intent for _, _, intent in training})
    tags = sorted({tag for _, own, _ in training for tag in own} | {OUTSIDE})
    known = tagging.numbers(intents)
    tokenizer = load_tokenizer(args.tokenizer or args.weights)
    train, test = (
        tagging.encode(
            # An intent that was never trained cannot be right; its number serves no score.
            [(words, own, known.get(intent, 0)) for words, own, intent in part],
            tags,
            tokenizer,
            args.max_length,
        )
        for part in (training, testing)
    )
    net = tuning.open_net(args, "intent_slots", classes=len(intents), slots=len(tags))
    tuning.tune(net, train.batches(args.batch_size, args.seed), args, forward=objective)
    outputs = tagging.predict_scores(net, test, args.batch_size)
    found = tagging.word_tags(test, [slots for _, slots in outputs], tags)
    predicted = [
        (sample[0], own, intents[int(kinds.argmax())])
        for sample, own, (kinds, _) in zip(testing, found, outputs, strict=True)
    ]
    write_predictions(args.out / "predictions.tsv", predicted)
    tuning.write_lines(args.out / "intents.txt", intents)
    tuning.write_lines(args.out / "slots.txt", tags)
    scores = score(testing, predicted)
    print(json.dumps({"data": args.data_set, "seed": args.seed, **scores}))
    return scores


if __name__ == "__main__":
    main(parse())

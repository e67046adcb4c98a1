"""Trains an encoder from nothing on plain text: hidden words and following sentences.

    python scripts/bert/pretrain.py TEXT... --tokenizer path/to/vocab.txt --model bert_12_768_12 \\
        --updates 100000 --out runs/pretrained

TEXT are UTF-8 files, packed ones in ``.gz``, with a sentence a line and an empty line between
documents. They are read anew for each pass and never held in memory. ``--set layers=2 units=128``
makes another size. ``--out`` gets ``model``, a folder that the scripts here and ``transformers``
load. The same command goes on with a run that was broken off.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

from toolkit.data.text.pretraining import IGNORED, Masking, PretrainingBatches, Specials
from toolkit.data.text.streams import LineStream
from toolkit.data.text.tokenizers import Tokenizer, load_tokenizer
from toolkit.loss import SoftmaxCrossEntropyLoss
from toolkit.model_zoo import get_model
from toolkit.utils.training import Evaluation, StepResult

import mxnet as mx
import tuning

WORDS, NEXT = SoftmaxCrossEntropyLoss(ignore=IGNORED), SoftmaxCrossEntropyLoss()


def parse(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("texts", nargs="+", type=Path)
    parser.add_argument("--test", type=Path, nargs="+", help="texts to score after each epoch")
    parser.add_argument("--epoch-updates", type=int, default=1000, help="updates of an epoch")
    parser.add_argument("--set", nargs="*", default=[], help="fields of the config: layers=2")
    parser.add_argument("--window", type=int, default=100, help="documents in memory")
    parser.add_argument("--most-hidden", type=int, default=20, help="words of a sample")
    tuning.add_options(parser, epochs=1, learning_rate=1e-4, max_length=128)
    args = parser.parse_args(arguments)
    if not (args.tokenizer or args.weights):
        parser.error("nothing says how texts are cut: --tokenizer or --weights")
    return args


def specials(tokenizer: Tokenizer) -> Specials:
    first, separator = tokenizer.encode("").ids
    vocab = tokenizer.vocab
    return Specials(first, separator, vocab[vocab.mask_token], range(len(vocab)))


def objective(net: mx.gluon.Block, batch: tuple) -> StepResult:
    tokens, segments, lengths, places, hidden, follows = batch
    words, following = net(tokens, segments, lengths, places)
    loss = WORDS(words, hidden) + NEXT(following, follows)
    return StepResult(loss, labels=(hidden, follows), outputs=(words, following))


class Shares:
    """How many hidden words were found, and how many pairs were told apart."""

    name = "shares"

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        self.counts = {"words": [0, 0], "following": [0, 0]}

    def update(self, labels: tuple, outputs: tuple) -> None:
        for count, wanted, found in zip(self.counts.values(), labels, outputs, strict=True):
            wanted, found = wanted.asnumpy(), found.asnumpy().argmax(-1)
            count[0] += int((wanted == found).sum())
            count[1] += int((wanted != IGNORED).sum())

    def get(self) -> dict[str, float]:
        return {name: right / max(1, total) for name, (right, total) in self.counts.items()}


def batches(
    texts: Sequence[Path], tokenizer: Tokenizer, args: argparse.Namespace, length: int
) -> PretrainingBatches:
    return PretrainingBatches(
        LineStream(texts),
        lambda line: tokenizer.encode_ids([line], special=False)[0],
        specials(tokenizer),
        length,
        batch_size=args.batch_size,
        max_length=args.max_length,
        window=args.window,
        masking=Masking(most=args.most_hidden),
        seed=args.seed,
    )


def open_net(args: argparse.Namespace, words: int) -> mx.gluon.HybridBlock:
    sizes = {key: int(value) for key, value in (field.split("=") for field in args.set)}
    mx.random.seed(args.seed)
    if not args.weights:
        sizes["vocab_size"] = words
    net = get_model(args.model, args.weights or False, task="language_pretraining", **sizes)
    if not args.weights:
        net.initialize(mx.init.Normal(0.02))
    net.hybridize()
    return net


def main(args: argparse.Namespace) -> dict[str, float]:
    tokenizer = load_tokenizer(args.tokenizer or args.weights)
    net = open_net(args, len(tokenizer.vocab))
    callbacks = []
    if args.test:
        scoring = batches(args.test, tokenizer, args, 10)
        callbacks.append(Evaluation(scoring, forward=objective, metrics=[Shares()]))
    training = batches(args.texts, tokenizer, args, args.epoch_updates * args.accumulate)
    run = tuning.tune(net, training, args, forward=objective, callbacks=callbacks)
    tuning.save_model(net, args)
    values = {name: float(value) for name, value in run.values.items() if name.startswith("val_")}
    print(json.dumps({"model": args.model, "seed": args.seed, "updates": run.step, **values}))
    return values


if __name__ == "__main__":
    main(parse())

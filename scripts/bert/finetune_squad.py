"""Fine-tunes an encoder to answer questions from a text, and writes its answers.

    python scripts/bert/finetune_squad.py --train train-v1.1.json --test dev-v1.1.json \\
        --model minilm_6_384_12 --weights path/to/folder --out runs/squad

Files are in SQuAD's JSON, of version 1.1 or 2.0 (XQuAD and others use it, too). Without ``--train``
the weights answer as they are. Long contexts are cut into overlapping windows; answers are chosen
over all windows of a question. Where the test file has questions without answers, "" is answered
when that scores better than the best answer by ``--null-threshold``, and the best threshold for
this file is reported. ``--out`` gets, in the official formats, ``predictions.json``,
``nbest_predictions.json`` and ``null_odds.json``, and after training ``model``, a folder for
``toolkit predict``.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

from toolkit.data import DataLoader
from toolkit.data.batchify import Pad, Stack, Tuple
from toolkit.data.samplers import SortedBuckets
from toolkit.data.text.datasets.questions import Question, read_squad
from toolkit.data.text.passages import Passage, cut_passage
from toolkit.data.text.tokenizers import load_tokenizer
from toolkit.model_zoo.tasks.answer_spans import Scores, Span, best_spans
from toolkit.utils.files import atomic_write
from toolkit.utils.metrics.squad import best_threshold, score_answers
from toolkit.utils.training import StepResult

import mxnet as mx
import numpy as np
import tuning

BATCHIFY = Tuple(Pad(), Pad(), Stack(), Stack(), Stack())
LOSS = mx.gluon.loss.SoftmaxCELoss()


def parse(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--train", type=Path)
    parser.add_argument("--test", type=Path, required=True)
    parser.add_argument("--stride", type=int, default=128)
    parser.add_argument("--question-length", type=int, default=64)
    parser.add_argument("--answer-length", type=int, default=30)
    parser.add_argument("--answers", type=int, default=20, help="in the list of the best")
    parser.add_argument("--null-threshold", type=float, default=0.0)
    tuning.add_options(parser, epochs=2, learning_rate=5e-5, max_length=384)
    return parser.parse_args(arguments)


def cut(questions: Sequence[Question], tokenizer: object, args: argparse.Namespace) -> list:
    return [
        cut_passage(
            one.question,
            one.context,
            tokenizer,
            length=args.max_length,
            stride=args.stride,
            question_length=args.question_length,
        )
        for one in questions
    ]


def samples(questions: Sequence[Question], passages: Sequence[Passage]) -> list[tuple]:
    """A sample a window; where it does not hold the answer, the first token is the answer."""
    rows = []
    for one, passage in zip(questions, passages, strict=True):
        for window in passage.windows:
            ends = (0, 0)
            if one.answers and not one.impossible:
                ends = passage.find(window, one.answers[0].start, one.answers[0].text)
            ids, segments = window.tokens.astype(np.int32), window.segments.astype(np.int32)
            rows.append((ids, segments, np.int32(len(ids)), *map(np.float32, ends)))
    return rows


def objective(net: mx.gluon.Block, batch: tuple) -> StepResult:
    tokens, segments, lengths, firsts, lasts = batch
    starts, ends = net(tokens, segments, lengths)
    return StepResult((LOSS(starts, firsts) + LOSS(ends, lasts)) / 2)


def answer(
    net: mx.gluon.Block,
    rows: Sequence[tuple],
    passages: Sequence[Passage],
    args: argparse.Namespace,
) -> list[tuple[list[Span], float]]:
    """For each question the best spans, and the score of having no answer."""
    outputs = []
    for tokens, segments, lengths, *_ in DataLoader(
        rows, args.batch_size, batchify=BATCHIFY
    ).batches(0):
        inputs = [mx.nd.array(field, dtype="int32") for field in (tokens, segments, lengths)]
        starts, ends = net(*inputs)
        mx.nd.waitall()
        outputs += zip(starts.asnumpy(), ends.asnumpy(), strict=True)
    given = iter(outputs)
    found = []
    for passage in passages:
        scores = []
        for window in passage.windows:
            starts, ends = (array[: len(window.tokens)] for array in next(given))
            scores.append(Scores(starts, ends, window.places, window.central))
        found.append(best_spans(scores, count=args.answers, max_tokens=args.answer_length))
    return found


def write(
    folder: Path,
    questions: Sequence[Question],
    passages: Sequence[Passage],
    found: Sequence[tuple[list[Span], float]],
    threshold: float | None,
) -> tuple[dict[str, str], dict[str, str], dict[str, float]]:
    """Writes the files; returns answers, those that are not empty, and odds of having none."""
    answers, best, odds, lists = {}, {}, {}, {}
    for one, passage, (spans, null) in zip(questions, passages, found, strict=True):
        texts = [passage.text(span.first, span.last) for span in spans]
        lists[one.id] = [
            {"text": text, "probability": span.prob, "score": span.score}
            for text, span in zip(texts, spans, strict=True)
        ]
        best[one.id] = texts[0] if texts else ""
        odds[one.id] = null - spans[0].score if spans else 0.0
        none = threshold is not None and odds[one.id] > threshold
        answers[one.id] = "" if none else best[one.id]
    for name, content in (
        ("predictions", answers),
        ("nbest_predictions", lists),
        ("null_odds", odds),
    ):
        with atomic_write(folder / f"{name}.json", "w") as file:
            json.dump(content, file, ensure_ascii=False, indent=1)
    return answers, best, odds


def main(args: argparse.Namespace) -> dict[str, float]:
    tokenizer = load_tokenizer(args.tokenizer or args.weights)
    net = tuning.open_net(args, "question_answerer")
    args.out.mkdir(parents=True, exist_ok=True)
    if args.train:
        training = read_squad(args.train)[: args.limit]
        rows = samples(training, cut(training, tokenizer, args))
        order = SortedBuckets([len(row[0]) for row in rows], args.batch_size, seed=args.seed)
        batches = DataLoader(rows, sampler=order, batchify=BATCHIFY, seed=args.seed)
        tuning.tune(net, batches, args, forward=objective)
        tuning.save_model(net, args)
    testing = read_squad(args.test)[: args.limit]
    passages = cut(testing, tokenizer, args)
    found = answer(net, samples(testing, passages), passages, args)
    right = {q.id: [] if q.impossible else [a.text for a in q.answers] for q in testing}
    some_have_none = not all(right.values())
    threshold = args.null_threshold if some_have_none else None
    answers, best, odds = write(args.out, testing, passages, found, threshold)
    scores = score_answers(right, answers)
    if some_have_none:
        scores["best_threshold"], scores["best_f1"] = best_threshold(right, best, odds)
    print(json.dumps({"seed": args.seed, **scores}))
    return scores


if __name__ == "__main__":
    main(parse())

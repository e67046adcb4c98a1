"""Which text data sets there are."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from toolkit.data.text.datasets import classification, glue_tasks, sequences, translation, word_sets
from toolkit.data.text.datasets.corpora import sentences, whole
from toolkit.data.text.datasets.questions import squad
from toolkit.data.text.datasets.rows import TRAIN_VALID_TEST, TextSet, named, one

RUNNING = "language model"
WIKITEXT = "https://huggingface.co/datasets/Salesforce/wikitext"
LARGE = "http://mattmahoney.net/dc/textdata.html"


def _wiki(kind: str = "tokens") -> TextSet:
    own, short = (named(sentences, p, TRAIN_VALID_TEST) for p in (f"wiki.{{}}.{kind}", "{}.txt"))
    return TextSet(RUNNING, (own, short), WIKITEXT)


CORPORA = {
    "WikiText2": _wiki(),
    "WikiText103": _wiki(),
    "WikiText2Raw": _wiki("raw"),
    "WikiText103Raw": _wiki("raw"),
    "PTB": TextSet(
        RUNNING,
        (
            named(sentences, "ptb.{}.txt", TRAIN_VALID_TEST),
            named(sentences, "ptb.zip!ptb/ptb.{}.txt", TRAIN_VALID_TEST),
        ),
        "https://www.fit.vutbr.cz/~imikolov/rnnlm/",
        licence="the Penn Treebank belongs to the Linguistic Data Consortium",
    ),
    "Text8": TextSet(RUNNING, (one(whole, train="text8"),), LARGE),
    "Fil9": TextSet(RUNNING, (one(whole, train="fil9"),), LARGE),
    "Enwik8": TextSet(RUNNING, (named(whole, "{}.txt.raw", TRAIN_VALID_TEST),), LARGE),
    # Bytes as numbers with spaces between, and "\n" where a line ended.
    "Enwik8Bytes": TextSet(RUNNING, (named(sentences, "{}.txt", TRAIN_VALID_TEST),), LARGE),
}
QUESTIONS = {
    **{
        f"SQuAD{version}": TextSet(
            "question answering",
            (named(squad, f"{{}}-v{version}.json", ("train", "dev")),),
            "https://rajpurkar.github.io/SQuAD-explorer/",
        )
        for version in ("1.1", "2.0")
    },
    "XQuAD": TextSet(
        "question answering",
        (one(squad, test="xquad.en.json"), one(squad, test="xquad.en.dev30.json")),
        "https://github.com/google-deepmind/xquad",
    ),
}
DATASETS: Mapping[str, TextSet] = MappingProxyType(
    {
        **classification.SETS,
        **glue_tasks.SETS,
        **sequences.SETS,
        **CORPORA,
        **translation.SETS,
        **QUESTIONS,
        **word_sets.SETS,
    }
)

"""Which text data sets there are."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from toolkit.data.text.datasets import bats, classification, sequences, translation
from toolkit.data.text.datasets.corpora import sentences, whole
from toolkit.data.text.datasets.questions import squad
from toolkit.data.text.datasets.rows import TRAIN_VALID_TEST, Layout, TextSet, named, one, several
from toolkit.data.text.datasets.word_pairs import analogies, scored_pairs, word_pairs

RUNNING = "language model"
WIKITEXT = "https://huggingface.co/datasets/Salesforce/wikitext"
LARGE = "http://mattmahoney.net/dc/textdata.html"


def _wiki(kind: str = "tokens") -> TextSet:
    own, short = (named(sentences, p, TRAIN_VALID_TEST) for p in (f"wiki.{{}}.{kind}", "{}.txt"))
    return TextSet(RUNNING, (own, short), WIKITEXT)


def _similarity(source: str, read: object, *files: str) -> TextSet:
    return TextSet("word similarity", tuple(one(read, all=file) for file in files), source)  # type: ignore[arg-type]


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
FARUQUI = "https://github.com/mfaruqui/eval-word-vectors"
WORDS = {
    "WordSim353": _similarity(FARUQUI, word_pairs(), "EN-WS-353-ALL.txt"),
    "WordSim353-similarity": _similarity(
        FARUQUI, word_pairs(), "EN-WS-353-SIM.txt", "wordsim_similarity_goldstandard.txt"
    ),
    "WordSim353-relatedness": _similarity(
        FARUQUI, word_pairs(), "EN-WS-353-REL.txt", "wordsim_relatedness_goldstandard.txt"
    ),
    "SimLex999": TextSet(
        "word similarity",
        (
            one(word_pairs(columns=(0, 1, 3), header=True), all="SimLex-999.txt"),
            one(word_pairs(), all="EN-SIMLEX-999.txt"),
        ),
        "https://fh295.github.io/simlex.html",
    ),
    "SimVerb3500": _similarity(
        "https://github.com/cambridgeltl/simverb-3500",
        word_pairs(columns=(0, 1, 3)),
        "SimVerb-3500.txt",
    ),
    "MEN": _similarity(
        "https://staff.fnwi.uva.nl/e.bruni/MEN", word_pairs(), "MEN_dataset_natural_form_full"
    ),
    "RadinskyMTurk": _similarity(
        "http://www.kiraradinsky.com", word_pairs(separator=","), "Mtrk.csv"
    ),
    "RareWords": _similarity(
        "https://nlp.stanford.edu/~lmthang/morphoNLM/", word_pairs(), "rw.txt"
    ),
    "SemEval17Task2": TextSet(
        "word similarity",
        (several(scored_pairs, ("en.{}.data.txt", "en.{}.gold.txt"), trial="trial", test="test"),),
        "https://alt.qcri.org/semeval2017/task2/",
    ),
    "BakerVerb143": TextSet(
        "word similarity",
        (
            one(word_pairs(columns=(0, 1, 12)), all="verb_similarity dataset.txt"),
            one(word_pairs(), all="EN-VERB-143.txt"),
        ),
        "https://ie.technion.ac.il/~roiri/",
    ),
    "YangPowersVerb130": _similarity(FARUQUI, word_pairs(), "EN-YP-130.txt"),
    "BiggerAnalogy": TextSet(
        "word analogy",
        (Layout({"all": bats.FILES}, bats.read), Layout({"all": bats.IN_FOLDER}, bats.read)),
        "https://vecto.space/projects/BATS/",
    ),
    "GoogleAnalogy": TextSet(
        "word analogy",
        (one(analogies, all="questions-words.txt"),),
        "https://github.com/tmikolov/word2vec",
    ),
}
DATASETS: Mapping[str, TextSet] = MappingProxyType(
    {**classification.SETS, **sequences.SETS, **CORPORA, **translation.SETS, **QUESTIONS, **WORDS}
)

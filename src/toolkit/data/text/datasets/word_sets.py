"""Word similarities and analogies."""

from __future__ import annotations

from toolkit.data.text.datasets import bats
from toolkit.data.text.datasets.rows import Layout, TextSet, one, several
from toolkit.data.text.datasets.word_pairs import (
    analogies,
    lemma_pairs,
    merged_pairs,
    scored_pairs,
    word_pairs,
)

FARUQUI = "https://github.com/mfaruqui/eval-word-vectors"  # 13 sets in one form
AGIRRE = "https://aclanthology.org/N09-1003"
KINDS = {"similarity": "EN-WS-353-SIM.txt", "relatedness": "EN-WS-353-REL.txt"}
GOLD = {kind: f"wordsim_{kind}_goldstandard.txt" for kind in KINDS}
LEMMAS = {
    "full": "MEN_dataset_lemma_form_full",
    "dev": "MEN_dataset_lemma_form.dev",
    "test": "MEN_dataset_lemma_form.test",
}
VERBS = {"all": "SimVerb-3500.txt", "dev": "SimVerb-500-dev.txt", "test": "SimVerb-3000-test.txt"}


def _similarity(source: str, *layouts: Layout, home: str = "") -> TextSet:
    return TextSet("word similarity", layouts, source, home=home)


def _faruqui(file: str) -> Layout:
    return one(word_pairs(), all=file)


def _packed(archive: str, files: dict[str, str]) -> dict[str, str]:
    return {split: f"{archive}!*/{file}" for split, file in files.items()}


def _semeval(language: str) -> TextSet:
    """Task 2 of 2017, its first part."""
    own = [f"{language}.{{0}}.{kind}.txt" for kind in ("data", "gold")]
    inside = [
        f"semeval2017-task2.zip!SemEval17-Task2/{{0}}/subtask1-monolingual/{folder}/{file}"
        for folder, file in zip(("data", "keys"), own, strict=True)
    ]
    layouts = (several(scored_pairs, f, trial="trial", test="test") for f in (own, inside))
    return _similarity("https://alt.qcri.org/semeval2017/task2/", *layouts, home="SemEval17Task2")


SETS = {
    "WordSim353": _similarity(
        FARUQUI,
        _faruqui("EN-WS-353-ALL.txt"),
        Layout({"all": tuple(_packed("ws353simrel.tar.gz", GOLD).values())}, merged_pairs),
    ),
    **{
        f"WordSim353-{kind}": _similarity(
            AGIRRE,
            _faruqui(file),
            one(word_pairs(), all=GOLD[kind]),
            one(word_pairs(), all=f"ws353simrel.tar.gz!*/{GOLD[kind]}"),
            home="WordSim353",
        )
        for kind, file in KINDS.items()
    },
    "SimLex999": _similarity(
        "https://fh295.github.io/simlex.html",
        one(word_pairs(columns=(0, 1, 3), header=True), all="SimLex-999.txt"),
        one(word_pairs(columns=(0, 1, 3), header=True), all="SimLex-999.zip!*/SimLex-999.txt"),
        _faruqui("EN-SIMLEX-999.txt"),
    ),
    "SimVerb3500": _similarity(
        "https://github.com/cambridgeltl/simverb-3500",
        one(word_pairs(columns=(0, 1, 3)), **VERBS),
        one(word_pairs(columns=(0, 1, 3)), **_packed("D16-1235.Attachment.zip", VERBS)),
        _faruqui("EN-SimVerb-3500.txt"),
    ),
    # "all" are the words as they are written, the other splits their lemmas, as GluonNLP has them.
    "MEN": _similarity(
        "https://staff.fnwi.uva.nl/e.bruni/MEN",
        _faruqui("MEN_dataset_natural_form_full"),
        _faruqui("MEN.tar.gz!*/MEN_dataset_natural_form_full"),
        _faruqui("EN-MEN-TR-3k.txt"),
        one(lemma_pairs, **LEMMAS),
        one(lemma_pairs, **_packed("MEN.tar.gz", LEMMAS)),
    ),
    "RadinskyMTurk": _similarity(
        "http://www.kiraradinsky.com",
        one(word_pairs(separator=","), all="Mtruk.csv"),
        _faruqui("EN-MTurk-287.txt"),
    ),
    "RareWords": _similarity(
        "https://nlp.stanford.edu/~lmthang/morphoNLM/",
        _faruqui("rw.txt"),
        _faruqui("rw.zip!*/rw.txt"),
        _faruqui("EN-RW-STANFORD.txt"),
    ),
    "SemEval17Task2": _semeval("en"),
    **{f"SemEval17Task2-{language}": _semeval(language) for language in ("de", "es", "fa", "it")},
    "BakerVerb143": _similarity(
        "https://ie.technion.ac.il/~roiri/",
        one(word_pairs(columns=(0, 1, 12)), all="verb_similarity dataset.txt"),
        one(word_pairs(columns=(0, 1, 12)), all="EMNLP14.zip!*/verb_similarity dataset.txt"),
        _faruqui("EN-VERB-143.txt"),
    ),
    "YangPowersVerb130": _similarity(FARUQUI, _faruqui("EN-YP-130.txt")),
    "MillerCharles30": _similarity(FARUQUI, _faruqui("EN-MC-30.txt")),
    "RubensteinGoodenough65": _similarity(FARUQUI, _faruqui("EN-RG-65.txt")),
    "MTurk771": _similarity(FARUQUI, _faruqui("EN-MTurk-771.txt")),
    "BiggerAnalogy": TextSet(
        "word analogy",
        tuple(
            Layout({"all": tuple(start + file for file in bats.FILES)}, bats.read)
            for start in ("", "BATS_3.0/", "BATS_3.0.zip!BATS_3.0/")
        ),
        "https://vecto.space/projects/BATS/",
    ),
    "GoogleAnalogy": TextSet(
        "word analogy",
        (one(analogies, all="questions-words.txt"),),
        "https://github.com/tmikolov/word2vec",
    ),
}

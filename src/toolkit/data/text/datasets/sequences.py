"""Tagging, intents and slots, dependency trees."""

from __future__ import annotations

import csv
from importlib import resources

from toolkit.data.text.datasets.rows import TRAIN_DEV_TEST, Layout, TextSet, named, one, several
from toolkit.data.text.datasets.tagging import columns, intents_and_slots, side_by_side, trees

TASK = "tagging"
CONLL = "the texts belong to their publishers; the conference hands out the files"
DOCUMENT = "-DOCSTART-"
TESTS = ("train", "testa", "testb")
TREES = "https://universaldependencies.org"
CLIPS = "https://www.clips.uantwerpen.be/"
UD = "UD2.1"  # the set that all its treebanks are in


def _intents(source: str, archive: str) -> TextSet:
    """Intents and slots in three files, or in GluonNLP's archive."""
    packed = tuple(f"{archive}!*/{{}}_{kind}.txt" for kind in ("sentence", "tags", "intent"))
    layouts = tuple(
        several(intents_and_slots, files, **{split: split for split in TRAIN_DEV_TEST})
        for files in (("{}/seq.in", "{}/seq.out", "{}/label"), packed)
    )
    return TextSet("intents and slots", layouts, source)


def _conll(place: str, *layouts: Layout, licence: str = CONLL) -> TextSet:
    return TextSet(TASK, layouts, CLIPS + place, licence=licence)


def treebanks() -> dict[str, tuple[str, ...]]:
    """The treebanks of Universal Dependencies 2.1: of each, by its code, the splits it has."""
    table = resources.files("toolkit.data.text.datasets") / "treebanks.tsv"
    rows = csv.DictReader(table.read_text(encoding="utf-8").splitlines(), delimiter="\t")
    return {row["code"]: tuple(row["splits"].split()) for row in rows}


CHUNKS = columns(0, 1, 2)  # word, part of speech, chunk
ROLES = ("words.{}.gz", "synt.{}.pred.gz", "ne.{}.pred.gz", "props.{}.gz")
NAMES = columns(0, -1, comment=DOCUMENT)  # word, entity
SETS = {
    "ATIS": _intents("https://github.com/yvchen/JointSLU", "atis-fb75a1b5.zip"),
    "SNIPS": _intents("https://github.com/sonos/nlu-benchmark", "snips-f22420cc.zip"),
    "WNUT17": TextSet(
        TASK,
        (
            one(
                columns(0, 1, separator="\t"),
                train="wnut17train.conll",
                dev="emerging.dev.conll",
                test="emerging.test.annotated",
            ),
        ),
        "https://noisy-text.github.io/2017/emerging-rare-entities.html",
    ),
    "CoNLL2000": _conll(
        "conll2000/chunking/",
        named(CHUNKS, "{}.txt.gz", ("train", "test")),
        named(CHUNKS, "{}.txt", ("train", "test")),
        named(CHUNKS, "conll2000.zip!conll2000/{}.txt", ("train", "test")),
    ),
    **{
        f"CoNLL2001-{part}": _conll(
            "conll2001/clauses/", named(columns(0, 1, 2, 3), f"{{}}{part}", TESTS)
        )
        for part in (1, 2, 3)
    },
    **{
        f"CoNLL2002-{language}": _conll(
            "conll2002/ner/",
            named(NAMES, f"{language}.{{}}.gz", TESTS, "latin-1"),
            named(NAMES, f"{language}.{{}}", TESTS, "latin-1"),
        )
        for language in ("esp", "ned")
    },
    "CoNLL2003": _conll(
        "conll2003/ner/",
        named(columns(0, 1, 2, 3, comment=DOCUMENT), "eng.{}", TESTS),
        one(
            columns(0, 1, 2, 3, comment=DOCUMENT),
            train="train.txt",
            testa="valid.txt",
            testb="test.txt",
        ),
        licence="the Reuters corpus must be asked for at NIST",
    ),
    # word, part of speech, chunk, clause, entity, verb, then the arguments of each verb
    "CoNLL2004": TextSet(
        TASK,
        tuple(
            several(
                side_by_side,
                tuple(start + file for file in ROLES),
                **{split: split for split in TRAIN_DEV_TEST},
            )
            for start in ("", "conll04st-release.tar.gz!*/")
        ),
        "https://www.cs.upc.edu/~srlconll/st04/st04.html",
    ),
    **{
        f"UD-{code}": TextSet(
            "dependency trees",
            tuple(
                named(trees, f"{start}{code}-ud-{{}}.conllu", splits)
                for start in ("", "ud-treebanks-v2.1.tgz!*/")
            ),
            TREES,
            home=UD,
        )
        for code, splits in treebanks().items()
    },
    "UD-English-EWT": TextSet(
        "dependency trees",
        (named(trees, "en_ewt-ud-{}.conllu"),),
        TREES,
    ),
}

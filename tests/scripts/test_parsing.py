"""The parsing scripts train, score, write trees, and go on where they ended."""

from __future__ import annotations

import importlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import mxnet as mx
import numpy as np
import pytest

from toolkit.data.text import read_treebank, sentence_of, write_treebank
from toolkit.deploy import TextPredictor
from toolkit.model_zoo import get_model, save_huggingface

FOLDER = Path(__file__).resolve().parents[2] / "scripts" / "parsing"
SENTENCES = (
    "a/DET/2/det dog/NOUN/3/nsubj barks/VERB/0/root",
    "the/DET/2/det old/ADJ/0/root ./PUNCT/2/punct",
    "Go/VERB/0/root",
    "a/DET/3/det good/ADJ/3/amod dog/NOUN/4/nsubj:pass sees/VERB/0/root it/PRON/4/obj",
)
TINY = {"--units": 4, "--hidden": 4, "--layers": 1, "--arc-units": 5, "--relation-units": 4}
FEW = ["--epochs", "2", "--tokens", "12", "--warm-up", "1"]
WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "dog", "bark", "##s", "the"]
SIZES = {"layers": 6, "units": 384, "hidden_units": 16, "heads": 12, "vocab_size": len(WORDS)}


@pytest.fixture(autouse=True)
def beside(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Scripts find what lies beside them; others have the same names."""
    monkeypatch.syspath_prepend(str(FOLDER))
    names = [path.stem for path in FOLDER.glob("*.py")]
    for name in names:
        monkeypatch.delitem(sys.modules, name, raising=False)
    yield
    for name in names:
        sys.modules.pop(name, None)


@pytest.fixture
def trees(tmp_path: Path) -> Path:
    """A file of four sentences."""
    lines = []
    for sentence in SENTENCES * 2:
        for number, cell in enumerate(sentence.split(), 1):
            form, tag, head, relation = cell.split("/")
            row = [number, form, form.lower(), tag, tag.lower(), "_", head, relation, "_", "_"]
            lines.append("\t".join(map(str, row)))
        lines.append("")
    (tmp_path / "trees.conllu").write_text("\n".join(lines) + "\n")
    return tmp_path / "trees.conllu"


@pytest.fixture
def encoder(tmp_path: Path) -> list[str]:
    """The options of a tiny encoder in a folder."""
    net = get_model("minilm_6_384_12", **SIZES, max_length=32)
    net.initialize(mx.init.Normal(0.02))
    save_huggingface(net, tmp_path / "weights")
    (tmp_path / "weights" / "vocab.txt").write_text("\n".join(WORDS) + "\n")
    return ["--encoder", "minilm_6_384_12", "--weights", str(tmp_path / "weights")]


def tiny() -> list[str]:
    return [str(part) for pair in TINY.items() for part in pair]


def train(trees: Path, out: Path, *options: str, script: ModuleType | None = None) -> dict:
    script = script or importlib.import_module("train")
    files = [str(trees), "--dev", str(trees), "--out", str(out)]
    return dict(script.main(script.parse([*files, *FEW, *tiny(), *options])))


def evaluate(*arguments: object) -> dict[str, Any]:
    script = importlib.import_module("evaluate")
    return dict(script.evaluate(script.parse([str(argument) for argument in arguments])))


KINDS = {
    "words": [],
    "tags": ["--tags", "xpos"],
    "subwords": ["--subwords", "30", "--subword-lengths", "2", "--tags", "upos"],
    "average": ["--average", "0.5", "--min-freq", "1"],
    "encoder": [],
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_run_is_trained_scored_and_written(
    kind: str, trees: Path, encoder: list[str], tmp_path: Path
) -> None:
    options = [*KINDS[kind], *(encoder if kind == "encoder" else [])]
    out = tmp_path / "run"
    scores = train(trees, out, *options)
    rows = [json.loads(line) for line in (out / "log.jsonl").read_text().splitlines()]
    epochs = [row for row in rows if row["event"] == "epoch"]
    assert len(epochs) == 2
    assert all(np.isfinite(row["epoch_loss"]) for row in epochs)
    result = evaluate(out, trees, "--write", tmp_path / "found.conllu")
    for name in ("uas", "las", "las_full", "las_no_punct"):  # what is left is what was scored last
        assert result[name] == pytest.approx(100 * scores[name], abs=0.01)
    found = read_treebank(tmp_path / "found.conllu")
    assert [len(sentence.words) for sentence in found] == [3, 3, 1, 5] * 2
    assert all(sentence.heads.count(0) == 1 for sentence in found)
    assert evaluate(out, tmp_path / "found.conllu")["las_full"] == 100


def test_a_run_on_an_encoder_serves_texts(trees: Path, encoder: list[str], tmp_path: Path) -> None:
    out = tmp_path / "run"
    train(trees, out, *encoder)
    predictor = TextPredictor(
        "minilm_6_384_12",
        out / "final.params",
        task="parser",
        tokenizer=out / "tokenizer",
        labels=out / "relations.txt",
        sizes={**SIZES, "max_length": 32, "arc_units": 5, "relation_units": 4},
    )
    evaluate(out, trees, "--write", tmp_path / "found.conllu")
    first = read_treebank(tmp_path / "found.conllu")[0]
    found = predictor("a dog barks")
    assert [one.head for one in found] == first.heads
    assert [one.relation for one in found] == first.relations


def test_published_vectors_come_in(trees: Path, tmp_path: Path) -> None:
    (tmp_path / "vectors.txt").write_text("dog 1.0 2.0 3.0\nhouse 0.5 0.5 0.5\n")
    options = ["--mode", "static", "--vectors", str(tmp_path / "vectors.txt"), "--min-freq", "1"]
    train(trees, tmp_path / "run", *options)
    made = importlib.import_module("parsing_model").open_run(tmp_path / "run")
    table = made.net.words.tables[0].weight.data().asnumpy()
    assert table[made.reader.vocab["dog"]].tolist() == [1.0, 2.0, 3.0]
    with pytest.raises(SystemExit, match="--mode static and --vectors None"):
        train(trees, tmp_path / "other", "--mode", "static")


def test_sentences_without_trees_are_parsed(trees: Path, tmp_path: Path) -> None:
    train(trees, tmp_path / "run")
    write_treebank(tmp_path / "plain.conllu", [sentence_of(["New", "dogs"])])
    result = evaluate(tmp_path / "run", tmp_path / "plain.conllu", "--write", tmp_path / "b.conllu")
    assert "las" not in result
    (found,) = read_treebank(tmp_path / "b.conllu")
    assert sorted(found.heads) in ([0, 1], [0, 2])


def test_a_run_that_was_broken_off_goes_on(
    trees: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = importlib.import_module("train")
    train(trees, tmp_path / "whole")

    class Broken(script.Progress):
        def on_epoch(self, run: Any) -> None:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(script, "Progress", Broken)
        with pytest.raises(KeyboardInterrupt):
            train(trees, tmp_path / "out", script=script)
    assert not (tmp_path / "out" / "final.params").exists()
    train(trees, tmp_path / "out", script=script)
    whole, resumed = (tmp_path / name / "final.params" for name in ("whole", "out"))
    assert resumed.read_bytes() == whole.read_bytes()


def test_a_warm_up_ends_before_the_run(trees: Path, tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="--warm-up 5 is not below --epochs 2"):
        train(trees, tmp_path / "run", "--warm-up", "5")

"""The recipes for language models run from files to files, on tiny data."""

from __future__ import annotations

import importlib
import json
import math
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import mxnet as mx
import numpy as np
import pytest

from toolkit.utils.training import Interrupted, evaluate

FOLDER = Path(__file__).resolve().parents[2] / "scripts" / "language_model"
TINY = ["--batch-size", "3", "--length", "4", "--set", "embedding_units=6"]
SIZES = {
    "standard_lstm_lm_200": ["hidden=6,6"],
    "awd_lstm_lm_600": ["hidden=7,6"],
    "big_rnn_lm_2048_512": ["hidden=7,", "projection=5"],
}


@pytest.fixture
def scripts(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, ModuleType]]:
    """The modules of the folder, which import each other by their bare names."""
    names = ("corpus", "train", "evaluate")
    monkeypatch.syspath_prepend(str(FOLDER))
    for name in names:
        monkeypatch.delitem(importlib.sys.modules, name, raising=False)
    yield {name: importlib.import_module(name) for name in names}
    for name in names:
        importlib.sys.modules.pop(name, None)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    lines = ["the miller ran to the mill", "a dog ran", "the dog saw a mill and the miller"]
    for split, times in (("train", 6), ("valid", 4), ("test", 2)):
        (tmp_path / f"ptb.{split}.txt").write_text("\n".join(lines * times) + "\n")
    return tmp_path


@pytest.mark.parametrize("name", SIZES)
def test_a_network_is_trained_scored_and_writes(
    scripts: dict[str, ModuleType],
    data: Path,
    name: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    out = data / "out"
    options = [*TINY, *SIZES[name], "--model", name, "--out", str(out), "--average", "0.9"]
    penalties = ["--large", "2", "--jumps", "1"] if name.startswith("awd") else []
    args = scripts["train"].parse([str(data), *options, "--epochs", "2", *penalties])
    found = scripts["train"].main(args)
    assert 1 < found["valid_perplexity"] < 20
    rows = [json.loads(line) for line in (out / "log.jsonl").read_text().splitlines()]
    assert any("val_perplexity" in row for row in rows)
    score = scripts["evaluate"]
    result = score.main(score.parse([str(data), "--run", str(out), "--split", "valid"]))
    assert result["words"] == 4 * 20
    assert result["perplexity"] == pytest.approx(found["valid_perplexity"], rel=0.2)
    args = score.parse([str(data), "--run", str(out), "--text", "the dog", "--max-tokens", "4"])
    assert len(score.main(args)["text"].split()) == 6
    assert json.loads(capsys.readouterr().out.splitlines()[0])["model"] == name


def test_words_of_training_are_known_and_lines_end(
    scripts: dict[str, ModuleType], data: Path
) -> None:
    words = scripts["corpus"].read_words(data, "PTB", "train")
    assert words[:8] == ["the", "miller", "ran", "to", "the", "mill", "<eos>", "a"]
    vocab = scripts["corpus"].make_vocab(words)
    assert len(vocab) == len(set(words)) + 1
    assert vocab["<eos>"] != vocab["whale"] == vocab["<unk>"]


def test_pieces_go_on_where_the_last_ended(scripts: dict[str, ModuleType]) -> None:
    words = np.arange(50)
    pieces = scripts["corpus"].Pieces(words, 2, 7)
    batches = list(pieces.batches(0))
    assert len(batches) == len(pieces) == 4
    assert [first for first, _, _ in batches] == [True, False, False, False]
    rows = np.concatenate([data for _, data, _ in batches], axis=1)
    np.testing.assert_array_equal(rows, [np.arange(24), np.arange(25, 49)])
    for _, data, target in batches:
        np.testing.assert_array_equal(target, data + 1)
    moved = scripts["corpus"].Pieces(words, 2, 7, seed=1)
    begins = {int(next(moved.batches(epoch))[1][0, 0]) for epoch in range(4)}
    assert len(begins) > 1
    np.testing.assert_array_equal(next(moved.batches(2, 3))[1], list(moved.batches(2))[3][1])


def test_what_was_read_before_counts(scripts: dict[str, ModuleType]) -> None:
    """Pieces with what is before them score as the whole text does."""
    net = scripts["train"].get_model(
        "standard_lstm_lm_200", vocab_size=20, embedding_units=6, hidden=(6, 6)
    )
    mx.random.seed(0)
    net.initialize(mx.init.Normal(0.7))
    words = np.random.default_rng(0).integers(0, 20, 41)
    losses = [
        evaluate(
            net,
            scripts["corpus"].Pieces(words, 1, length),
            forward=scripts["corpus"].Objective(),
        )["loss"]
        for length in (40, 7)
    ]
    assert losses[1] == pytest.approx(losses[0], rel=1e-5)
    assert math.exp(losses[0]) > 5


def test_a_run_that_broke_off_goes_on(
    scripts: dict[str, ModuleType], data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    train = scripts["train"]
    options = [str(data), *TINY, "hidden=6,6", "--epochs", "3"]
    whole = train.main(train.parse([*options, "--out", str(data / "whole")]))
    told = scripts["corpus"].Perplexity.on_epoch

    def break_off(self: object, run: object) -> None:
        told(self, run)
        if run.epoch == 2:
            raise Interrupted("told to")

    broken = train.parse([*options, "--out", str(data / "broken")])
    with monkeypatch.context() as patch:
        patch.setattr(train.Perplexity, "on_epoch", break_off)
        with pytest.raises(Interrupted, match="told to"):
            train.main(broken)
    assert train.main(broken) == whole

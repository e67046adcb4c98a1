"""The recipe for translation runs from files to files, on tiny data."""

from __future__ import annotations

import gzip
import importlib
import json
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from toolkit.deploy import TextPredictor
from toolkit.utils.training import Interrupted

FOLDER = Path(__file__).resolve().parents[2] / "scripts" / "translation"
TINY = ["--pieces", "70", "--tokens", "40", "--warm-up", "4", "--set", "layers=1", "units=16"]
TINY += ["heads=2", "hidden_units=16"]
TEXTS = {
    "en": ["a man sleeps", "a dog runs fast", "two men sleep"] * 4,
    "de": ["ein Mann schläft", "ein Hund rennt schnell", "zwei Männer schlafen"] * 4,
}


@pytest.fixture
def scripts(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, ModuleType]]:
    """The modules of the folder, which import each other by their bare names."""
    names = ("translation_data", "train", "evaluate")
    monkeypatch.syspath_prepend(str(FOLDER))
    for name in names:
        monkeypatch.delitem(importlib.sys.modules, name, raising=False)
    yield {name: importlib.import_module(name) for name in names}
    for name in names:
        importlib.sys.modules.pop(name, None)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    for split in ("train", "val", "test_2016_flickr"):
        for language, lines in TEXTS.items():
            with gzip.open(tmp_path / f"{split}.{language}.gz", "wt", encoding="utf-8") as file:
                file.write("\n".join(lines) + "\n")
    return tmp_path


@pytest.mark.parametrize("model", ["transformer_en_de_512", "marian_6_512_8"])
def test_a_network_is_trained_and_scored(
    scripts: dict[str, ModuleType], data: Path, model: str
) -> None:
    train, score = scripts["train"], scripts["evaluate"]
    words = [str(data), "--out", str(data / "out"), *TINY, "--model", model, "--epochs", "8"]
    train.main(train.parse([*words, "--average", "0.5", "--learning-rate", "1e-2"]))
    log = [json.loads(line) for line in (data / "out" / "log.jsonl").read_text().splitlines()]
    losses = [row["val_loss"] for row in log if "val_loss" in row]
    assert len(losses) == 8
    assert losses[-1] < losses[0] - 1
    for width in ("1", "3"):
        asked = [str(data / "out"), str(data), "--width", width, "--max-tokens", "12"]
        result = score.main(score.parse(asked))
        assert (result["pairs"], result["width"]) == (12, int(width))
        assert 0 <= result["bleu"] <= 100
        lines = (data / "out" / "test.txt").read_text(encoding="utf-8").splitlines()
        assert len(lines) == 12
        assert lines[:3] == lines[3:6]  # the same texts, whatever batch they are in
    assert (data / "out" / "model").is_dir() == (model == "marian_6_512_8")


def test_a_folder_for_others_translates_the_same(
    scripts: dict[str, ModuleType], data: Path
) -> None:
    train, score = scripts["train"], scripts["evaluate"]
    out, sizes = data / "out", [word for word in TINY if "=" in word]
    words = [str(data), "--out", str(out), *TINY, "--model", "marian_6_512_8", "--epochs", "2"]
    train.main(train.parse([*words, "--learning-rate", "1e-2"]))
    common = [str(data), "--width", "2", "--max-tokens", "6"]
    score.main(score.parse([str(out), *common]))
    words = [str(out / "model"), *common, "--model", "marian_6_512_8", "--set", *sizes]
    score.main(score.parse([*words, "--out", str(data / "others.txt")]))
    assert (data / "others.txt").read_text() == (out / "test.txt").read_text()
    predictor = TextPredictor(
        "marian_6_512_8",
        out / "model",
        sizes={"layers": 1, "units": 16, "heads": 2},
        max_tokens=6,
    )
    assert isinstance(predictor("a dog runs fast"), str)


def test_a_run_that_broke_off_goes_on(
    scripts: dict[str, ModuleType], data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    train = scripts["train"]
    options = [str(data), *TINY, "--epochs", "3"]
    whole = train.main(train.parse([*options, "--out", str(data / "whole")]))
    told = train.Evaluation.on_epoch

    def break_off(self: object, run: object) -> None:
        told(self, run)
        if run.epoch == 2:
            raise Interrupted("told to")

    broken = train.parse([*options, "--out", str(data / "broken")])
    with monkeypatch.context() as patch:
        patch.setattr(train.Evaluation, "on_epoch", break_off)
        with pytest.raises(Interrupted, match="told to"):
            train.main(broken)
    assert train.main(broken) == whole
    log = (data / "broken" / "log.jsonl").read_text().splitlines()
    assert any(json.loads(line)["event"] == "resume" for line in log)

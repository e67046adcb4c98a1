"""Texts are gone on with, and written for others, from folders of weights."""

from __future__ import annotations

import gzip
import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType

import mxnet as mx
import pytest

from toolkit.data.text.tokenizers.byte_bpe import byte_letters
from toolkit.model_zoo import get_model, save_huggingface

SCRIPTS = Path(__file__).resolve().parents[2] / "scripts" / "generation"
sys.path.insert(0, str(SCRIPTS))  # scripts import what they share by its plain name
SIZES = {"layers": 2, "units": 24, "heads": 2}


def load(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"{name}_script", SCRIPTS / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def script() -> ModuleType:
    return load("generate")


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny network at random, with bytes for its words."""
    folder = tmp_path_factory.mktemp("gpt2")
    words = [*byte_letters(), "ab", "<|endoftext|>"]
    net = get_model("gpt2_117m", **SIZES, max_length=64, vocab_size=len(words))
    mx.random.seed(3)
    net.initialize(mx.init.Normal(0.5))
    save_huggingface(net, folder)
    (folder / "vocab.json").write_text(json.dumps({word: i for i, word in enumerate(words)}))
    (folder / "merges.txt").write_text("#version: 0.2\na b\n")
    return folder


@pytest.mark.parametrize(
    "how",
    [[], ["--temperature", "0.9", "--top-k", "9", "--samples", "2"], ["--beam", "2"]],
)
def test_texts_are_gone_on_with(how: list[str], script: ModuleType, weights: Path) -> None:
    words = ["ab", "It", "--weights", str(weights), "--max-tokens", "5", *how]
    words += ["--set", *(f"{key}={value}" for key, value in SIZES.items())]
    found = script.main(script.parse(words))
    samples = 2 if "--samples" in how else 1
    assert [len(rows) for rows in found] == [samples] * 2
    assert found == script.main(script.parse(words))
    assert any(found[0])


def test_a_network_for_pairs_is_trained_and_writes(
    script: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = {"en": ["a man sleeps", "a dog runs fast", "two men sleep"] * 4}
    rows["de"] = ["ein Mann schläft", "ein Hund rennt schnell", "zwei Männer schlafen"] * 4
    for split in ("train", "val", "test_2016_flickr"):
        for language, lines in rows.items():
            with gzip.open(tmp_path / f"{split}.{language}.gz", "wt", encoding="utf-8") as file:
                file.write("\n".join(lines) + "\n")
    out, sizes = tmp_path / "out", ["layers=1", "units=16", "heads=2"]
    trainer = load("finetune_seq2seq")
    words = [str(tmp_path), "--pieces", "60", "--out", str(out), "--epochs", "1", "--limit", "8"]
    words += ["--batch-size", "4", "--set", *sizes, "head_units=8", "hidden_units=16"]
    score = trainer.main(trainer.parse(words))
    assert 0 <= score["bleu"] <= 100
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["bleu"] == score["bleu"]
    assert len((out / "predictions.txt").read_text().splitlines()) == 8
    assert "val_loss" in (out / "log.jsonl").read_text()
    for how in ([], ["--beam", "2", "--samples", "2"], ["--temperature", "1", "--samples", "3"]):
        words = ["a dog", "--model", "t5_small", "--weights", str(out / "model"), "--set", *sizes]
        (found,) = script.main(script.parse([*words, "--max-tokens", "4", *how]))
        assert len(found) == (int(how[-1]) if how else 1)
        assert all(isinstance(text, str) for text in found)

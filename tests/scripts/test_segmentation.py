"""The segmentation scripts train, score, export, and go on where they ended."""

from __future__ import annotations

import importlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import cv2
import numpy as np
import pytest

from toolkit.deploy import Predictor

FOLDER = Path(__file__).resolve().parents[2] / "scripts" / "segmentation"
MODELS = {
    "a backbone": ("--model", "mobilenet0.25", "--option", "head=fcn"),
    "a segmenter": ("--model", "fastscnn_citys", "--hard", "0.9"),
    "an average": ("--model", "squeezenet1.1", "--option", "head=psp", "--average", "0.5"),
}


@pytest.fixture(autouse=True)
def beside(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Scripts find what lies beside them, in worker processes, too; others have the same names."""
    monkeypatch.syspath_prepend(str(FOLDER))
    names = [path.stem for path in FOLDER.glob("*.py")]
    for name in names:
        monkeypatch.delitem(sys.modules, name, raising=False)
    yield
    for name in names:
        sys.modules.pop(name, None)


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of CamVid's layout: pictures of a bright sky over a dark road, and a void edge."""
    root = tmp_path_factory.mktemp("camvid")
    for split, count in (("train", 4), ("val", 2)):
        for name in (split, f"{split}annot"):
            (root / name).mkdir()
        for i in range(count):
            image = np.full((70, 100, 3), 30, np.uint8)
            image[: 20 + 5 * i] = 220
            mask = np.full((70, 100), 3, np.uint8)
            mask[: 20 + 5 * i], mask[:, :5] = 0, 11
            cv2.imwrite(str(root / split / f"{i}.png"), image)
            cv2.imwrite(str(root / f"{split}annot" / f"{i}.png"), mask)
    return root


def run(name: str, *arguments: object) -> ModuleType:
    script = importlib.import_module(name)
    script.main(script.parse([str(argument) for argument in arguments]))
    return script


@pytest.mark.parametrize("kind", MODELS)
def test_a_run_is_trained_scored_and_exported(kind: str, pictures: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    few = ("--epochs", 2, "--score-every", 1, "--batch-size", 2, "--crop", 64, 64)
    run("train", pictures, "--out", out, *few, *MODELS[kind])
    rows = [json.loads(line) for line in (out / "log.jsonl").read_text().splitlines()]
    epochs = [row for row in rows if row["event"] == "epoch"]
    assert len(epochs) == 2
    assert all(np.isfinite(row["epoch_loss"]) for row in epochs)
    evaluate = importlib.import_module("evaluate")
    result = evaluate.evaluate(evaluate.parse([str(out), str(pictures)]))
    assert result["images"] == 2
    # What is left is what was scored last.
    assert result["miou"] == pytest.approx(100 * epochs[-1]["val_miou"], abs=0.1)
    assert 0 <= result["classes"]["sky"] <= 100
    found = Predictor(out / "export" / "segmenter")(pictures / "val" / "0.png")
    assert found[0].mask.shape == (70, 100)
    assert sum(region.share for region in found) == pytest.approx(1)
    flipped = evaluate.evaluate(evaluate.parse([str(out), str(pictures), "--flip"]))
    assert flipped["images"] == 2


def test_weights_and_what_does_not_fit(pictures: Path, tmp_path: Path) -> None:
    few = ("--epochs", 2, "--val", "", "--batch-size", 2, "--crop", 64, 64)
    small = ("--model", "mobilenet0.25", "--option", "head=fcn")
    run("train", pictures, "--out", tmp_path / "first", *few, *small)
    weights = ("--weights", tmp_path / "first" / "final.params")
    run("train", pictures, "--out", tmp_path / "second", *few, *small, *weights)
    assert (tmp_path / "second" / "final.params").is_file()
    with pytest.raises(SystemExit, match="a warm-up of 3 epochs is not below the 2 of"):
        run("train", pictures, "--out", tmp_path / "third", *few, *small, "--warmup", 3)

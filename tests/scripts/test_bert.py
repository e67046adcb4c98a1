"""The recipes for text encoders run from files to files, on tiny data."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType

import mxnet as mx
import numpy as np
import pytest

from toolkit.model_zoo import get_model, save_huggingface

SCRIPTS = Path(__file__).resolve().parents[2] / "scripts" / "bert"
sys.path.insert(0, str(SCRIPTS))  # scripts import what they share by its plain name
WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "good", "bad", "film", "a", "very"]
SIZES = {"layers": 1, "units": 384, "hidden_units": 16, "heads": 12, "vocab_size": len(WORDS)}


def load(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, SCRIPTS / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    """A folder with a tiny encoder of six layers and its vocabulary."""
    net = get_model("minilm_6_384_12", **{**SIZES, "layers": 6}, max_length=16)
    net.initialize(mx.init.Normal(0.02))
    save_huggingface(net, tmp_path / "weights")
    (tmp_path / "weights" / "vocab.txt").write_text("\n".join(WORDS) + "\n")
    return tmp_path / "weights"


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A task with a sentence and one with a pair."""
    lines = ["a good film\t1", "a very bad film\t0", "good\t1", "very bad\t0"] * 3
    rows = ["0\ta\ta good film\ta very good film\t4.5", "1\ta\tgood film\tbad film\t1.0"] * 4
    for folder, header, body in (
        ("SST-2", "sentence\tlabel", lines),
        ("STS-B", "index\tgenre\tsentence1\tsentence2\tscore", rows),
    ):
        (tmp_path / folder).mkdir()
        for split in ("train", "dev"):
            text = "\n".join([header, *body]) + "\n"
            (tmp_path / folder / f"{split}.tsv").write_text(text)
    return tmp_path


@pytest.mark.parametrize("task", ["SST-2", "STS-B"])
def test_an_encoder_is_fine_tuned(
    task: str, weights: Path, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    script = load("finetune_classifier")
    out = tmp_path / "out"
    options = [str(data), "--task", task, "--model", "minilm_6_384_12", "--weights", str(weights)]
    options += ["--epochs", "1", "--batch-size", "4", "--layer-decay", "0.9", "--out", str(out)]
    scores = script.main(script.parse(options))
    printed = json.loads(capsys.readouterr().out.strip().splitlines()[-1])
    assert printed["task"] == task
    assert set(scores) == {"SST-2": {"accuracy"}, "STS-B": {"pearson", "spearman"}}[task]
    lines = (out / "predictions.tsv").read_text().splitlines()
    assert lines[0] == "index\tprediction"
    assert len(lines) == 1 + {"SST-2": 12, "STS-B": 8}[task]
    assert (out / "final.params").is_file()
    assert (out / "log.jsonl").is_file()


def test_lines_become_vectors(weights: Path, tmp_path: Path) -> None:
    script = load("embed")
    (tmp_path / "lines.txt").write_text("a good film\nbad\na very bad film\nbad\n")
    options = [str(tmp_path / "lines.txt"), "--model", "minilm_6_384_12", "--batch-size", "2"]
    options += ["--weights", str(weights), "--out", str(tmp_path / "vectors.npy")]
    vectors = script.main(script.parse(options))
    np.testing.assert_array_equal(np.load(tmp_path / "vectors.npy"), vectors)
    assert vectors.shape == (4, 384)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, rtol=1e-5)
    # The same line has the same vector, whatever is beside it in its batch.
    np.testing.assert_allclose(vectors[1], vectors[3], rtol=1e-4, atol=1e-5)
    assert np.abs(vectors[0] - vectors[1]).max() > 1e-3
    (tmp_path / "lines.txt").write_text("")
    with pytest.raises(ValueError, match="has no lines"):
        script.main(script.parse(options))

"""Texts are gone on with from a folder of weights."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from types import ModuleType

import mxnet as mx
import pytest

from toolkit.data.text.tokenizers.byte_bpe import byte_letters
from toolkit.model_zoo import get_model, save_huggingface

SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "generation" / "generate.py"
SIZES = {"layers": 2, "units": 24, "heads": 2}


@pytest.fixture(scope="module")
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("generate_script", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


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

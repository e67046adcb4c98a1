"""Word vectors are trained, saved and judged; each step is what its formula says."""

from __future__ import annotations

import importlib
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from toolkit.data.text import NGramHashes
from toolkit.data.text.embedding import load_embedding

FOLDER = Path(__file__).resolve().parents[2] / "scripts" / "word_embeddings"
TOPICS = [[f"{name}{i}" for i in range(6)] for name in ("sea", "sky", "oak")]


@pytest.fixture(autouse=True)
def beside(monkeypatch: pytest.MonkeyPatch) -> None:
    """Scripts find what lies beside them."""
    monkeypatch.syspath_prepend(str(FOLDER))


@pytest.fixture
def word2vec(beside: None) -> ModuleType:
    return importlib.import_module("word2vec")


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Sentences mostly of one topic each."""
    rng = np.random.default_rng(0)
    lines = []
    for _ in range(1500):
        topics = np.where(rng.random(8) < 0.85, rng.integers(3), rng.integers(3, size=8))
        lines.append(" ".join(TOPICS[topic][rng.integers(6)] for topic in topics))
    path = tmp_path_factory.mktemp("corpus") / "text.txt"
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.mark.parametrize(
    ("model", "epochs"), [("skipgram", 10), ("cbow", 10), ("fasttext", 10), ("glove", 100)]
)
def test_words_of_a_topic_come_together(
    model: str, epochs: int, corpus: Path, tmp_path: Path
) -> None:
    train = importlib.import_module("train_vectors")
    pairs = tmp_path / "pairs.txt"
    pairs.write_text("sea0 sea1 9\nsky0 sky1 9\nsea0 oak1 1\noak0 sky3 1\n")
    options = f"--dim 16 --epochs {epochs} --buckets 500 --rate 0.1 --threads 1 --sample 1"
    out = tmp_path / "vectors.npz"
    rest = ["--model", model, "--out", str(out), "--similarity", str(pairs), str(corpus)]
    report = train.main(train.parse([*options.split(), *rest]))
    assert (report["words"], report["tokens"]) == (18, 12000)
    assert report["pairs.txt"]["covered"] == 4
    assert report["pairs.txt"]["spearman"] > 0.7
    table = load_embedding(out)
    names = [name for topic in TOPICS for name in topic]
    unit = table[names] / np.linalg.norm(table[names], axis=1, keepdims=True)
    cosines = (unit @ unit.T).reshape(3, 6, 3, 6).mean((1, 3))
    assert np.diag(cosines).min() > cosines[~np.eye(3, dtype=bool)].max() + 0.1


def reference(
    ids: np.ndarray, mask: np.ndarray, noise: np.ndarray, tables: tuple, how: tuple
) -> tuple:
    """Skip-gram's step pair by pair."""
    inputs, outputs = (table.copy() for table in tables)
    window, negatives, rate = how
    for n, t, x in zip(*np.nonzero(mask), strict=True):
        center, other = ids[n, window + t], ids[n, x]
        rows = [(other, 1, 1.0)] + [(w, 0, negatives / noise.shape[1]) for w in noise[n]]
        for row, label, share in rows:
            slope = rate * share * (label - 1 / (1 + np.exp(-tables[0][center] @ tables[1][row])))
            inputs[center] += slope * tables[1][row]
            outputs[row] += slope * tables[0][center]
    return inputs, outputs


@pytest.mark.parametrize("subwords", [False, True])
def test_a_step_of_skipgram_is_that_of_its_formula(word2vec: ModuleType, subwords: bool) -> None:
    rng = np.random.default_rng(0)
    options = word2vec.Options(dim=5, window=2, negatives=3, shared=4)
    words = [f"w{i}" for i in range(200)]
    inputs = (
        word2vec.Subwords(words, 5, rng, NGramHashes(10**6, (9,)))  # no word has such n-grams
        if subwords
        else word2vec.Words(200, 5, rng)
    )
    trainer = word2vec.Trainer(np.ones(200), inputs, options)
    trainer.outputs[:] = rng.normal(size=(200, 5))
    inputs.table[:200] = rng.normal(size=(200, 5))
    tables = inputs.table[:200].copy(), trainer.outputs.copy()
    ids = rng.permutation(200)[: 2 * 20].reshape(2, 20)
    mask = (rng.random((2, 16, 20)) < 0.2).astype(np.float32)
    noise = rng.integers(0, 200, (2, 4))
    trainer._skipgram(ids, ids[:, 2:18], mask, noise, np.float32(0.005))
    expected = reference(ids, mask, noise, tables, (2, 3, 0.005))
    np.testing.assert_allclose(inputs.table[:200], expected[0], rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(trainer.outputs, expected[1], rtol=1e-4, atol=1e-5)


def test_rows_are_added_and_damped(word2vec: ModuleType) -> None:
    rng = np.random.default_rng(0)
    ids, grads = rng.integers(0, 9, 60), rng.normal(size=(60, 3)).astype(np.float32)
    table = np.zeros((9, 3), np.float32)
    word2vec.add_rows(table, ids, grads)
    expected = np.zeros((9, 3))
    np.add.at(expected, ids, grads)
    np.testing.assert_allclose(table, expected, atol=1e-5)
    many = np.zeros((2, 1), np.float32)
    steps = np.r_[np.full(64, 0.025), 0.025]
    word2vec.add_rows(many, np.r_[np.zeros(64, int), 1], np.ones((65, 1), np.float32), steps)
    assert many.ravel().tolist() == pytest.approx([64 * word2vec.LARGEST / 1.6, 1])


def test_pairs_stay_within_sentences_and_windows(word2vec: ModuleType) -> None:
    trainer = word2vec.Trainer(
        np.ones(40), word2vec.Words(40, 2, np.random.default_rng(0)), word2vec.Options(window=3)
    )
    seen = []
    trainer._skipgram = lambda ids, own, mask, noise, rate: seen.append((ids, own, mask))
    ids, ends = np.arange(40), np.array([5, 25, 40])
    trainer.kept[:] = 1
    trainer.train(ids, ends, 1)
    pairs = {
        (int(own[n, t]), int(around[n, x]))
        for around, own, mask in seen
        for n, t, x in zip(*np.nonzero(mask), strict=True)
    }
    sentence = np.searchsorted(ends, ids, side="right")
    assert all(0 < abs(a - b) <= 3 and sentence[a] == sentence[b] for a, b in pairs)
    near = {(a, a + d) for a in range(40) for d in (-1, 1) if 0 <= a + d < 40}
    assert {(a, b) for a, b in near if sentence[a] == sentence[b]} <= pairs


def test_cooccurrences_by_their_definition() -> None:
    glove = importlib.import_module("glove")
    ids, ends = np.array([0, 1, 2, 1, 0, 0]), np.array([4, 6])
    rows, columns, counts = glove.cooccurrences(ids, ends, 3, 2)
    got = {(int(i), int(j)): float(c) for i, j, c in zip(rows, columns, counts, strict=True)}
    assert got == {
        **{(0, 1): 1.0, (1, 0): 1.0, (0, 2): 0.5, (2, 0): 0.5},
        **{(1, 2): 2.0, (2, 1): 2.0, (1, 1): 1.0, (0, 0): 2.0},
    }

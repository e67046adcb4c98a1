from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from toolkit.data.text.embedding import (
    TokenEmbedding,
    evaluate_analogy,
    load_embedding,
    read_questions,
)
from toolkit.data.text.embedding.analogy import EPSILON

WORDS = ["man", "woman", "king", "queen", "King", "apple"]


@pytest.fixture
def table() -> TokenEmbedding:
    vectors = [[1, 0, 0], [1, 1, 0], [1, 0, 1], [1, 1, 1], [0, 5, 0], [-1, 0, 0.5]]
    return TokenEmbedding(WORDS, np.array(vectors, np.float32))


QUESTIONS = {"royal": [("man", "woman", "KING", "queen"), ("man", "woman", "king", "apple")]}


@pytest.mark.parametrize("method", ["3cosadd", "3cosmul"])
@pytest.mark.parametrize("batch_size", [1, 100])
def test_answers(method: str, batch_size: int, table: TokenEmbedding) -> None:
    questions = {**QUESTIONS, "unknown": [("man", "woman", "x", "y")]}
    result = evaluate_analogy(table, questions, method=method, batch_size=batch_size)
    assert (result.right, result.covered, result.questions) == (1, 2, 3)
    assert (result.accuracy, dict(result.categories)) == (0.5, {"royal": (1, 2), "unknown": (0, 0)})


@pytest.mark.parametrize("method", ["3cosadd", "3cosmul"])
def test_methods_by_their_definition(method: str) -> None:
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(30, 5)).astype(np.float32)
    words = [f"w{i}" for i in range(30)]
    v = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    questions, expected = [], 0
    for _ in range(60):
        a, b, c, d = rng.choice(30, 4, replace=False)
        cos = v @ v[[a, b, c]].T
        shifted = (1 + cos) / 2
        score = cos @ [-1, 1, 1]
        if method == "3cosmul":
            score = shifted[:, 1] * shifted[:, 2] / (shifted[:, 0] + EPSILON)
        score[[a, b, c]] = -np.inf
        expected += int(score.argmax() == d)
        questions.append((words[a], words[b], words[c], words[d]))
        questions.append((words[a], words[b], words[c], words[int(score.argmax())]))
    result = evaluate_analogy(TokenEmbedding(words, vectors), {"": questions}, method=method)
    assert result.right == 60 + expected


def test_limits_and_errors(table: TokenEmbedding, tmp_path: Path) -> None:
    assert evaluate_analogy(table, QUESTIONS, limit=4).covered == 1
    assert evaluate_analogy(table, QUESTIONS, ignore_case=False).covered == 1
    with pytest.raises(ValueError, match="unknown analogy method '3cosad'; did you mean 3cosadd"):
        evaluate_analogy(table, QUESTIONS, method="3cosad")
    path = tmp_path / "q.txt"
    path.write_text(": one two\na b c d\n\n: three\nA B C D\n")
    found = read_questions(path)
    assert found == {"one two": [("a", "b", "c", "d")], "three": [("A", "B", "C", "D")]}
    path.write_text(": x\na b c\n")
    with pytest.raises(ValueError, match=r"q\.txt, line 2: expected four words, got 'a b c'"):
        read_questions(path)


@pytest.mark.realdata
def test_glove_on_the_real_questions(data_root: Path) -> None:
    table = load_embedding(
        data_root / "glove_twitter_25d_12k/glove.twitter.27B.25d.top12k.txt", progress=False
    )
    questions = read_questions(data_root / "analogy_google/questions-words.txt")
    result = evaluate_analogy(table, questions)
    assert (len(questions), result.questions) == (14, 19544)
    assert (result.right, result.covered) == (1123, 6163)  # gensim 4.4.0 says the same

"""Numbers and words are those of sacreBLEU 2.6.0."""

from __future__ import annotations

import pytest

from toolkit.utils.metrics import corpus_bleu
from toolkit.utils.metrics.bleu import mteval_words

RIGHT = "Ein Mann schläft in einem grünen Raum auf einem Sofa."
SCORES = [
    ("Ein Mann schläft in einem grünen Raum auf einem Sofa.", 100.0),
    ("Ein Mann schläft auf einem Sofa in einem Raum.", 28.55652902),
    ("Ein Mann", 0.00000000),
    ("Eine Frau sitzt.", 2.77579157),
]


@pytest.mark.parametrize(("text", "score"), SCORES)
def test_scores_of_a_sentence(text: str, score: float) -> None:
    assert corpus_bleu([text], [[RIGHT]]) == pytest.approx(score, abs=1e-6)


def test_a_corpus_is_scored_as_a_whole() -> None:
    texts = [text for text, _ in SCORES]
    assert corpus_bleu(texts, [[RIGHT]] * 4) == pytest.approx(34.65512777, abs=1e-6)
    both = [[RIGHT, "Eine Frau sitzt auf einem Sofa."]] * 4
    assert corpus_bleu(texts, both) == pytest.approx(50.52086204, abs=1e-6)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("It's 1,000.50 (or 3-4), U.S.", "It's 1,000.50 ( or 3 - 4 ) , U . S ."),
        ("&quot;a-b&quot; &amp; c", '" a-b " & c'),
        ("„so“ 5.", "„so“ 5 ."),
        ("", ""),
    ],
)
def test_words_are_those_of_the_campaigns(text: str, words: str) -> None:
    assert mteval_words(text) == words.split()


def test_nothing_in_common_is_zero() -> None:
    assert corpus_bleu(["a b c d e"], [["v w x y z"]]) == 0
    assert corpus_bleu(["a"], [["a"]]) == 0  # too short for every order


def test_every_translation_needs_references() -> None:
    with pytest.raises(ValueError, match="got 2 and 1"):
        corpus_bleu(["a", "b"], [["a"]])
    with pytest.raises(ValueError, match="got 0 and 0"):
        corpus_bleu([], [])

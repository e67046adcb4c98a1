"""Answers to questions about a text: exact match and F1, of SQuAD 1.1 and 2.0.

Rajpurkar et al., 2016, https://arxiv.org/abs/1606.05250, and 2018, https://arxiv.org/abs/1806.03822.
"""

from __future__ import annotations

import logging
import re
import string
from collections import Counter
from collections.abc import Mapping, Sequence

logger = logging.getLogger(__name__)

_ARTICLES = re.compile(r"\b(?:a|an|the)\b")
_WITHOUT_PUNCTUATION = str.maketrans("", "", string.punctuation)


def normalize_answer(text: str) -> str:
    """Lower case, without punctuation, articles and extra blanks."""
    text = text.lower().translate(_WITHOUT_PUNCTUATION)
    return " ".join(_ARTICLES.sub(" ", text).split())


def exact_match(prediction: str, answer: str) -> float:
    """1 where both are the same once normalized, else 0."""
    return float(normalize_answer(prediction) == normalize_answer(answer))


def f1(prediction: str, answer: str) -> float:
    """The harmonic mean of precision and recall of words; with no words on a side, exact match."""
    ours, theirs = normalize_answer(prediction).split(), normalize_answer(answer).split()
    if not ours or not theirs:
        return float(ours == theirs)
    common = sum((Counter(ours) & Counter(theirs)).values())
    if not common:
        return 0.0
    precision, recall = common / len(ours), common / len(theirs)
    return 2 * precision * recall / (precision + recall)


def score_answers(
    answers: Mapping[str, Sequence[str]], predictions: Mapping[str, str]
) -> dict[str, float]:
    """Exact match and F1 in percent over all questions, the best of each question's answers.

    Args:
        answers: The right answers by the question's id; none where a question has no answer.
        predictions: One answer by id; the empty string says that there is none. A question without
            a prediction counts as wrong, and a warning says how many there are.

    Returns:
        ``exact`` and ``f1`` over ``total`` questions; where some have an answer and others have
        none, also ``has_answer_exact``, ``no_answer_f1`` and so on.

    Raises:
        ValueError: there are no questions.
    """
    if not answers:
        raise ValueError("there are no questions")
    missing = len(answers.keys() - predictions.keys())
    if missing:
        logger.warning("%d of %d questions have no prediction", missing, len(answers))
    scores = {
        key: _best(predictions[key], right) if key in predictions else (0.0, 0.0)
        for key, right in answers.items()
    }
    result = _means("", list(scores.values()))
    kinds = {
        "has_answer_": [scores[key] for key, right in answers.items() if right],
        "no_answer_": [scores[key] for key, right in answers.items() if not right],
    }
    if all(kinds.values()):
        for prefix, some in kinds.items():
            result |= _means(prefix, some)
    return result


def _best(prediction: str, answers: Sequence[str]) -> tuple[float, float]:
    # An answer of articles alone is as good as none, as in the official scripts.
    right = [a for a in answers if normalize_answer(a)] or [""]
    return max(exact_match(prediction, a) for a in right), max(f1(prediction, a) for a in right)


def _means(prefix: str, scores: Sequence[tuple[float, float]]) -> dict[str, float]:
    total = len(scores)
    exact, overlap = (100 * sum(column) / total for column in zip(*scores, strict=True))
    return {f"{prefix}exact": exact, f"{prefix}f1": overlap, f"{prefix}total": total}


def best_threshold(
    answers: Mapping[str, Sequence[str]],
    predictions: Mapping[str, str],
    no_answer_scores: Mapping[str, float],
    *,
    measure: str = "f1",
) -> tuple[float, float]:
    """The threshold above which "no answer" serves best, and the score in percent that it gives.

    Args:
        answers: As for ``score_answers``.
        predictions: For each question the best answer that is not empty.
        no_answer_scores: How much better "no answer" is than that answer, by id.
        measure: ``f1`` or ``exact``.

    Raises:
        ValueError: the measure is another.
    """
    if measure not in ("f1", "exact"):
        raise ValueError(f"measure must be 'f1' or 'exact', got {measure!r}")
    place = 1 if measure == "f1" else 0
    score = float(sum(not some for some in answers.values()))  # nothing answered at all
    best, threshold = score, min(no_answer_scores.values(), default=0.0) - 1
    for key in sorted(no_answer_scores, key=lambda key: no_answer_scores[key]):
        if key not in answers:
            continue
        score += _best(predictions[key], answers[key])[place] if answers[key] else -1
        if score > best:
            best, threshold = score, no_answer_scores[key]
    return threshold, 100 * best / len(answers)

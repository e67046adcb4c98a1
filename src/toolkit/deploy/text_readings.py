"""What a text model's outputs mean, task by task."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from toolkit.data.text.passages import cut_passage
from toolkit.data.text.word_pieces import cut_words
from toolkit.deploy.classification import ClassPrediction, classify, softmax
from toolkit.deploy.text_model import TextModel
from toolkit.deploy.text_parsing import parse_texts
from toolkit.deploy.text_writing import (
    fill_masks,
    reply_to_texts,
    translate_texts,
    write_texts,
)
from toolkit.model_zoo.tasks.answer_spans import Scores, best_spans
from toolkit.utils.metrics.entities import OUTSIDE, find_entities


@dataclass(frozen=True)
class ScorePrediction:
    """The number that a regression gives a text or a pair."""

    score: float


@dataclass(frozen=True)
class EntityPrediction:
    """A piece of a text with the type that its words were tagged with."""

    type: str
    text: str
    start: int  # in characters of the text
    end: int
    prob: float  # of the tags, the least of its words, in [0, 1]


@dataclass(frozen=True)
class IntentPrediction:
    """What a text wants, and the pieces of it that say the details."""

    index: int
    label: str | None
    prob: float  # in [0, 1]
    slots: tuple[EntityPrediction, ...]


@dataclass(frozen=True)
class AnswerPrediction:
    """A piece of a context that may be the answer; the empty text says that there is none."""

    text: str
    start: int  # in characters of the context
    end: int
    score: float
    prob: float  # among the answers of the same question, in [0, 1]


def classify_texts(
    model: TextModel, texts: Sequence[str], pairs: Sequence[str] | None, top: int
) -> list[list[Any]]:
    """The most probable classes of texts or pairs; their score where there are no classes."""
    encoded = model.tokenizer.encode_batch(texts, pairs, max_length=model.max_length)
    outputs = model.run([(one.ids, one.segments) for one in encoded])
    scores = np.stack([one for (one,) in outputs])
    if scores.shape[1] == 1:
        return [[ScorePrediction(float(row[0]))] for row in scores]
    found: list[list[ClassPrediction]] = classify([scores], model.labels, top)
    return found


def tag_texts(
    model: TextModel, texts: Sequence[str], pairs: Sequence[str] | None, top: int
) -> list[list[EntityPrediction]]:
    """The entities of texts; without names of tags, every word with the number of its tag."""
    sentences = [text.split() for text in texts]
    cut = [cut_words(words, model.tokenizer, max_length=model.max_length) for words in sentences]
    outputs = model.run([(one.tokens, one.segments) for one in cut])
    found = []
    for text, words, one, (scores,) in zip(texts, sentences, cut, outputs, strict=True):
        probs = one.gather(softmax(scores), None)
        found.append(_entities(text, words, probs, model.labels))
    return found


def _entities(
    text: str, words: Sequence[str], probs: Sequence[Any], labels: Sequence[str] | None
) -> list[EntityPrediction]:
    starts, end = [], 0
    for word in words:
        starts.append(text.index(word, end))
        end = starts[-1] + len(word)
    ends = [start + len(word) for start, word in zip(starts, words, strict=True)]
    best = [None if row is None else int(row.argmax()) for row in probs]
    names = [OUTSIDE if tag is None else labels[tag] if labels else f"B-tag {tag}" for tag in best]
    return [
        EntityPrediction(
            kind,
            text[starts[first] : ends[last]],
            starts[first],
            ends[last],
            min(float(probs[word].max()) for word in range(first, last + 1)),
        )
        for kind, first, last in find_entities(names)
    ]


def find_intents(
    model: TextModel, texts: Sequence[str], pairs: Sequence[str] | None, top: int
) -> list[list[IntentPrediction]]:
    """The most probable intents of texts, each with all slots of the text."""
    sentences = [text.split() for text in texts]
    cut = [cut_words(words, model.tokenizer, max_length=model.max_length) for words in sentences]
    outputs = model.run([(one.tokens, one.segments) for one in cut])
    intents = classify([np.stack([scores for scores, _ in outputs])], model.labels, top)
    found = []
    for place, (text, words, one) in enumerate(zip(texts, sentences, cut, strict=True)):
        probs = one.gather(softmax(outputs[place][1]), None)
        slots = tuple(_entities(text, words, probs, model.slots))
        best = [IntentPrediction(i.index, i.label, i.prob, slots) for i in intents[place]]
        found.append(best)
    return found


def answer_questions(
    model: TextModel, texts: Sequence[str], pairs: Sequence[str] | None, top: int
) -> list[list[AnswerPrediction]]:
    """The best answers to questions, found in their contexts, and "" where none is better."""
    if pairs is None:
        raise ValueError("questions are answered from contexts: give one for each question")
    found = []
    for question, context in zip(texts, pairs, strict=True):
        length = model.max_length
        passage = cut_passage(
            question, context, model.tokenizer, length=length, stride=max(1, length // 3)
        )
        outputs = model.run([(window.tokens, window.segments) for window in passage.windows])
        scores = []
        for window, ends in zip(passage.windows, outputs, strict=True):
            first, last = (array[: len(window.tokens)] for array in ends)
            scores.append(Scores(first, last, window.places, window.central))
        spans, null = best_spans(scores, count=max(top, 20))
        rows = [(passage.offsets[s.first][0], passage.offsets[s.last][1], s.score) for s in spans]
        rows.append((0, 0, null))
        probs = softmax(np.array([[score for *_, score in rows]]))[0]
        answers = [
            AnswerPrediction(context[start:end], start, end, float(score), float(prob))
            for (start, end, score), prob in zip(rows, probs, strict=True)
        ]
        found.append(sorted(answers, key=lambda one: -one.score)[:top])
    return found


def embed_texts(
    model: TextModel, texts: Sequence[str], pairs: Sequence[str] | None, top: int
) -> list[np.ndarray]:
    """A vector (units,) for each text."""
    encoded = model.tokenizer.encode_batch(texts, pairs, max_length=model.max_length)
    return [one for (one,) in model.run([(row.ids, row.segments) for row in encoded])]


Reading = Callable[[TextModel, Sequence[str], Sequence[str] | None, int], list[Any]]
TEXT_READINGS: Mapping[str, Reading] = {
    "text_classifier": classify_texts,
    "token_classifier": tag_texts,
    "question_answerer": answer_questions,
    "sentence_encoder": embed_texts,
    "intent_slots": find_intents,
    "parser": parse_texts,
    "masked_language_model": fill_masks,
    "causal_language_model": write_texts,
    "sequence_to_sequence": reply_to_texts,
    "translator": translate_texts,
}
PAIRS = ("text_classifier", "question_answerer", "sentence_encoder")  # tasks that take two texts

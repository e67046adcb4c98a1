"""What a text model's outputs mean, task by task."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import mxnet as mx
import numpy as np

from toolkit.data.batchify import Pad
from toolkit.data.text.passages import cut_passage
from toolkit.data.text.tokenizers import Tokenizer
from toolkit.data.text.word_pieces import cut_words
from toolkit.deploy.classification import ClassPrediction, classify, softmax
from toolkit.model_zoo.generation import Sampling, generate
from toolkit.model_zoo.tasks.answer_spans import Scores, best_spans
from toolkit.utils.metrics.entities import OUTSIDE, find_entities

END = "<|endoftext|>"  # of GPT-2's vocabulary


@dataclass(frozen=True)
class TextModel:
    """A network of ``get_model`` with all that it takes to run on texts."""

    net: Any
    tokenizer: Tokenizer
    labels: tuple[str, ...] | None = None  # names of classes or of tags, by index
    max_length: int = 128  # tokens of a text; of a window where a text is cut into several
    batch_size: int = 16
    max_tokens: int = 64  # words to write,
    sampling: Sampling | None = None  # and how they are chosen; default the likeliest
    ctx: Any = None

    def run(self, rows: Sequence[tuple[Any, Any]]) -> list[tuple[np.ndarray, ...]]:
        """Each row's outputs for its tokens and segments, in the order of the rows."""
        found: list[Any] = [None] * len(rows)
        # Like lengths together, so that little is padded.
        order = np.argsort([-len(tokens) for tokens, _ in rows], kind="stable")
        for start in range(0, len(order), self.batch_size):
            some = order[start : start + self.batch_size]
            arrays = [Pad()([np.asarray(rows[i][part]) for i in some]) for part in (0, 1)]
            arrays.append(np.array([len(rows[i][0]) for i in some]))
            outputs = self.net(*(mx.nd.array(a, dtype="int32", ctx=self.ctx) for a in arrays))
            outputs = outputs if isinstance(outputs, (list, tuple)) else [outputs]
            mx.nd.waitall()
            values = zip(*(output.asnumpy() for output in outputs), strict=True)
            for row, own in zip(some, values, strict=True):
                found[row] = own
        return found


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


def write_texts(
    model: TextModel, texts: Sequence[str], pairs: Sequence[str] | None, top: int
) -> list[str]:
    """What the model goes on with after each text, up to its own end of a text."""
    vocab = model.tokenizer.vocab
    end = vocab.token_to_idx.get(END)
    found = []
    for text in texts:
        ids = model.tokenizer.encode(text).ids
        new = generate(
            model.net, [ids], max_tokens=model.max_tokens, end=end, sampling=model.sampling
        )[0].tolist()
        found.append(model.tokenizer.decode(new[: new.index(end)] if end in new else new))
    return found


Reading = Callable[[TextModel, Sequence[str], Sequence[str] | None, int], list[Any]]
TEXT_READINGS: Mapping[str, Reading] = {
    "text_classifier": classify_texts,
    "token_classifier": tag_texts,
    "question_answerer": answer_questions,
    "sentence_encoder": embed_texts,
    "causal_language_model": write_texts,
}
PAIRS = ("text_classifier", "question_answerer", "sentence_encoder")  # tasks that take two texts

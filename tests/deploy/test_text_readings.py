"""What outputs of text models mean, read off networks whose outputs are known."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import mxnet as mx
import numpy as np
import pytest

from toolkit.data.text.tokenizers import Tokenizer, load_tokenizer
from toolkit.deploy.text_model import TextModel
from toolkit.deploy.text_readings import (
    answer_questions,
    classify_texts,
    embed_texts,
    find_intents,
    tag_texts,
)

WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "good", "bad", "new", "york", "in", "who"]


@pytest.fixture
def tokenizer(tmp_path: Path) -> Tokenizer:
    (tmp_path / "vocab.txt").write_text("\n".join(WORDS) + "\n")
    return load_tokenizer(tmp_path)


def per_token(table: dict[str, list[float]]) -> Callable[..., mx.nd.NDArray]:
    """A network that gives each token the row of its word."""
    width = len(next(iter(table.values())))
    rows = mx.nd.array([table.get(word, [0.0] * width) for word in WORDS])
    return lambda tokens, segments, lengths: rows[tokens]


def test_classes_of_texts_and_pairs(tokenizer: Tokenizer) -> None:
    word = per_token({"good": [2.0, 0.0], "bad": [0.0, 3.0]})

    def net(*inputs: Any) -> mx.nd.NDArray:
        return word(*inputs).sum(axis=1)

    model = TextModel(net, tokenizer, ("praise", "blame"), batch_size=2)
    found = classify_texts(model, ["good", "bad bad bad", "good good good bad"], None, 1)
    assert [row[0].label for row in found] == ["praise", "blame", "praise"]
    assert found[0][0].prob == pytest.approx(np.exp(2) / (np.exp(2) + 1))
    ((best, _),) = classify_texts(model, ["good"], ["bad"], 2)
    assert best.label == "blame"


def test_a_single_class_is_a_score(tokenizer: Tokenizer) -> None:
    word = per_token({"good": [2.5]})
    model = TextModel(lambda *inputs: word(*inputs).sum(axis=1), tokenizer)
    ((one,),) = classify_texts(model, ["good in"], None, 5)
    assert one.score == 2.5


def test_entities_are_pieces_of_the_text(tokenizer: Tokenizer) -> None:
    net = per_token({"new": [0.0, 4.0, 0.0], "york": [0.0, 0.0, 3.0], "in": [9.0, 0.0, 0.0]})
    model = TextModel(net, tokenizer, ("O", "B-place", "I-place"))
    text = "In  New   York in york"
    (found,) = tag_texts(model, [text], None, 5)
    assert [(one.type, one.text) for one in found] == [("place", "New   York"), ("place", "york")]
    assert all(text[one.start : one.end] == one.text for one in found)
    assert found[0].prob == pytest.approx(np.exp(3) / (np.exp(3) + 2))
    (unnamed,) = tag_texts(TextModel(net, tokenizer), ["york"], None, 5)
    assert unnamed[0].type == "tag 2"


def test_intents_come_with_their_slots(tokenizer: Tokenizer) -> None:
    slots = per_token({"york": [0.0, 5.0], "new": [4.0, 0.0]})
    intents = per_token({"who": [0.0, 3.0]})

    def net(*inputs: Any) -> tuple[mx.nd.NDArray, mx.nd.NDArray]:
        return intents(*inputs).sum(axis=1), slots(*inputs)

    model = TextModel(net, tokenizer, ("go", "ask"), ("O", "B-city"))
    first, second = find_intents(model, ["who in York", "new"], None, 2)
    assert [one.label for one in first] == ["ask", "go"]
    assert first[0].prob == pytest.approx(np.exp(3) / (np.exp(3) + 1))
    assert [(slot.type, slot.text, slot.start) for slot in first[0].slots] == [("city", "York", 7)]
    assert second[0].slots == ()


def test_answers_come_from_the_best_window(tokenizer: Tokenizer) -> None:
    table = per_token({"new": [5.0, 0.0], "york": [0.0, 6.0], "[CLS]": [1.0, 1.0]})

    def net(*inputs: Any) -> tuple[mx.nd.NDArray, mx.nd.NDArray]:
        scores = table(*inputs)
        return scores[:, :, 0], scores[:, :, 1]

    model = TextModel(net, tokenizer, max_length=8)
    context = "in in in in in New York in in in"
    (answers,) = answer_questions(model, ["who"], [context], 3)
    assert (answers[0].text, answers[0].score) == ("New York", 11.0)
    assert context[answers[0].start : answers[0].end] == "New York"
    (none,) = answer_questions(model, ["who"], ["in in"], 1)
    assert (none[0].text, none[0].score) == ("", 2.0)
    with pytest.raises(ValueError, match="give one for each"):
        answer_questions(model, ["who"], None, 1)


def test_vectors_are_in_the_order_of_the_texts(tokenizer: Tokenizer) -> None:
    word = per_token({"good": [1.0, 0.0], "bad": [0.0, 1.0]})
    model = TextModel(lambda *inputs: word(*inputs).sum(axis=1), tokenizer, batch_size=1)
    found = embed_texts(model, ["good", "bad bad", "good bad"], None, 0)
    np.testing.assert_array_equal(found, [[1, 0], [0, 2], [1, 1]])

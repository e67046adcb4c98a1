"""What text models write, read off networks that say what is known."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import mxnet as mx
import numpy as np
import pytest

from toolkit.data.text.tokenizers import Tokenizer, load_tokenizer
from toolkit.deploy.text_model import TextModel
from toolkit.deploy.text_writing import fill_masks, reply_to_texts, translate_texts, write_texts

WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "good", "bad", "new", "york", "in", "who"]


@pytest.fixture
def tokenizer(tmp_path: Path) -> Tokenizer:
    (tmp_path / "vocab.txt").write_text("\n".join(WORDS) + "\n")
    return load_tokenizer(tmp_path)


class Vocab(dict):
    """Words by index; those of ``end`` besides."""

    @property
    def token_to_idx(self) -> Vocab:
        return self


class PlainWords:
    """Words of the list, without special tokens; perhaps one of them ends a text."""

    def __init__(self, **end: int) -> None:
        self.vocab = Vocab({word: i for i, word in enumerate(WORDS)} | end)

    def encode(self, text: str) -> Any:
        ids = [WORDS.index(word) for word in text.split()]
        return type("Ids", (), {"ids": ids, "segments": [0] * len(ids)})

    def encode_batch(self, texts: list[str]) -> list[Any]:
        return [self.encode(text) for text in texts]

    def decode(self, ids: list[int]) -> str:
        return " ".join(WORDS[i] for i in ids)


class Counter:
    """Goes on with the number after the last token's, up to one beyond the vocabulary."""

    end = 12
    size = 13

    def step(self, tokens: mx.nd.NDArray, states: Any = None) -> tuple[mx.nd.NDArray, Any]:
        return mx.nd.one_hot((tokens[:, -1] + 1) % self.size, self.size), states


class Replies:
    """Begins each reply with the last token of its text."""

    def writer(self, tokens: Any, segments: Any, valid_length: Any) -> Any:
        last = mx.nd.SequenceLast(tokens.T, valid_length, use_sequence_length=True)
        writer = Counter()
        writer.beginnings = last.asnumpy().astype(int)[:, None].tolist()
        return writer


def test_what_is_written_is_a_text() -> None:
    bare = TextModel(Counter(), PlainWords(), max_tokens=2)
    assert write_texts(bare, ["good"], None, 0) == ["bad new"]


def test_nothing_is_written_beyond_the_end_of_a_text() -> None:
    words = PlainWords(**{"<|endoftext|>": WORDS.index("in")})
    assert write_texts(TextModel(Counter(), words), ["good"], None, 0) == ["bad new york"]


def test_each_text_gets_its_reply() -> None:
    model = TextModel(Replies(), PlainWords(), batch_size=2)
    found = reply_to_texts(model, ["good bad york", "in", "who new bad york in"], None, 0)
    assert found == ["in who", "who", "who"]  # up to the end; number 11 is no word


def test_masks_are_filled_one_by_one(tokenizer: Tokenizer) -> None:
    after = {"new": "york", "[CLS]": "who"}

    def net(tokens: Any, segments: Any, lengths: Any, places: Any) -> mx.nd.NDArray:
        rows = tokens.asnumpy().astype(int)
        scores = np.zeros((*places.shape, len(WORDS)), "float32")
        for row, own in enumerate(places.asnumpy().astype(int)):
            for number, place in enumerate(own):
                before = WORDS[rows[row, place - 1]]
                scores[row, number, WORDS.index(after.get(before, "good"))] = 4
        return mx.nd.array(scores)

    texts = ["[MASK] in new [MASK]", "new [MASK]"]
    first, second = fill_masks(TextModel(net, tokenizer), texts, None, 2)
    assert [(one.mask, one.word) for one in first[::2]] == [(0, "who"), (1, "york")]
    assert len(first) == 4
    assert second[0].word == "york"
    assert second[0].prob == pytest.approx(np.exp(4) / (np.exp(4) + len(WORDS) - 1))
    assert second[0].index == WORDS.index("york")


def test_what_cannot_be_filled_is_refused(tokenizer: Tokenizer) -> None:
    with pytest.raises(ValueError, match=r"there is no \[MASK\] in 'good'"):
        fill_masks(TextModel(None, tokenizer), ["good"], None, 1)
    with pytest.raises(ValueError, match="7 tokens with masks; max_length is 6"):
        fill_masks(TextModel(None, tokenizer, max_length=6), ["good [MASK] in new york"], None, 1)
    words = PlainWords()
    with pytest.raises(ValueError, match="this tokenizer is of another kind"):
        fill_masks(TextModel(None, words), ["good"], None, 1)


def test_translators_read_no_segments() -> None:
    class Translator:
        def writer(self, tokens: Any, valid_length: Any) -> Any:
            return Replies().writer(tokens, None, valid_length)

    texts = ["good bad", "in"]
    replies = reply_to_texts(TextModel(Replies(), PlainWords()), texts, None, 0)
    found = translate_texts(TextModel(Translator(), PlainWords()), texts, None, 0)
    assert found == replies
    assert found[0] != found[1]

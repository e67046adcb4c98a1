"""Words that a model finds: what comes next, an answer of its own, what a mask hides."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from toolkit.deploy.classification import softmax
from toolkit.deploy.text_model import TextModel
from toolkit.model_zoo.generation import generate

END = "<|endoftext|>"  # of GPT-2's vocabulary
MASKS = ("[MASK]", "<mask>")  # of BERT's and of RoBERTa's


@dataclass(frozen=True)
class WordPrediction:
    """A word that may stand where a mask is."""

    mask: int  # which of the text's masks, from 0
    word: str  # or a piece of one
    index: int  # in the vocabulary
    prob: float  # in [0, 1]


def write_texts(
    model: TextModel, texts: Sequence[str], pairs: Sequence[str] | None, top: int
) -> list[str]:
    """What the model goes on with after each text, up to its own end of a text."""
    end = model.tokenizer.vocab.token_to_idx.get(END)
    options = {"max_tokens": model.max_tokens, "end": end, "sampling": model.sampling}
    rows = (generate(model.net, [model.tokenizer.encode(text).ids], **options) for text in texts)
    return [_text(model, row[0], end) for row in rows]


def reply_to_texts(
    model: TextModel, texts: Sequence[str], pairs: Sequence[str] | None, top: int
) -> list[str]:
    """The text that the model writes for each text, which it reads as a whole."""
    return _replies(model, texts, model.net.writer)


def translate_texts(
    model: TextModel, texts: Sequence[str], pairs: Sequence[str] | None, top: int
) -> list[str]:
    """The translation of each text."""
    return _replies(model, texts, lambda tokens, _, lengths: model.net.writer(tokens, lengths))


def _replies(model: TextModel, texts: Sequence[str], read: Callable[..., Any]) -> list[str]:
    found = [""] * len(texts)
    encoded = model.tokenizer.encode_batch(texts)
    for some, inputs in model.batches([(one.ids, one.segments) for one in encoded]):
        writer = read(*inputs)
        rows = generate(
            writer,
            writer.beginnings,
            max_tokens=model.max_tokens,
            end=writer.end,
            sampling=model.sampling,
        )
        for place, row in zip(some, rows, strict=True):
            found[place] = _text(model, row, writer.end)
    return found


def _text(model: TextModel, row: np.ndarray, end: int | None) -> str:
    ids = row.tolist()
    ids = ids[: ids.index(end)] if end in ids else ids
    # A table of words may have more rows than there are words, to make its size a round number.
    return model.tokenizer.decode([i for i in ids if i < len(model.tokenizer.vocab)])


def fill_masks(
    model: TextModel, texts: Sequence[str], pairs: Sequence[str] | None, top: int
) -> list[list[WordPrediction]]:
    """The most probable words at the masks of each text, mask by mask.

    Raises:
        ValueError: the vocabulary has no mask, a text has none, or it is longer than may be read.
    """
    masked = [_cut_at_masks(model, text) for text in texts]
    outputs = model.run([(ids, [0] * len(ids), places) for ids, places in masked])
    found = []
    for (_, places), (scores,) in zip(masked, outputs, strict=True):
        row = []
        for mask, probs in enumerate(softmax(scores[: len(places)])):
            for index in np.argsort(-probs, kind="stable")[:top].tolist():
                word = model.tokenizer.decode([index], skip_special=False).strip()
                row.append(WordPrediction(mask, word, index, float(probs[index])))
        found.append(row)
    return found


def _cut_at_masks(model: TextModel, text: str) -> tuple[list[int], list[int]]:
    """A text in pieces, with its special tokens, and the places of its masks."""
    tokenizer = model.tokenizer
    mask = next((name for name in MASKS if name in tokenizer.vocab), None)
    ends = tokenizer.encode("").ids
    if mask is None or len(ends) != 2:
        raise ValueError(
            f"masks are filled where a vocabulary has one of {', '.join(MASKS)} and a text stands "
            "between two special tokens; this tokenizer is of another kind"
        )
    *parts, last = text.split(mask)
    if not parts:
        raise ValueError(f"there is no {mask} in {text!r}, so there is nothing to fill in")
    ids, places = ends[:1], []
    for part in parts:
        ids += tokenizer.encode(part.rstrip(), special=False).ids  # the mask stands for its blank
        places.append(len(ids))
        ids.append(tokenizer.vocab[mask])
    ids += [*tokenizer.encode(last, special=False).ids, ends[1]]
    if len(ids) > model.max_length:
        raise ValueError(f"{len(ids)} tokens with masks; max_length is {model.max_length}")
    return ids, places

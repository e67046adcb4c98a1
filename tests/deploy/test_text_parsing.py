"""Trees of texts, read off networks whose outputs are known."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import mxnet as mx
import numpy as np
import pytest

from toolkit.data.text.tokenizers import load_tokenizer
from toolkit.deploy import Dependency
from toolkit.deploy.text_model import TextModel
from toolkit.deploy.text_parsing import parse_texts
from toolkit.utils.trees import find_loop

WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "the", "dog", "##s", "bark"]


@pytest.fixture
def tokenizer(tmp_path: Path) -> Any:
    (tmp_path / "vocab.txt").write_text("\n".join(WORDS) + "\n")
    return load_tokenizer(tmp_path)


def everything_depends_on_the_last(
    tokens: mx.nd.NDArray, segments: Any, lengths: Any, places: mx.nd.NDArray
) -> tuple[mx.nd.NDArray, mx.nd.NDArray]:
    """Scores by which the last word is the root and heads all others; padding scores best."""
    rows, width = places.shape
    arcs, relations = np.zeros((rows, width, width)), np.zeros((rows, width, 3, width))
    relations[:, :, 1] = 5
    relations[:, :, 2] = 9  # of the root alone
    for row, own in enumerate(places.asnumpy()):
        last = int((own > 0).sum()) - 1
        arcs[row, :, last] = 2
        arcs[row, last, 0] = 3
        arcs[row, :, last + 1 :] = 99
    return mx.nd.array(arcs), mx.nd.array(relations)


def test_texts_become_trees(tokenizer: Any) -> None:
    net = everything_depends_on_the_last
    model = TextModel(net, tokenizer, ("det", "nsubj", "root"), batch_size=2)
    long, short = parse_texts(model, ["the dogs bark", "bark"], None, 5)
    assert [(d.index, d.word, d.head, d.relation) for d in long] == [
        (1, "the", 3, "nsubj"),
        (2, "dogs", 3, "nsubj"),
        (3, "bark", 0, "root"),
    ]
    assert long[0].prob == pytest.approx(np.exp(2) / (np.exp(2) + 3))
    assert [(d.word, d.head) for d in short] == [("bark", 0)]


def test_relations_without_names_are_numbers(tokenizer: Any) -> None:
    ((one,),) = parse_texts(TextModel(everything_depends_on_the_last, tokenizer), ["dog"], None, 5)
    assert one == Dependency(1, "dog", 0, "2", one.prob)


def test_words_that_are_cut_off_stay_in_the_tree(tokenizer: Any) -> None:
    seen = []

    def net(*inputs: Any) -> Any:
        seen.append(inputs[3].asnumpy().tolist())
        return everything_depends_on_the_last(*inputs)

    model = TextModel(net, tokenizer, max_length=5)
    (found,) = parse_texts(model, ["dogs " * 6], None, 5)
    assert seen == [[[1, 2, 4, 4, 4, 4, 4]]]  # from the third on the place of the second
    assert not find_loop([one.head for one in found])

"""Vocabularies give the numbers that GluonNLP's give."""

from __future__ import annotations

from types import ModuleType

import pytest

from toolkit.data.text import ELMoCharVocab

pytestmark = pytest.mark.parity
WORDS = ["a", "né", "", "x" * 60, "東" * 20, "a\0b", "<bos>", "<eos>", "half\ud800"]


def test_words_are_spelled_as_elmo_was_trained(gluonnlp: ModuleType) -> None:
    theirs = gluonnlp.vocab.ELMoCharVocab()
    assert ELMoCharVocab()[WORDS] == theirs[WORDS]
    assert len(ELMoCharVocab()) == len(theirs)
    assert ELMoCharVocab("x", None)["x"] == gluonnlp.vocab.ELMoCharVocab("x", None)["x"]

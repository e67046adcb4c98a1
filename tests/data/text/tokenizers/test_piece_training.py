from __future__ import annotations

from pathlib import Path

import pytest

from toolkit.data.text.tokenizers import TEMPLATES, SentencePieceTokenizer, train_pieces

TEXTS = ["the miller ran to the mill", "ein Müller lief zur Mühle", "the dog ran home"] * 20


@pytest.mark.parametrize("kind", ["unigram", "bpe"])
def test_texts_are_cut_and_put_together_again(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "new" / "pieces.model"
    train_pieces(TEXTS, 60, path, kind=kind)
    tokenizer = SentencePieceTokenizer(path, template=TEMPLATES["t5"])
    assert tokenizer.vocab.idx_to_token[:3] == ["<pad>", "</s>", "<unk>"]
    assert 20 < len(tokenizer.vocab) <= 60
    ids = tokenizer.encode("the Müller ran").ids
    assert ids[-1] == 1
    assert 2 not in ids
    assert tokenizer.decode(ids) == "the Müller ran"


def test_the_same_texts_give_the_same_model(tmp_path: Path) -> None:
    for name in ("a.model", "b.model"):
        train_pieces(TEXTS, 60, tmp_path / name)
    pieces = [(tmp_path / f"{name}.vocab").read_text() for name in "ab"]
    assert pieces[0] == pieces[1]


def test_other_kinds_and_too_few_pieces_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="unigram and bpe, got 'words'"):
        train_pieces(TEXTS, 60, tmp_path / "a.model", kind="words")
    with pytest.raises(ValueError, match="no model of 4 pieces can be made"):
        train_pieces(TEXTS, 4, tmp_path / "a.model", kind="bpe")

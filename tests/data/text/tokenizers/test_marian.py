from __future__ import annotations

import json
from pathlib import Path

import pytest

from toolkit.data.text.tokenizers import (
    MarianTokenizer,
    SentencePieceTokenizer,
    load_tokenizer,
    train_pieces,
)

SOURCES = ["the miller ran to the mill", "the dog ran home"] * 20
TARGETS = ["ein Müller lief zur Mühle", "der Hund lief heim"] * 20
FIRST, LAST = ["</s>", "<unk>", ">>deu<<"], ["<pad>"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder as OPUS-MT's are: two models, and indices of the pieces of both."""
    folder = tmp_path_factory.mktemp("marian")
    pieces: dict[str, None] = {}
    for name, texts in (("source", SOURCES), ("target", TARGETS)):
        train_pieces(texts, 45, folder / f"{name}.model", kind="bpe")
        (folder / f"{name}.model").rename(folder / f"{name}.spm")
        tokenizer = SentencePieceTokenizer(folder / f"{name}.spm")
        pieces |= dict.fromkeys(tokenizer.vocab.idx_to_token[3:])
    tokens = [*FIRST, *pieces, *LAST]
    (folder / "vocab.json").write_text(json.dumps({token: i for i, token in enumerate(tokens)}))
    return folder


def test_texts_are_cut_by_the_source_and_joined_by_the_target(folder: Path) -> None:
    tokenizer = load_tokenizer(folder)
    assert isinstance(tokenizer, MarianTokenizer)
    encoded = tokenizer.encode("the mill ran")
    own = SentencePieceTokenizer(folder / "source.spm").tokenize("the mill ran")
    assert encoded.tokens == [*own, "</s>"]
    assert encoded.ids == tokenizer.vocab[[*own, "</s>"]]
    assert 1 not in encoded.ids
    targets = MarianTokenizer.load(folder, targets=True)
    ids = targets.encode("der Müller lief").ids
    assert tokenizer.decode([*ids, tokenizer.vocab["<pad>"]]) == "der Müller lief"
    assert tokenizer.vocab.padding_token == "<pad>"


def test_a_text_may_begin_with_its_language(folder: Path) -> None:
    tokenizer = load_tokenizer(folder)
    text = ">>deu<< the dog"
    encoded = tokenizer.encode(text)
    assert encoded.ids[0] == tokenizer.vocab[">>deu<<"] == 2
    assert encoded.ids[1:] == tokenizer.encode("the dog").ids
    first, *others, _ = encoded.offsets
    assert first == (0, 7)
    assert "".join(text[a:b] for a, b in others).strip() == "the dog"


def test_what_is_in_no_vocabulary_is_unknown(folder: Path) -> None:
    ids = load_tokenizer(folder).encode("東 mill").ids
    assert ids.count(1) >= 1


def test_broken_indices_are_refused(folder: Path, tmp_path: Path) -> None:
    for name in ("source.spm", "target.spm"):
        (tmp_path / name).write_bytes((folder / name).read_bytes())
    (tmp_path / "vocab.json").write_text(json.dumps({"</s>": 0, "<unk>": 2, "<pad>": 3}))
    with pytest.raises(ValueError, match="indices of 3 pieces are not 0, 1, 2 and so on"):
        load_tokenizer(tmp_path)

from __future__ import annotations

import pickle
from pathlib import Path

import pytest
from sentencepiece import SentencePieceProcessor

from toolkit.data.text.tokenizers import TEMPLATES, SentencePieceTokenizer


def test_ids_are_the_librarys(spm_file: Path) -> None:
    tokenizer = SentencePieceTokenizer(spm_file, template=TEMPLATES["t5"])
    library = SentencePieceProcessor(model_file=str(spm_file))
    texts = ["hello world", "", "  the  old man ", "ZZ unknown é"]
    assert tokenizer.encode_ids(texts) == [[*library.encode(t), 2] for t in texts]
    assert tokenizer.vocab.padding_token == "<pad>"
    assert (tokenizer.vocab.unknown_token, tokenizer.vocab.eos_token) == ("<unk>", "</s>")
    assert tokenizer.decode(tokenizer.encode("hello  world").ids) == "hello world"


def test_offsets_cover_the_text(spm_file: Path) -> None:
    tokenizer = SentencePieceTokenizer(spm_file)
    for text in ("hello world", "the éé 東京 old", "hello", "", "a\0b"):
        encoding = tokenizer.encode(text)
        assert len(encoding.ids) == len(encoding.tokens) == len(encoding.offsets)
        assert "".join(text[a:b] for a, b in encoding.offsets) == text
        assert tokenizer.vocab[encoding.tokens] == encoding.ids


def test_extra_tokens(spm_file: Path) -> None:
    tokenizer = SentencePieceTokenizer(spm_file, extra_tokens=("<extra_id_0>",))
    last = len(tokenizer.vocab) - 1
    assert tokenizer.vocab["<extra_id_0>"] == last
    ids = [*tokenizer.encode("hello").ids, last, *tokenizer.encode("world").ids]
    assert tokenizer.decode(ids) == "hello <extra_id_0> world"


def test_pickles(spm_file: Path) -> None:
    tokenizer = SentencePieceTokenizer(spm_file)
    again = pickle.loads(pickle.dumps(tokenizer))
    assert again.encode_ids(["hello world"]) == tokenizer.encode_ids(["hello world"])


def test_bad_input(spm_file: Path, tmp_path: Path) -> None:
    tokenizer = SentencePieceTokenizer(spm_file)
    with pytest.raises(ValueError, match="text 1 has half a surrogate pair"):
        tokenizer.encode_ids(["a", "\ud800"])
    for content in (b"", b"text", spm_file.read_bytes()[:200]):
        (tmp_path / "x.model").write_bytes(content)
        with pytest.raises(ValueError, match=r"x\.model is no SentencePiece model"):
            SentencePieceTokenizer(tmp_path / "x.model")
    with pytest.raises(FileNotFoundError):
        SentencePieceTokenizer(tmp_path / "none.model")


@pytest.mark.realdata
def test_real_texts(data_root: Path, real_texts: list[str]) -> None:
    path = data_root / "spm_models/t5_spiece.model"
    tokenizer = SentencePieceTokenizer(path, template=TEMPLATES["t5"])
    library = SentencePieceProcessor(model_file=str(path))
    some = real_texts[::20]
    assert tokenizer.encode_ids(some) == [[*ids, 1] for ids in library.encode(some)]
    for text, encoding in zip(some, tokenizer.encode_batch(some, special=False), strict=True):
        there = "".join(text[a:b] for a, b in encoding.offsets)
        assert "".join(there.split()) == "".join(text.split()).replace("\ufeff", "")

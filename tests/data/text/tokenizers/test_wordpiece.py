from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from toolkit.data.text import Vocab
from toolkit.data.text.tokenizers import WordPieceOptions, WordPieceTokenizer


def test_pieces_and_their_places(wordpiece: WordPieceTokenizer) -> None:
    text = "The unaffable Café, running!"
    encoding = wordpiece.encode(text, special=False)
    assert encoding.tokens == [
        *("the", "un", "##aff", "##able", "cafe", ",", "run", "##ning", "!"),
    ]
    parts = [text[a:b] for a, b in encoding.offsets]
    assert parts == ["The", "un", "aff", "able", "Café", ",", "run", "ning", "!"]
    assert wordpiece.tokenize("thex zz 東京") == ["[UNK]", "[UNK]", "東", "京"]


def test_a_word_that_is_too_long_is_unknown(bert_vocab: Vocab) -> None:
    for engine in ("tokenizers", "python"):
        short = WordPieceTokenizer(bert_vocab, WordPieceOptions(longest_word=6), engine=engine)
        assert short.tokenize("running tower") == ["[UNK]", "tower"]


@pytest.mark.parametrize(
    "options",
    [
        WordPieceOptions(),
        WordPieceOptions(lower=False),
        WordPieceOptions(strip_accents=False),
        WordPieceOptions(lower=False, strip_accents=True, cjk=False),
        WordPieceOptions(special_in_text=True, longest_word=5),
    ],
)
def test_both_engines_agree(
    options: WordPieceOptions, bert_vocab: Vocab, hard_texts: list[str], agree: Callable
) -> None:
    pure = WordPieceTokenizer(bert_vocab, options, engine="python")
    agree(pure, WordPieceTokenizer(bert_vocab, options, engine="tokenizers"), hard_texts)
    found = "[MASK]" in pure.tokenize("a [MASK] b")
    assert found == options.special_in_text


def test_files(tmp_path: Path, bert_vocab: Vocab) -> None:
    lines = tmp_path / "vocab.txt"
    lines.write_text("\n".join(bert_vocab.idx_to_token) + "\n", encoding="utf-8")
    bert_vocab.save(tmp_path / "x.vocab")
    for path in (lines, tmp_path / "x.vocab"):
        assert WordPieceTokenizer.load(path).encode_ids(["running"]) == [[2, 11, 12, 3]]
    (tmp_path / "bad.txt").write_text("a\nb\n")
    with pytest.raises(ValueError, match=r"bad\.txt: unknown special token '\[UNK\]'"):
        WordPieceTokenizer.load(tmp_path / "bad.txt")


def test_an_unknown_token_is_needed() -> None:
    vocab = Vocab.from_tokens(["[CLS]", "[SEP]"])
    with pytest.raises(ValueError, match="needs a vocabulary with an unknown token"):
        WordPieceTokenizer(vocab)


@pytest.mark.realdata
@pytest.mark.parametrize("step", [20, pytest.param(1, marks=pytest.mark.slow)])
@pytest.mark.parametrize("lower", [True, False])
def test_real_texts(
    lower: bool, step: int, data_root: Path, real_texts: list[str], agree: Callable
) -> None:
    path, texts = data_root / "bert_vocab/bert-base-uncased-vocab.txt", real_texts[::step]
    one, other = (
        WordPieceTokenizer.load(path, WordPieceOptions(lower=lower), engine=engine)
        for engine in ("python", "tokenizers")
    )
    agree(one, other, texts)
    for text, encoding in zip(texts, one.encode_batch(texts, special=False), strict=True):
        there = "".join(text[a:b] for a, b in encoding.offsets)
        assert there == "".join(text.split()).replace("\ufeff", "")  # of format, dropped

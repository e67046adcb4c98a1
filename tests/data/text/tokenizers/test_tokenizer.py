from __future__ import annotations

import pickle

import pytest

from toolkit.data.text import Vocab
from toolkit.data.text.tokenizers import (
    TEMPLATES,
    ByteBPETokenizer,
    SentencePieceTokenizer,
    Tokenizer,
    WordPieceTokenizer,
    WordTokenizer,
)


def test_encode_batches_pairs_and_decode(wordpiece: WordPieceTokenizer) -> None:
    one = wordpiece.encode("the cafe", "running")
    assert one.tokens == ["[CLS]", "the", "cafe", "[SEP]", "run", "##ning", "[SEP]"]
    assert one.segments == [0, 0, 0, 0, 1, 1, 1]
    assert one.ids == wordpiece.vocab[one.tokens]
    both = wordpiece.encode_batch(["the", "cafe"], ["a", "b"], special=False)
    assert [e.tokens for e in both] == [["the", "a"], ["cafe", "b"]]
    assert wordpiece.tokenize("running") == ["run", "##ning"]
    assert wordpiece.decode(one.ids) == "the cafe running"
    assert wordpiece.decode(one.ids, skip_special=False).startswith("[CLS] the")
    assert wordpiece.decode_batch([one.ids[:3], [0, 0]]) == ["the cafe", ""]
    assert wordpiece.encode_batch([]) == []


def test_indices_alone_are_the_same(wordpiece: WordPieceTokenizer, hard_texts: list[str]) -> None:
    for options in ({}, {"special": False}, {"max_length": 5}):
        encodings = wordpiece.encode_batch(hard_texts, **options)
        assert wordpiece.encode_ids(hard_texts, **options) == [e.ids for e in encodings]


def test_truncation(wordpiece: WordPieceTokenizer) -> None:
    def tokens(**options: object) -> str:
        return " ".join(wordpiece.encode("a b a b", "i s i", **options).tokens)

    assert tokens(max_length=8) == "[CLS] a b a [SEP] i s [SEP]"
    assert tokens(max_length=8, truncate="first") == "[CLS] a b [SEP] i s i [SEP]"
    assert tokens(max_length=8, truncate="second") == "[CLS] a b a b [SEP] i [SEP]"
    assert tokens(max_length=3) == "[CLS] [SEP] [SEP]"
    with pytest.raises(ValueError, match="max_length leaves -1 tokens"):
        tokens(max_length=2)
    with pytest.raises(ValueError, match=r"texts of \(4, 3\) tokens do not fit into 2"):
        tokens(max_length=5, truncate="first")
    with pytest.raises(ValueError, match="unknown truncation 'longst'; did you mean longest"):
        tokens(truncate="longst")


def test_what_is_no_text_is_named(wordpiece: WordPieceTokenizer) -> None:
    with pytest.raises(ValueError, match=r"text 1 has half a surrogate pair, '\\ud800', at 2"):
        wordpiece.encode_batch(["a", "ab\ud800"])
    with pytest.raises(ValueError, match="text 0 has half a surrogate pair"):
        wordpiece.encode_ids(["\udfff"])
    with pytest.raises(TypeError, match="text 1 is NoneType, expected str"):
        wordpiece.encode_batch(["a", None])
    with pytest.raises(TypeError, match="takes a list of texts"):
        wordpiece.encode_batch("a")
    with pytest.raises(ValueError, match="2 texts need as many pairs, got 1"):
        wordpiece.encode_batch(["a", "b"], ["c"])


def test_a_template_needs_its_tokens() -> None:
    with pytest.raises(ValueError, match=r"unknown special token '\[CLS\]'"):
        WordTokenizer(vocab=Vocab({"a": 1}), template=TEMPLATES["bert"])


def test_pickles_into_workers(wordpiece: WordPieceTokenizer, hard_texts: list[str]) -> None:
    again = pickle.loads(pickle.dumps(wordpiece))
    assert again.encode_ids(hard_texts) == wordpiece.encode_ids(hard_texts)


REPEATS = 700_000
LINE = "hello the cafe " * REPEATS  # 10.5 MB


@pytest.fixture(params=["wordpiece", "byte_bpe", "spm", "words"])
def any_kind(request: pytest.FixtureRequest) -> Tokenizer:
    """One of each kind, the first two by Python: the library is no slower."""
    kind = request.param
    if kind == "wordpiece":
        return WordPieceTokenizer(request.getfixturevalue("bert_vocab"), engine="python")
    if kind == "byte_bpe":
        vocab = request.getfixturevalue("byte_vocab")
        return ByteBPETokenizer(vocab, [("h", "e"), ("Ġ", "w")], engine="python")
    if kind == "spm":
        return SentencePieceTokenizer(request.getfixturevalue("spm_file"))
    return WordTokenizer(vocab=Vocab({"hello": 1, "the": 1, "cafe": 1}))


def test_a_line_of_ten_megabytes(any_kind: Tokenizer) -> None:
    few = any_kind.encode_ids([LINE[:150]], special=False)[0]
    (ids,) = any_kind.encode_ids([LINE], special=False)
    assert len(ids) >= 3 * REPEATS
    assert ids[: len(few) - 2] == few[:-2]
    assert len(ids) == pytest.approx(len(few) * REPEATS / 10, rel=1e-3)


def test_a_long_word_is_unknown(wordpiece: WordPieceTokenizer) -> None:
    assert wordpiece.encode("x" * 1_000_000).tokens == ["[CLS]", "[UNK]", "[SEP]"]


def test_a_long_line_by_either_engine(wordpiece: WordPieceTokenizer) -> None:
    encoding = wordpiece.encode("the cafe " * 100_000)
    assert len(encoding.ids) == 200_002
    assert encoding.offsets[-2] == (899_995, 899_999)

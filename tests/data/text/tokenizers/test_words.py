from __future__ import annotations

import pytest

from toolkit.data.text import Vocab
from toolkit.data.text.tokenizers import Jieba, Moses, Spacy, WordTokenizer


def test_white_space() -> None:
    words = WordTokenizer(vocab=Vocab({"b": 1}))
    text = " ab  b\tab\n"
    encoding = words.encode(text)
    assert encoding.tokens == ["ab", "b", "ab"]
    assert encoding.ids == [0, 4, 0]
    assert [text[a:b] for a, b in encoding.offsets] == encoding.tokens
    assert words.encode_ids([text, ""]) == [[0, 4, 0], []]
    assert words.decode([4, 0]) == "b <unk>"


def test_without_a_vocabulary_there_are_words_alone() -> None:
    words = WordTokenizer()
    assert words.tokenize("a b") == ["a", "b"]
    for call in (lambda: words.encode("a"), lambda: words.encode_ids(["a"]), lambda: words.vocab):
        with pytest.raises(ValueError, match="has no vocabulary"):
            call()


def test_bad_input() -> None:
    words = WordTokenizer(str.upper, Vocab({"A": 1}))
    with pytest.raises(ValueError, match="the word 'A' is not in the text after character 0"):
        words.encode("a")
    with pytest.raises(ValueError, match="text 0 has half a surrogate pair"):
        WordTokenizer(vocab=Vocab()).encode("\ud800")


def test_moses() -> None:
    pytest.importorskip("sacremoses")
    words = WordTokenizer(Moses("en"))
    text = "It's \"fine\", isn't it? Mr. Smith & co."
    tokens = words.tokenize(text)
    assert tokens[:5] == ["It", "'s", '"', "fine", '"']
    assert words.join(tokens) == text


def test_spacy() -> None:
    pytest.importorskip("spacy")
    assert WordTokenizer(Spacy("en")).tokenize("Don't  go.") == ["Do", "n't", "go", "."]


@pytest.mark.filterwarnings("ignore")  # of its own dictionary
def test_jieba() -> None:
    pytest.importorskip("jieba")
    words = WordTokenizer(Jieba())
    assert words.join(words.tokenize("我来到北京清华大学")) == "我来到北京清华大学"


def test_what_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for module, make in {"sacremoses": Moses, "spacy": Spacy, "jieba": Jieba}.items():
        monkeypatch.setitem(__import__("sys").modules, module, None)
        with pytest.raises(ImportError, match=f"{module} is not installed: pip install {module}"):
            make()

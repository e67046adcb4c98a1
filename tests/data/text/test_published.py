from __future__ import annotations

import hashlib
import io
import re
import zipfile
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from sentencepiece import SentencePieceTrainer

from toolkit.data.text import Vocab, get_tokenizer, get_vocab, list_vocabs, published
from toolkit.data.text.published import PublishedFile
from toolkit.data.text.tokenizers import (
    ByteBPETokenizer,
    SentencePieceTokenizer,
    WordPieceTokenizer,
    WordTokenizer,
)
from toolkit.data.text.tokenizers.byte_bpe import byte_letters


def test_the_table() -> None:
    files = published.published_files()
    assert Counter(suffix for _, suffix in files) == {".vocab": 24, ".spiece": 2, ".json": 1}
    assert len(list_vocabs()) == 25
    assert all(re.fullmatch("[0-9a-f]{40}", row.sha1) for row in files.values())
    assert all(row.sha1.startswith(Path(row.file).stem[-8:]) for row in files.values())
    assert {*published.WORDS, published.MERGES, published.ROBERTA} <= {*list_vocabs()}
    with pytest.raises(ValueError, match="unknown vocabulary 'wikitext2'; did you mean wikitext-2"):
        get_vocab("wikitext2")


@pytest.fixture
def mirror(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Publishes small files under real names."""
    rows: dict[tuple[str, str], PublishedFile] = {}
    monkeypatch.setattr(published, "published_files", lambda: rows)
    folder = tmp_path / "mirror/gluon/dataset/vocab"
    folder.mkdir(parents=True)
    monkeypatch.setenv("TOOLKIT_REPO", (tmp_path / "mirror").as_uri())
    monkeypatch.setenv("TOOLKIT_OFFLINE", "1")
    monkeypatch.setenv("TOOLKIT_HOME", str(tmp_path / "home"))

    def publish(name: str, suffix: str, content: bytes) -> None:
        digest = hashlib.sha1(content).hexdigest()
        file = f"{name}-{digest[:8]}{suffix}"
        with zipfile.ZipFile(folder / f"{Path(file).stem}.zip", "w") as archive:
            archive.writestr(file, content)
        rows[name, suffix] = PublishedFile(name, file, digest)

    return publish


def test_wordpiece_and_words(mirror: Any, tmp_path: Path) -> None:
    tokens = ["[UNK]", "[PAD]", "[CLS]", "[SEP]", "The", "the"]
    vocab = Vocab.from_tokens(tokens, unknown_token="[UNK]", padding_token="[PAD]")
    for name in ("book_corpus_wiki_en_uncased", "book_corpus_wiki_en_cased", "wikitext-2"):
        mirror(name, ".vocab", vocab.to_json().encode())
    assert get_vocab("wikitext-2") == vocab
    assert [p.suffix for p in (tmp_path / "home/models").iterdir()] == [".vocab"]
    uncased, cased, words = (
        get_tokenizer(name)
        for name in ("book_corpus_wiki_en_uncased", "book_corpus_wiki_en_cased", "wikitext-2")
    )
    assert isinstance(uncased, WordPieceTokenizer)
    assert (uncased.encode("The").ids, cased.encode("The").ids) == ([2, 5, 3], [2, 4, 3])
    assert isinstance(words, WordTokenizer)
    assert words.encode("The the x").ids == [4, 5, 0]


def test_byte_bpe(mirror: Any) -> None:
    vocab = Vocab.from_tokens([*byte_letters(), "he", "<s>", "</s>"])
    for name in (published.MERGES, published.ROBERTA):
        mirror(name, ".vocab", vocab.to_json().encode())
    mirror(published.MERGES, ".json", b"h e\n")
    assert isinstance(get_tokenizer(published.MERGES), ByteBPETokenizer)
    assert get_tokenizer(published.MERGES).encode("he").ids == [256]
    assert get_tokenizer(published.ROBERTA).encode("he").tokens == ["<s>", "he", "</s>"]


def test_sentencepiece(mirror: Any) -> None:
    proto = io.BytesIO()
    SentencePieceTrainer.train(
        sentence_iterator=iter(["hello world", "how old are you"] * 30),
        model_writer=proto,
        vocab_size=30,
        hard_vocab_limit=False,
        user_defined_symbols=["<sep>", "<cls>"],
        minloglevel=2,
    )
    mirror("xlnet_126gb", ".spiece", proto.getvalue())
    tokenizer = get_tokenizer("xlnet_126gb")
    assert isinstance(tokenizer, SentencePieceTokenizer)
    assert tokenizer.encode("hello").tokens[-2:] == ["<sep>", "<cls>"]
    assert get_vocab("xlnet_126gb") == tokenizer.vocab

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tokenizers import Tokenizer as Library
from tokenizers import models, normalizers, pre_tokenizers, processors

from toolkit.data.text import Vocab
from toolkit.data.text.tokenizers import (
    ByteBPETokenizer,
    JsonTokenizer,
    Template,
    WordPieceTokenizer,
    load_json,
)
from toolkit.data.text.tokenizers.tokenizer_json import read_template

MERGES = [("h", "e"), ("l", "l")]


@pytest.fixture
def bert(bert_vocab: Vocab) -> Library:
    """As Hugging Face makes BERT's, with truncation and padding on."""
    library = Library(models.WordPiece(bert_vocab.token_to_idx, unk_token="[UNK]"))
    library.normalizer = normalizers.BertNormalizer()
    library.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    library.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    library.add_special_tokens(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"])
    library.enable_truncation(4)
    library.enable_padding()
    return library


@pytest.fixture
def roberta(byte_vocab: Vocab) -> Library:
    tokens = [*byte_vocab.idx_to_token, "he", "<s>", "</s>"]
    index = {token: i for i, token in enumerate(dict.fromkeys(tokens))}
    library = Library(models.BPE(index, [("h", "e")]))
    library.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
    ends = (("</s>", index["</s>"]), ("<s>", index["<s>"]))
    library.post_processor = processors.RobertaProcessing(*ends)
    return library


def same(path: Path, library: Library, texts: list[str], engine: str) -> Any:
    loaded = load_json(path, engine=engine)
    library.no_truncation()
    library.no_padding()
    theirs = library.encode_batch(texts)
    assert loaded.encode_ids(texts) == [e.ids for e in theirs]
    pairs = list(zip(texts, reversed(texts), strict=True))
    for ours, e in zip(
        loaded.encode_batch(texts, texts[::-1]), library.encode_batch(pairs), strict=True
    ):
        assert (ours.ids, ours.tokens, ours.segments) == (e.ids, e.tokens, e.type_ids)
    return loaded


@pytest.mark.parametrize("engine", ["tokenizers", "python"])
def test_bert(engine: str, bert: Library, tmp_path: Path, hard_texts: list[str]) -> None:
    path = tmp_path / "tokenizer.json"
    bert.save(str(path))
    loaded = same(path, bert, hard_texts, engine)
    assert isinstance(loaded, WordPieceTokenizer)
    assert loaded.engine == engine
    assert (loaded.vocab.mask_token, loaded.vocab.padding_token) == ("[MASK]", "[PAD]")
    assert loaded.tokenize("a [MASK]") == ["a", "[MASK]"]


@pytest.mark.parametrize("engine", ["tokenizers", "python"])
def test_roberta(engine: str, roberta: Library, tmp_path: Path, hard_texts: list[str]) -> None:
    path = tmp_path / "tokenizer.json"
    roberta.save(str(path))
    assert isinstance(same(path, roberta, hard_texts, engine), ByteBPETokenizer)


def test_others_need_the_library(tmp_path: Path, hard_texts: list[str]) -> None:
    library = Library(models.WordLevel({"a": 0, "[UNK]": 1, "b": 4}, unk_token="[UNK]"))
    library.pre_tokenizer = pre_tokenizers.Whitespace()
    path = tmp_path / "tokenizer.json"
    library.save(str(path))
    loaded = same(path, library, [*hard_texts, "a b a"], "auto")
    assert isinstance(loaded, JsonTokenizer)
    assert loaded.vocab.idx_to_token == ["a", "[UNK]", "(no token 2)", "(no token 3)", "b"]
    assert loaded.decode([0, 4]) == "a b"
    with pytest.raises(ValueError, match=r"tokenizer\.json: a WordLevel .* engine='tokenizers'"):
        load_json(path, engine="python")


@pytest.mark.parametrize(
    ("part", "change"),
    [
        ("model", {"dropout": 0.1}),
        ("pre_tokenizer", {"type": "Whitespace"}),
        ("normalizer", {"type": "NFC"}),
        ("added_tokens", [{"id": 0, "content": "!", "special": False}]),
    ],
)
def test_variants_are_not_taken_for_the_plain_kind(
    part: str, change: Any, roberta: Library, tmp_path: Path
) -> None:
    document = json.loads(roberta.to_str())
    document[part] = {**document[part], **change} if part == "model" else change
    path = tmp_path / "tokenizer.json"
    path.write_text(json.dumps(document))
    with pytest.raises(ValueError, match="needs engine='tokenizers'"):
        load_json(path, engine="python")


def test_templates() -> None:
    bytes_only = {"type": "ByteLevel"}
    bert = {"type": "BertProcessing", "cls": ["[CLS]", 1], "sep": ["[SEP]", 2]}
    expected = Template("[CLS] $A [SEP]", "[CLS] $A [SEP] $B:1 [SEP]:1")
    sequence = {"type": "Sequence", "processors": [bytes_only, bert]}
    for post in (bert, sequence):
        assert read_template({"post_processor": post}) == expected
    assert read_template({"post_processor": None}) == Template()
    with pytest.raises(ValueError, match="unknown post-processor 'Other'"):
        read_template({"post_processor": {"type": "Other"}})


@pytest.mark.parametrize("content", [b"", b"{}", b"[]", b"\xff", b'{"model": 3}'])
def test_what_is_no_such_file(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "tokenizer.json"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"tokenizer\.json is no tokenizer\.json"):
        load_json(path)


def test_a_file_that_the_library_refuses(tmp_path: Path, bert: Library, agree: Callable) -> None:
    document = json.loads(bert.to_str())
    document["model"] = {"type": "Unheard"}
    path = tmp_path / "tokenizer.json"
    path.write_text(json.dumps(document))
    with pytest.raises(ValueError, match="the tokenizers library cannot read it"):
        load_json(path)

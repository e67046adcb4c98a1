from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from toolkit.data.text import Vocab
from toolkit.data.text.tokenizers import (
    TEMPLATES,
    ByteBPETokenizer,
    SentencePieceTokenizer,
    WordPieceTokenizer,
    copy_tokenizer,
    load_tokenizer,
)

MERGES = "#version: 0.2\nh e\nl l\n"


def test_folders_of_bert(tmp_path: Path, bert_vocab: Vocab) -> None:
    (tmp_path / "vocab.txt").write_text("\n".join(bert_vocab.idx_to_token), encoding="utf-8")
    assert load_tokenizer(tmp_path).tokenize("THE") == ["the"]
    (tmp_path / "tokenizer_config.json").write_text('{"do_lower_case": false}')
    loaded = load_tokenizer(tmp_path)
    assert isinstance(loaded, WordPieceTokenizer)
    assert loaded.tokenize("THE") == ["[UNK]"]
    bert_vocab.save(tmp_path / "x.vocab")
    for name in ("vocab.txt", "x.vocab"):
        assert load_tokenizer(tmp_path / name).encode("the").ids == [2, 5, 3]


@pytest.mark.parametrize("names", [("vocab.json", "merges.txt"), ("encoder.json", "vocab.bpe")])
def test_folders_of_gpt2(names: tuple[str, str], tmp_path: Path, byte_vocab: Vocab) -> None:
    tokens = [*byte_vocab.idx_to_token, "<s>", "</s>"]
    (tmp_path / names[0]).write_text(json.dumps({t: i for i, t in enumerate(tokens)}))
    (tmp_path / names[1]).write_text(MERGES)
    loaded = load_tokenizer(tmp_path)
    assert isinstance(loaded, ByteBPETokenizer)
    assert (loaded.tokenize("hell"), loaded.template) == (["he", "ll"], TEMPLATES["plain"])
    assert load_tokenizer(tmp_path, kind="roberta").encode("he").tokens == ["<s>", "he", "</s>"]


def test_sentencepiece(tmp_path: Path, spm_file: Path) -> None:
    shutil.copy(spm_file, tmp_path)
    loaded = load_tokenizer(tmp_path, kind="t5")
    assert isinstance(loaded, SentencePieceTokenizer)
    assert loaded.vocab.idx_to_token[-1] == "<extra_id_0>"
    assert loaded.encode("hello").tokens[-1] == "</s>"
    plain = load_tokenizer(spm_file)
    assert len(loaded.vocab) - len(plain.vocab) == 100
    assert load_tokenizer(tmp_path).template == TEMPLATES["plain"]
    (tmp_path / "config.json").write_text('{"model_type": "t5"}')
    assert load_tokenizer(tmp_path).template == TEMPLATES["t5"]
    assert load_tokenizer(tmp_path, kind="other").template == TEMPLATES["plain"]


def test_files_of_tokenizers_are_copied(tmp_path: Path, bert_vocab: Vocab) -> None:
    source = tmp_path / "source"
    source.mkdir()
    (source / "vocab.txt").write_text("\n".join(bert_vocab.idx_to_token), encoding="utf-8")
    (source / "tokenizer_config.json").write_text('{"do_lower_case": false}')
    (source / "model.safetensors").write_bytes(b"large")
    copy_tokenizer(source, tmp_path / "a" / "b")
    names = {path.name for path in (tmp_path / "a" / "b").iterdir()}
    assert names == {"vocab.txt", "tokenizer_config.json"}
    assert load_tokenizer(tmp_path / "a" / "b").tokenize("THE") == ["[UNK]"]
    copy_tokenizer(source / "vocab.txt", tmp_path / "c")
    assert [path.name for path in (tmp_path / "c").iterdir()] == ["vocab.txt"]
    with pytest.raises(FileNotFoundError, match="a holds no tokenizer"):
        copy_tokenizer(tmp_path / "a", tmp_path / "d")


def test_what_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"holds no tokenizer; looked for tokenizer\.json"):
        load_tokenizer(tmp_path)
    with pytest.raises(FileNotFoundError, match="x is not there"):
        load_tokenizer(tmp_path / "x")
    (tmp_path / "x.doc").write_text("")
    with pytest.raises(ValueError, match=r"expected a folder or one of \.json"):
        load_tokenizer(tmp_path / "x.doc")
    (tmp_path / "tokenizer_config.json").write_text("[")
    with pytest.raises(ValueError, match=r"tokenizer_config\.json is no JSON object"):
        load_tokenizer(tmp_path)

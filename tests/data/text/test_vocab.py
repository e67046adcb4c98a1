from __future__ import annotations

import json
import pickle
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from toolkit.data.text import Vocab

COUNTS = Counter("bbbccaad")


def test_order_is_unknown_special_then_by_count_and_name() -> None:
    vocab = Vocab(COUNTS)
    assert vocab.idx_to_token == ["<unk>", "<pad>", "<bos>", "<eos>", "b", "a", "c", "d"]
    assert vocab["b"] == vocab("b") == vocab.to_indices("b") == 4
    assert vocab[["a", "never", "<pad>"]] == [5, 0, 1]
    assert (len(vocab), "a" in vocab, "never" in vocab) == (8, True, False)


def test_what_is_kept() -> None:
    bare = {"padding_token": None, "bos_token": None, "eos_token": None}
    assert Vocab(COUNTS, 2, **bare).idx_to_token == ["<unk>", "b", "a"]
    assert Vocab(COUNTS, 0, **bare).idx_to_token == ["<unk>"]
    assert Vocab(COUNTS, min_freq=3, **bare).idx_to_token == ["<unk>", "b"]
    vocab = Vocab(COUNTS, unknown_token=None, mask_token="[MASK]", reserved_tokens=["x"], **bare)
    assert vocab.idx_to_token[:3] == ["[MASK]", "x", "b"]
    assert (vocab.mask_token, vocab.padding_token) == ("[MASK]", None)
    assert vocab.reserved_tokens == ["[MASK]", "x"]


def test_one_token_may_serve_several_purposes() -> None:
    vocab = Vocab({"a": 1}, bos_token="<s>", eos_token="<s>", padding_token="<unk>")
    assert vocab.idx_to_token == ["<unk>", "<s>", "a"]
    assert (vocab.bos_token, vocab.eos_token, vocab.padding_token) == ("<s>", "<s>", "<unk>")


def test_wanted_indices_swap_places() -> None:
    vocab = Vocab(COUNTS, token_to_idx={"<pad>": 0, "b": 2})
    assert vocab.idx_to_token == ["<pad>", "<unk>", "b", "<eos>", "<bos>", "a", "c", "d"]
    assert vocab["never"] == 1


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"min_freq": 0}, "min_freq must be 1 or more"),
        ({"max_size": -1}, "max_size 0 or more"),
        ({"reserved_tokens": ["x", "x"]}, "'x' is there twice"),
        ({"reserved_tokens": ["<unk>"]}, "unknown token '<unk>' cannot be reserved"),
        ({"mask": "[M]"}, "called like mask_token, got 'mask'"),
        ({"token_to_idx": {"bb": 0}}, "unknown token in token_to_idx 'bb'"),
        ({"token_to_idx": {"b": 99}}, "puts 'b' at 99; there are 8"),
        ({"token_to_idx": {"b": 1, "a": 1}}, "one index to two tokens"),
    ],
)
def test_wrong_options(options: dict, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        Vocab(COUNTS, **options)


def test_without_an_unknown_token_looking_up_names_the_nearest() -> None:
    vocab = Vocab({"hello": 1}, unknown_token=None)
    for tokens in ("hallo", ["hello", "hallo"]):
        with pytest.raises(KeyError, match=r"'hallo'; did you mean hello.* has no unknown token"):
            vocab[tokens]


def test_tokens_of_indices() -> None:
    vocab = Vocab(COUNTS)
    assert vocab.to_tokens(4) == "b"
    assert vocab.to_tokens(np.array([[4, 5], [0, 1]])) == [["b", "a"], ["<unk>", "<pad>"]]
    for index in (-1, 8):
        with pytest.raises(IndexError, match=f"index {index} is out of range.*0 to 7"):
            vocab.to_tokens([0, index])


def test_exact_tokens() -> None:
    vocab = Vocab.from_tokens(["a", "[UNK]"], unknown_token="[UNK]", mask_token=None)
    assert vocab["never"] == 1
    with pytest.raises(ValueError, match="tokens must differ, 'a' is there twice"):
        Vocab.from_tokens(["a", "a"])
    with pytest.raises(ValueError, match=r"unknown special token '\[UNK\]'"):
        Vocab.from_tokens(["a"], unknown_token="[UNK]")


class Flat:
    """No matrix, whatever is asked for."""

    def __getitem__(self, tokens: list[str]) -> list[int]:
        return [1, 2]


def test_embeddings_stand_side_by_side() -> None:
    class Lengths:
        def __getitem__(self, tokens: list[str]) -> np.ndarray:
            return np.array([[len(t)] for t in tokens])

    vocab = Vocab({"abc": 1})
    vocab.set_embedding(Lengths(), Lengths())
    assert vocab.embedding is not None
    assert vocab.embedding.dtype == np.float32
    assert vocab.embedding.tolist()[-1] == [3, 3]
    assert pickle.loads(pickle.dumps(vocab)) == vocab
    vocab.set_embedding(None)
    assert vocab.embedding is None
    with pytest.raises(ValueError, match=r"an embedding gave \(2,\) for 5 tokens"):
        vocab.set_embedding(Flat())


def test_json_and_files(tmp_path: Path) -> None:
    vocab = Vocab(COUNTS, mask_token="[MASK]", reserved_tokens=["é\ud800"])
    path = tmp_path / "a" / "x.vocab"
    vocab.save(path)
    again = Vocab.load(path)
    assert again.idx_to_token == vocab.idx_to_token
    assert again == Vocab.from_json(vocab.to_json())
    assert (again.mask_token, again["never"]) == ("[MASK]", 0)
    with pytest.raises(ValueError, match="only strings can be written, 1 is none"):
        Vocab({1: 2}).to_json()


def test_one_token_a_line(tmp_path: Path) -> None:
    path = tmp_path / "vocab.txt"
    path.write_text("[PAD]\n[UNK]\na\n", encoding="utf-8")
    vocab = Vocab.load(path, unknown_token="[UNK]", padding_token="[PAD]")
    assert (vocab["zz"], vocab.padding_token, len(vocab)) == (1, "[PAD]", 3)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "the file is empty"),
        (b"{", "not a vocabulary"),
        (b"a\n\xff\n", "can't decode byte 0xff in position 2"),
        (b'{"idx_to_token": ["a"], "unknown_token": "b"}', "unknown special token 'b'"),
        (b"a\nb\na\n", "line 3 repeats"),
    ],
)
def test_broken_files_are_named(tmp_path: Path, content: bytes, reason: str) -> None:
    path = tmp_path / "v.vocab"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=rf"v\.vocab: .*{reason}"):
        Vocab.load(path)


def test_a_nul_and_strange_tokens_survive(tmp_path: Path) -> None:
    vocab = Vocab({"a\0b": 3, " ": 2, "\n": 1})
    vocab.save(tmp_path / "x")
    assert Vocab.load(tmp_path / "x")["a\0b"] == 4
    assert json.loads(vocab.to_json())["token_to_idx"]["\n"] == 6


@pytest.mark.realdata
def test_the_real_vocabulary_of_bert(data_root: Path) -> None:
    path = data_root / "bert_vocab" / "bert-base-uncased-vocab.txt"
    vocab = Vocab.load(path, unknown_token="[UNK]", padding_token="[PAD]")
    assert (len(vocab), vocab["[CLS]"], vocab["[PAD]"], vocab["hello"]) == (30522, 101, 0, 7592)

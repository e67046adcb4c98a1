from __future__ import annotations

import json
import random
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest

from toolkit.data.text import Vocab
from toolkit.data.text.tokenizers import ByteBPETokenizer
from toolkit.data.text.tokenizers.byte_bpe import byte_letters, merged
from toolkit.data.text.tokenizers.template import Template

MERGES = [("h", "e"), ("l", "l"), ("he", "ll"), ("hell", "o"), ("Ġ", "w"), ("Ġw", "o"), ("Ã", "©")]


def naive(symbols: list[str], ranks: dict[tuple[str, str], int]) -> list[str]:
    """The definition: all places of the pair of the lowest rank, from the left, again and again."""
    while True:
        pairs = [p for p in pairwise(symbols) if p in ranks]
        if not pairs:
            return symbols
        best, out, i = min(pairs, key=ranks.__getitem__), [], 0
        while i < len(symbols):
            both = tuple(symbols[i : i + 2]) == best
            out.append("".join(symbols[i : i + 1 + both]))
            i += 1 + both
        symbols = out


def test_merging_is_that_of_the_definition() -> None:
    rng = random.Random(0)
    for _ in range(300):
        known, ranks = list("abc"), {}
        for rank in range(rng.randrange(12)):
            pair = rng.choice(known), rng.choice(known)
            if pair not in ranks:
                ranks[pair] = rank
                known.append("".join(pair))
        word = [rng.choice("abc") for _ in range(rng.randrange(25))]
        assert merged(word, ranks) == naive(word, ranks), (word, ranks)


def test_letters_for_bytes() -> None:
    letters = byte_letters()
    assert (len(set(letters)), letters[32], letters[0], letters[97]) == (256, "Ġ", "Ā", "a")
    assert all(letter.isprintable() and not letter.isspace() for letter in letters)


def test_pieces_and_their_places(byte_bpe: ByteBPETokenizer) -> None:
    text = "hello wo é"
    encoding = byte_bpe.encode(text)
    assert encoding.tokens == ["hello", "Ġwo", "Ġ", "Ã©"]
    assert [text[a:b] for a, b in encoding.offsets] == ["hello", " wo", " ", "é"]
    parted = byte_bpe.encode("東")  # three bytes of one character
    assert parted.offsets == [(0, 1)] * 3


def test_nothing_is_lost(byte_bpe: ByteBPETokenizer, hard_texts: list[str]) -> None:
    assert byte_bpe.decode_batch(byte_bpe.encode_ids(hard_texts)) == hard_texts
    for text, encoding in zip(hard_texts, byte_bpe.encode_batch(hard_texts), strict=True):
        assert "".join(text[a:b] for a, b in dict.fromkeys(encoding.offsets)) == text
    cut_off = byte_bpe.encode("é").ids + byte_bpe.encode("東").ids[:1]
    assert byte_bpe.decode(cut_off) == "é\ufffd"
    end = byte_bpe.vocab["<|end|>"]
    assert byte_bpe.decode([end], skip_special=False) == "<|end|>"


def test_both_engines_agree(byte_vocab: Vocab, hard_texts: list[str], agree: Callable) -> None:
    for options in ({}, {"special_in_text": True}, {"add_blank": True}):
        one, other = (
            ByteBPETokenizer(byte_vocab, MERGES, engine=e, **options)
            for e in ("python", "tokenizers")
        )
        agree(one, other, [*hard_texts, "a<|end|> b"])
        whole = one.vocab["<|end|>"] in one.encode("a<|end|>").ids
        assert whole == ("special_in_text" in options)
    assert ByteBPETokenizer(byte_vocab, MERGES, add_blank=True).encode("wo").offsets == [(0, 2)]


def test_a_long_word_ends(byte_vocab: Vocab) -> None:
    pure = ByteBPETokenizer(byte_vocab, MERGES, engine="python")
    assert pure.encode_ids(["hello" * 40_000])[0] == [byte_vocab["hello"]] * 40_000


def write(folder: Path, vocab: Vocab) -> tuple[Path, Path]:
    (folder / "encoder.json").write_text(json.dumps(vocab.token_to_idx))
    lines = ["#version: 0.2", *(" ".join(pair) for pair in MERGES), ""]
    (folder / "vocab.bpe").write_text("\n".join(lines), encoding="utf-8")
    return folder / "encoder.json", folder / "vocab.bpe"


def test_files(tmp_path: Path, byte_vocab: Vocab, byte_bpe: ByteBPETokenizer) -> None:
    encoder, merges = write(tmp_path, byte_vocab)
    byte_vocab.save(tmp_path / "x.vocab")
    for path in (encoder, tmp_path / "x.vocab"):
        special = {"eos_token": "<|end|>"} if path == encoder else None
        template = Template("$A <|end|>", "$A <|end|> $B")
        loaded = ByteBPETokenizer.load(path, merges, special_tokens=special, template=template)
        assert loaded.merges == tuple(MERGES)
        assert loaded.encode_ids(["hello"]) == [[*byte_bpe.encode("hello").ids, 263]]


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("encoder.json", b"{", "is no JSON"),
        ("encoder.json", b"[]", "is no vocabulary"),
        ("encoder.json", b'{"a": 0, "b": 2}', "no token of index 1, or one twice near 'b'"),
        ("encoder.json", b'{"a": 0, "b": 0}', "no token of index 1, or one twice near 'b'"),
        ("encoder.json", b'{"a": 0}', "lacks bytes .* and an unknown token"),
        ("vocab.bpe", b"", "holds no pair"),
        ("vocab.bpe", b"#version: 0.2\nh e\nl\n", "line 3: expected two tokens, got 'l'"),
        ("vocab.bpe", b"h \xff\n", "is not UTF-8"),
        ("vocab.bpe", b"h z\n", "merge 0 makes 'hz', which the vocabulary has not"),
    ],
)
def test_broken_files(
    tmp_path: Path, byte_vocab: Vocab, name: str, content: bytes, reason: str
) -> None:
    encoder, merges = write(tmp_path, byte_vocab)
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ValueError, match=reason):
        ByteBPETokenizer.load(encoder, merges)


@pytest.mark.realdata
@pytest.mark.parametrize("step", [20, pytest.param(1, marks=pytest.mark.slow)])
def test_real_texts(step: int, data_root: Path, real_texts: list[str], agree: Callable) -> None:
    folder = data_root / "gpt2_bpe"
    files = folder / "encoder.json", folder / "vocab.bpe"
    one, other = (ByteBPETokenizer.load(*files, engine=e) for e in ("python", "tokenizers"))
    agree(one, other, real_texts[::step])
    assert one.decode_batch(one.encode_ids(real_texts[::step])) == real_texts[::step]
    assert one.encode("Hello world").ids == [15496, 995]

from __future__ import annotations

import io
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from sentencepiece import SentencePieceTrainer

from toolkit.data.text import Vocab
from toolkit.data.text.tokenizers import ByteBPETokenizer, Tokenizer, WordPieceTokenizer
from toolkit.data.text.tokenizers.byte_bpe import byte_letters

ENGINES = ("tokenizers", "python")
PIECES = (
    "[PAD] [UNK] [CLS] [SEP] [MASK] the un ##aff ##able cafe resume run ##ning i s , . ! ' ##s "
    "東 京 tower a b ##c - i ##stanbul σ ##α ##σ $ 1 ##2 fine"
)
MERGES = [("h", "e"), ("l", "l"), ("he", "ll"), ("hell", "o"), ("Ġ", "w"), ("Ġw", "o"), ("Ã", "©")]
HARD = [
    "",
    " ",
    "The UNAFFABLE café, résumé!  running's\t\n",
    "東京tower a\0b \ufffd x\u200dy \x1c \x85",
    "İstanbul ΣΑΣ ﬁne e\u0301\u0323 $12 [MASK]",
    "hello hello  hello\n\n world's 'll 've ¡é! ½² Ⅷ 一 १२",
    "\u2028a\u2029b a_b__c 👩‍👩‍👧🇩🇪 ",
    "x" * 150 + " a" * 3,
]


@pytest.fixture
def bert_vocab() -> Vocab:
    special = {"padding_token": "[PAD]", "cls_token": "[CLS]", "sep_token": "[SEP]"}
    tokens = list(dict.fromkeys(PIECES.split()))
    return Vocab.from_tokens(tokens, unknown_token="[UNK]", mask_token="[MASK]", **special)


@pytest.fixture
def byte_vocab() -> Vocab:
    tokens = [*byte_letters(), *("".join(pair) for pair in MERGES), "<|end|>"]
    return Vocab.from_tokens(tokens, eos_token="<|end|>")


@pytest.fixture(params=ENGINES)
def wordpiece(request: pytest.FixtureRequest, bert_vocab: Vocab) -> WordPieceTokenizer:
    """By either engine."""
    return WordPieceTokenizer(bert_vocab, engine=request.param)


@pytest.fixture(params=ENGINES)
def byte_bpe(request: pytest.FixtureRequest, byte_vocab: Vocab) -> ByteBPETokenizer:
    """By either engine."""
    return ByteBPETokenizer(byte_vocab, MERGES, engine=request.param)


@pytest.fixture(scope="session")
def spm_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small unigram model with padding."""
    lines = ["hello world how are you", "the world is wide and old", "say hello to the old man"]
    proto = io.BytesIO()
    SentencePieceTrainer.train(
        sentence_iterator=iter(lines * 30),
        model_writer=proto,
        vocab_size=50,
        pad_id=3,
        hard_vocab_limit=False,
        minloglevel=2,
    )
    path = tmp_path_factory.mktemp("spm") / "spiece.model"
    path.write_bytes(proto.getvalue())
    return path


@pytest.fixture(scope="session")
def agree() -> Callable[[Tokenizer, Tokenizer, Sequence[str]], None]:
    """Asserts that two tokenizers give the same of some texts."""

    def compare(one: Tokenizer, other: Tokenizer, texts: Sequence[str]) -> None:
        assert one.encode_ids(texts) == other.encode_ids(texts)
        ours, theirs = (t.encode_batch(texts) for t in (one, other))
        for text, a, b in zip(texts, ours, theirs, strict=True):
            assert (a.ids, a.tokens, a.offsets) == (b.ids, b.tokens, b.offsets), text[:200]

    return compare


@pytest.fixture(scope="session")
def real_texts(data_root: Path) -> list[str]:
    """A novel, film reviews, and paragraphs, questions and answers: 74234 texts."""
    texts = (data_root / "sentencepiece/data/botchan.txt").read_text("utf-8").split("\n")
    for split in ("train", "dev"):
        table = (data_root / f"glue/glue_data/SST-2/{split}.tsv").read_text("utf-8")
        texts += [line.split("\t")[0] for line in table.split("\n")[1:]]
    document: dict[str, Any] = json.loads((data_root / "xquad/xquad.en.dev30.json").read_text())
    for article in document["data"]:
        for paragraph in article["paragraphs"]:
            texts.append(paragraph["context"])
            for qa in paragraph["qas"]:
                texts += [qa["question"], qa["answers"][0]["text"]]
    assert len(texts) > 70000
    return texts


@pytest.fixture(scope="session")
def hard_texts() -> list[str]:
    return HARD

"""Folders of weights say what a text predictor needs to know."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import mxnet as mx
import numpy as np
import pytest
from sentencepiece import SentencePieceTrainer

from toolkit.data.text.tokenizers import SentencePieceTokenizer, load_tokenizer, train_pieces
from toolkit.deploy import TextPredictor
from toolkit.model_zoo import get_model, save_huggingface
from toolkit.model_zoo.weights import WeightsError

WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "good", "bad", "film", "a", "very"]
SIZES = {"layers": 6, "units": 384, "hidden_units": 16, "heads": 12, "vocab_size": len(WORDS)}
NAME = "minilm_6_384_12"


def write(folder: Path, task: str, labels: list[str]) -> Any:
    """A folder with a tiny network at random and its vocabulary."""
    classes = {"classes": len(labels)} if labels else {}
    net = get_model(NAME, task=task, **SIZES, max_length=16, **classes)
    net.initialize(mx.init.Normal(0.5))
    save_huggingface(net, folder, labels=labels)
    (folder / "vocab.txt").write_text("\n".join(WORDS) + "\n")
    return net


def test_a_folder_says_its_task_and_its_labels(tmp_path: Path) -> None:
    net = write(tmp_path, "text_classifier", ["blame", "praise", "none"])
    predictor = TextPredictor(NAME, tmp_path)
    assert (predictor.task, predictor.model.max_length) == ("text_classifier", 16)
    one, two = predictor(["a film", "very bad " * 20], top=3)
    assert {p.label for p in one} == {"blame", "praise", "none"}
    assert sum(p.prob for p in two) == pytest.approx(1)
    tokens = mx.nd.array([[2, 8, 7, 3]], dtype="int32")
    scores = net(tokens, mx.nd.zeros_like(tokens), mx.nd.array([4], dtype="int32")).asnumpy()
    assert one[0].index == scores[0].argmax()
    alone = predictor("a film", top=3)
    assert [p.label for p in alone] == [p.label for p in one]
    np.testing.assert_allclose([p.prob for p in alone], [p.prob for p in one], atol=1e-3)
    assert [p.index for p in predictor("a film", "bad")] != []


def test_other_labels_and_tasks_may_be_given(tmp_path: Path) -> None:
    write(tmp_path, "token_classifier", ["O", "B-x"])
    (tmp_path / "names.txt").write_text("O\nB-film\n")
    predictor = TextPredictor(NAME, tmp_path, labels=tmp_path / "names.txt")
    assert {one.type for one in predictor(" ".join(WORDS[5:]) * 3)} <= {"film"}
    vectors = TextPredictor(NAME, tmp_path, task="sentence_encoder")(["a film", "bad"])
    np.testing.assert_allclose([np.linalg.norm(v) for v in vectors], 1, rtol=1e-5)


def test_questions_share_a_context(tmp_path: Path) -> None:
    write(tmp_path, "question_answerer", [])
    found = TextPredictor(NAME, tmp_path)(["a", "very"], "good bad film", top=2)
    assert [len(row) for row in found] == [2, 2]
    assert all(one.text in "good bad film" for row in found for one in row)


def test_a_folder_of_hidden_words_fills_masks(tmp_path: Path) -> None:
    write(tmp_path, "masked_language_model", [])
    predictor = TextPredictor(NAME, tmp_path)
    found = predictor("a [MASK] film", top=3)
    assert [one.word in WORDS for one in found] == [True] * 3
    assert sum(one.prob for one in predictor("a [MASK] film", top=len(WORDS))) == pytest.approx(1)


def test_intents_and_slots_take_two_lists_of_names(tmp_path: Path) -> None:
    write(tmp_path, "sentence_encoder", [])  # whose heads start at random
    (tmp_path / "slots.txt").write_text("O\nB-what\n")
    predictor = TextPredictor(
        NAME, tmp_path, task="intent_slots", labels=["go", "ask"], slots=tmp_path / "slots.txt"
    )
    (best,) = predictor("a good film", top=1)
    assert best.label in ("go", "ask")
    assert {slot.type for slot in best.slots} <= {"what"}


def test_words_depend_on_words(tmp_path: Path) -> None:
    write(tmp_path, "sentence_encoder", [])
    net = get_model(NAME, task="parser", classes=3, **SIZES, max_length=16)
    net.initialize(mx.init.Normal(0.5))
    net.save_parameters(str(tmp_path / "w.params"))
    sizes = {**SIZES, "max_length": 16}
    names = {"labels": ["det", "root", "nsubj"], "tokenizer": tmp_path}
    predictor = TextPredictor(NAME, tmp_path / "w.params", task="parser", sizes=sizes, **names)
    for found in predictor(["a very good film", "a " * 20, "bad"]):
        assert [one.index for one in found] == list(range(1, len(found) + 1))
        assert [one.head == 0 for one in found] == [one.relation == "root" for one in found]
        assert [one.head for one in found].count(0) == 1
        assert all(0 <= one.prob <= 1 for one in found)
    assert [one.word for one in predictor("a film")] == ["a", "film"]


def test_a_text_is_written_for_a_text(tmp_path: Path) -> None:
    SentencePieceTrainer.train(
        sentence_iterator=iter(["hello world", "how are you", "say hello to the old man"] * 30),
        model_prefix=str(tmp_path / "spiece"),
        vocab_size=50,
        hard_vocab_limit=False,
        minloglevel=2,
        **{"pad_id": 0, "eos_id": 1, "unk_id": 2, "bos_id": -1},
    )
    words = len(load_tokenizer(tmp_path / "spiece.model").vocab) + 100
    mx.random.seed(1)
    # More rows than words, as T5's own table has.
    sizes = {"layers": 1, "units": 16, "heads": 2}
    net = get_model("t5_small", **sizes, hidden_units=16, vocab_size=words + 28)
    net.initialize(mx.init.Normal(0.5))
    save_huggingface(net, tmp_path)
    with pytest.raises(WeightsError, match="Pass layers=1, units=16, heads=2"):
        TextPredictor("t5_small", tmp_path)
    predictor = TextPredictor("t5_small", tmp_path, max_tokens=5, sizes=sizes)
    assert predictor.task == "sequence_to_sequence"
    assert predictor.model.tokenizer.encode("hello").tokens[-1] == "</s>"
    found = predictor(["hello world how are you", "say", ""])
    assert all(isinstance(one, str) for one in found)
    assert any(found)
    assert predictor("say") == found[1]


def test_what_does_not_fit_is_named(tmp_path: Path) -> None:
    write(tmp_path, "token_classifier", ["O", "B-x"])
    predictor = TextPredictor(NAME, tmp_path)
    with pytest.raises(ValueError, match="single texts, not pairs"):
        predictor("a", "film")
    with pytest.raises(ValueError, match="no texts"):
        predictor([])
    pairs = TextPredictor(NAME, tmp_path, task="sentence_encoder")
    with pytest.raises(ValueError, match="2 texts need as many pairs, got 1"):
        pairs(["a", "b"], ["a"])
    with pytest.raises(ValueError, match=r"task of texts 'text_clasifier'.*text_classifier"):
        TextPredictor(NAME, tmp_path, task="text_clasifier")
    net = get_model(NAME, **SIZES)
    net.initialize()
    net.save_parameters(str(tmp_path / "w.params"))
    with pytest.raises(ValueError, match="nothing says how texts are cut"):
        TextPredictor(NAME, tmp_path / "w.params", task="sentence_encoder")


def test_a_translators_folder_translates(tmp_path: Path) -> None:
    texts = ["the miller ran to the mill", "ein Hund lief zur Mühle"] * 10
    train_pieces(texts, 45, tmp_path / "pieces.model", kind="bpe")
    for name in ("source.spm", "target.spm"):
        (tmp_path / name).write_bytes((tmp_path / "pieces.model").read_bytes())
    words = SentencePieceTokenizer(tmp_path / "source.spm").vocab.idx_to_token
    (tmp_path / "vocab.json").write_text(json.dumps({word: i for i, word in enumerate(words)}))
    sizes = {"layers": 1, "units": 16, "heads": 2, "vocab_size": len(words), "start": 0, "end": 1}
    mx.random.seed(0)
    net = get_model("marian_6_512_8", **sizes)
    net.initialize(mx.init.Normal(0.5))
    save_huggingface(net, tmp_path)
    own = {key: sizes[key] for key in ("layers", "units", "heads")}
    predictor = TextPredictor("marian_6_512_8", tmp_path, sizes=own, max_tokens=5)
    assert predictor.task == "translator"
    found = predictor(["the mill", "the miller ran"])
    assert found[1] == predictor("the miller ran")
    assert all(isinstance(text, str) for text in found)
    assert any(found)

"""The recipes for text encoders run from files to files, on tiny data."""

from __future__ import annotations

import importlib.util
import json
import sys
import zipfile
from pathlib import Path
from types import ModuleType

import mxnet as mx
import numpy as np
import pytest

from toolkit.data.text.datasets.questions import Answer, Question
from toolkit.data.text.passages import Passage
from toolkit.data.text.windows import question_windows
from toolkit.deploy import TextPredictor
from toolkit.deploy import load as open_export
from toolkit.model_zoo import get_model, save_huggingface

SCRIPTS = Path(__file__).resolve().parents[2] / "scripts" / "bert"
sys.path.insert(0, str(SCRIPTS))  # scripts import what they share by its plain name
WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "good", "bad", "film", "a", "very"]
SIZES = {"layers": 1, "units": 384, "hidden_units": 16, "heads": 12, "vocab_size": len(WORDS)}


def load(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, SCRIPTS / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    """A folder with a tiny encoder of six layers and its vocabulary."""
    net = get_model("minilm_6_384_12", **{**SIZES, "layers": 6}, max_length=16)
    net.initialize(mx.init.Normal(0.02))
    save_huggingface(net, tmp_path / "weights")
    (tmp_path / "weights" / "vocab.txt").write_text("\n".join(WORDS) + "\n")
    return tmp_path / "weights"


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A task with a sentence and one with a pair."""
    lines = ["a good film\t1", "a very bad film\t0", "good\t1", "very bad\t0"] * 3
    rows = ["0\ta\ta good film\ta very good film\t4.5", "1\ta\tgood film\tbad film\t1.0"] * 4
    for folder, header, body in (
        ("SST-2", "sentence\tlabel", lines),
        ("STS-B", "index\tgenre\tsentence1\tsentence2\tscore", rows),
    ):
        (tmp_path / folder).mkdir()
        for split in ("train", "dev"):
            text = "\n".join([header, *body]) + "\n"
            (tmp_path / folder / f"{split}.tsv").write_text(text)
    return tmp_path


@pytest.mark.parametrize("task", ["SST-2", "STS-B"])
def test_an_encoder_is_fine_tuned(
    task: str, weights: Path, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    script = load("finetune_classifier")
    out = tmp_path / "out"
    options = [str(data), "--task", task, "--model", "minilm_6_384_12", "--weights", str(weights)]
    options += ["--epochs", "1", "--batch-size", "4", "--layer-decay", "0.9", "--out", str(out)]
    scores = script.main(script.parse(options))
    printed = json.loads(capsys.readouterr().out.strip().splitlines()[-1])
    assert printed["task"] == task
    assert set(scores) == {"SST-2": {"accuracy"}, "STS-B": {"pearson", "spearman"}}[task]
    lines = (out / "predictions.tsv").read_text().splitlines()
    assert lines[0] == "index\tprediction"
    assert len(lines) == 1 + {"SST-2": 12, "STS-B": 8}[task]
    assert (out / "final.params").is_file()
    assert (out / "log.jsonl").is_file()
    small = load("quantize_classifier")
    options = [str(data), "--task", task, "--model", "minilm_6_384_12"]
    options += ["--weights", str(out / "model"), "--out", str(out / "exported")]
    found = small.main(small.parse(options))
    assert found["before"] == pytest.approx(scores[found["measure"]], abs=1e-3)
    assert found["layers"] >= 5 * 6  # six in each layer but at the ends
    tokens = np.zeros((3, 9), np.int32)
    runner = open_export(out / "exported" / "int8")
    assert runner(tokens, tokens, np.full(3, 9, np.int32))[0].shape[0] == 3


def test_files_without_labels_are_answered(weights: Path, data: Path, tmp_path: Path) -> None:
    (data / "SST-2" / "test.tsv").write_text("index\tsentence\n0\tgood\n1\ta bad film\n2\ta\n")
    run(
        "finetune_classifier",
        [data, "--task", "SST-2", "--hand-in", "SST-2", *tiny(weights, tmp_path)],
    )
    header, *lines = (tmp_path / "SST-2.tsv").read_text().splitlines()
    assert header == "index\tprediction"
    assert [line.partition("\t")[0] for line in lines] == ["0", "1", "2"]
    assert {line.partition("\t")[2] for line in lines} <= {"0", "1"}


def test_a_file_of_another_task_is_not_answered(capsys: pytest.CaptureFixture[str]) -> None:
    script = load("finetune_classifier")
    with pytest.raises(SystemExit):
        script.parse(["data", "--task", "RTE", "--hand-in", "AX", "--out", "out"])
    assert "AX is answered by a network for MNLI, not RTE" in capsys.readouterr().err


def test_lines_become_vectors(weights: Path, tmp_path: Path) -> None:
    script = load("embed")
    (tmp_path / "lines.txt").write_text("a good film\nbad\na very bad film\nbad\n")
    options = [str(tmp_path / "lines.txt"), "--model", "minilm_6_384_12", "--batch-size", "2"]
    options += ["--weights", str(weights), "--out", str(tmp_path / "vectors.npy")]
    vectors = script.main(script.parse(options))
    np.testing.assert_array_equal(np.load(tmp_path / "vectors.npy"), vectors)
    assert vectors.shape == (4, 384)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, rtol=1e-5)
    # The same line has the same vector, whatever is beside it in its batch.
    np.testing.assert_allclose(vectors[1], vectors[3], rtol=1e-4, atol=1e-5)
    assert np.abs(vectors[0] - vectors[1]).max() > 1e-3
    (tmp_path / "lines.txt").write_text("")
    with pytest.raises(ValueError, match="has no lines"):
        script.main(script.parse(options))


def test_a_data_set_of_single_sentences_is_a_task(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "qc.zip", "w") as archive:
        for name in ("train", "test"):
            archive.writestr(f"qc/{name}.txt", "NUM:date When ?\nHUM:ind Who ?\n")
    load("finetune_classifier")
    task = sys.modules["classifier_data"].read_task(tmp_path, "TREC", 1)
    assert (len(task.classes), task.measures) == (6, ("accuracy",))
    (example,) = task.scored
    assert (example.first, example.second) == ("When ?", None)
    assert task.classes[int(example.label)] == "NUM"


def run(name: str, arguments: list[object]) -> dict[str, float]:
    script = load(name)
    return script.main(script.parse([str(argument) for argument in arguments]))


def tiny(weights: Path, out: Path) -> list[object]:
    """Options of a short training of the tiny encoder."""
    given = ["--model", "minilm_6_384_12", "--weights", weights, "--epochs", 1]
    return [*given, "--batch-size", 4, "--max-length", 16, "--out", out]


def test_words_are_tagged(weights: Path, tmp_path: Path) -> None:
    lines = ["a\tO", "very\tB-x", "good\tI-x", "film\tO", "", "bad\tB-y", "film\tO", ""] * 3
    for name in ("wnut17train.conll", "emerging.dev.conll"):
        (tmp_path / name).write_text("\n".join(lines))
    scores = run("finetune_ner", [tmp_path, *tiny(weights, tmp_path / "out")])
    assert scores.keys() == {"entity_precision", "entity_recall", "entity_f1"}
    rows = (tmp_path / "out" / "predictions.conll").read_text().splitlines()
    assert [row.split()[:2] for row in rows] == [line.split("\t") if line else [] for line in lines]
    config = json.loads((tmp_path / "out" / "model" / "config.json").read_text())
    tags = list(config["id2label"].values())
    assert tags == ["B-x", "B-y", "I-x", "O"]
    found = TextPredictor("minilm_6_384_12", tmp_path / "out" / "model")("very bad film")
    predicted = [row.split()[2] for row in rows if row]
    assert {one.type for one in found} <= {tag[2:] for tag in tags}
    assert set(predicted) <= set(tags)


def test_intents_and_slots_are_learned(weights: Path, tmp_path: Path) -> None:
    for split in ("train", "test"):
        (tmp_path / split).mkdir()
        (tmp_path / split / "seq.in").write_text("a good film\nvery bad\n" * 3)
        (tmp_path / split / "seq.out").write_text("O B-x I-x\nO B-y\n" * 3)
        (tmp_path / split / "label").write_text("praise\nblame\n" * 3)
    scores = run("finetune_intents", [tmp_path, *tiny(weights, tmp_path / "out")])
    assert scores.keys() == {"intent_accuracy", "slot_f1", "whole"}
    assert (tmp_path / "out" / "intents.txt").read_text().split() == ["blame", "praise"]
    rows = (tmp_path / "out" / "predictions.tsv").read_text().splitlines()
    assert [row.split("\t")[2] for row in rows] == ["a good film", "very bad"] * 3


def test_shares_of_intents_slots_and_whole_sentences() -> None:
    script = load("finetune_intents")
    true = [(["a", "b"], ["O", "B-x"], "p"), (["a"], ["O"], "q")]
    found = [(["a", "b"], ["O", "B-x"], "q"), (["a"], ["B-x"], "q")]
    assert script.score(true, true) == {"intent_accuracy": 1, "slot_f1": 1, "whole": 1}
    scores = script.score(true, found)
    assert scores == {"intent_accuracy": 0.5, "slot_f1": pytest.approx(2 / 3), "whole": 0}


def squad_file(path: Path, *, impossible: bool) -> Path:
    context = "a very good film"
    answers = [{"text": "good film", "answer_start": context.index("good")}]
    questions = [{"id": "1", "question": "very a", "answers": answers}]
    if impossible:
        questions.append({"id": "2", "question": "bad", "answers": [], "is_impossible": True})
    paragraphs = [{"context": context, "qas": questions}]
    path.write_text(json.dumps({"version": "2.0", "data": [{"paragraphs": paragraphs}]}))
    return path


@pytest.mark.parametrize("impossible", [False, True])
def test_questions_are_answered(impossible: bool, weights: Path, tmp_path: Path) -> None:
    path = squad_file(tmp_path / "squad.json", impossible=impossible)
    options = ["--train", path, "--test", path, "--stride", 2, *tiny(weights, tmp_path / "out")]
    scores = run("finetune_squad", [*options, "--max-length", 8, "--learning-rate", 1e-9])
    assert {"exact", "f1"} <= scores.keys()
    assert ("best_threshold" in scores) == impossible
    answers, lists, odds = (
        json.loads((tmp_path / "out" / f"{name}.json").read_text())
        for name in ("predictions", "nbest_predictions", "null_odds")
    )
    assert answers.keys() == lists.keys() == odds.keys() == ({"1", "2"} if impossible else {"1"})
    assert sum(one["probability"] for one in lists["1"]) == pytest.approx(1)
    assert all(one["text"] in "a very good film" for one in lists["1"])
    best = lists["1"][0]["text"]
    assert answers["1"] == ("" if impossible and odds["1"] > 0 else best)


def test_the_answer_of_a_window_is_learned_where_the_window_holds_it() -> None:
    script = load("finetune_squad")
    windows = question_windows([7], range(10, 16), first=2, separator=3, length=8, stride=2)
    passage = Passage("abcdef", [(i, i + 1) for i in range(6)], windows)
    questions = [
        Question("1", "?", "abcdef", (Answer("de", 3),)),
        Question("2", "?", "abcdef", (), impossible=True),
    ]
    rows = script.samples(questions, [passage] * 2)
    ends = [tuple(int(end) for end in row[3:]) for row in rows]
    assert ends == [(0, 0), (4, 5), (0, 0), (0, 0)]


def test_an_encoder_is_trained_from_nothing(weights: Path, tmp_path: Path) -> None:
    text = tmp_path / "text.txt"
    text.write_text("a good film\nvery good\nbad film\n\nvery bad\na film\n\n" * 4)
    out, sizes = tmp_path / "out", [f"{key}={value}" for key, value in SIZES.items()]
    options = [text, "--test", text, "--tokenizer", weights, "--model", "minilm_6_384_12"]
    options += ["--set", *sizes, "--epochs", 1, "--epoch-updates", 2, "--batch-size", 4]
    scores = run("pretrain", [*options, "--max-length", 12, "--out", out])
    assert scores.keys() == {"val_loss", "val_words", "val_following"}
    assert all(0 <= scores[name] <= 1 for name in ("val_words", "val_following"))
    net = get_model(
        "minilm_6_384_12", out / "model", **{k: SIZES[k] for k in ("layers", "units", "heads")}
    )
    assert net.vocab_size == len(WORDS)

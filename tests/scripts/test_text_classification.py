"""The recipe for text classification runs from files to files, on tiny data."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "text_classification" / "train.py"
TINY = ["--epochs", "1", "--batch-size", "6", "--channels", "3", "--units", "4"]


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(SCRIPT.parent))  # for what it shares with its neighbours
    spec = importlib.util.spec_from_file_location("train_text_classification", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A tiny TREC, MR and SST-2, and vectors of two words."""
    questions = ["NUM:count How many ?", "LOC:city Where is it ?", "HUM:ind Who ?"] * 4
    for name in ("train", "test"):
        (tmp_path / f"{name}.txt").write_text("\n".join(questions) + "\n")
    (tmp_path / "rt-polarity.all").write_text("1 a good film\n0 bad\n" * 10)
    (tmp_path / "SST-2").mkdir()
    for name in ("train", "dev"):
        lines = ["sentence\tlabel", *["a good film\t1", "bad\t0"] * 4]
        (tmp_path / "SST-2" / f"{name}.tsv").write_text("\n".join(lines) + "\n")
    (tmp_path / "vectors.txt").write_text("how 1.0 2.0 3.0\nwho 0.5 0.5 0.5\n")
    return tmp_path


@pytest.mark.parametrize(
    ("name", "model", "options"),
    [
        ("TREC", "text_cnn", ["--widths", "1", "2", "--hold-out", "0.5", "--pool", "max", "sum"]),
        ("MR", "bag_of_vectors", ["--pool", "attention"]),
        ("SST-2", "lstm", ["--hidden", "3", "--average", "0.9"]),
        ("SST-2", "fasttext", ["--buckets", "20", "--dropout", "0"]),
        ("SST-2", "text_cnn", ["--widths", "1", "--subwords", "30"]),
        ("TREC", "lstm", ["--hidden", "3", "--subwords", "30", "--subword-lengths", "2"]),
        ("MR", "bag_of_vectors", ["--subwords", "30"]),
    ],
)
def test_a_network_is_trained_and_scored(
    script: ModuleType,
    data: Path,
    name: str,
    model: str,
    options: list[str],
    capsys: pytest.CaptureFixture[str],
) -> None:
    out = data / "out"
    arguments = ["--data-set", name, "--model", model, *TINY, *options, "--out", str(out)]
    result = script.main(script.parse([str(data), *arguments]))
    printed = json.loads(capsys.readouterr().out.strip().splitlines()[-1])
    assert printed == {"data": name, "model": model, "seed": 1, **result}
    assert 0 <= result["accuracy"] <= 1
    for file in ("final.params", "log.jsonl", "run.json", "words.vocab"):
        assert (out / file).is_file(), file


@pytest.mark.parametrize("mode", ["static", "non-static", "multichannel"])
def test_published_vectors_come_in(script: ModuleType, data: Path, mode: str) -> None:
    options = [str(data), "--mode", mode, "--vectors", str(data / "vectors.txt"), *TINY]
    args = script.parse([*options, "--out", str(data / "out")])
    vocab = script.Vocab(script.count_tokens(["how", "many"]))
    net = script.make_net(args, script.Ids(script.Words(), vocab), 3)
    for table in net.words.tables:
        row = table.weight.data().asnumpy()[vocab["how"]]
        assert row.tolist() == [1.0, 2.0, 3.0]
    script.main(args)
    assert (data / "out" / "final.params").is_file()


def test_several_pools_are_refused_where_there_is_one(script: ModuleType, data: Path) -> None:
    options = ["--model", "lstm", "--pool", "mean", "sum", "--out", str(data / "out")]
    with pytest.raises(ValueError, match="lstm has one pool, got mean, sum"):
        script.main(script.parse([str(data), *options]))


def test_ngrams_stand_behind_the_words(script: ModuleType) -> None:
    vocab = script.Vocab(script.count_tokens(["how", "many"]))
    ngrams = script.WordNGrams(1000)
    ids = script.Ids(script.Words(), vocab, ngrams)
    assert len(ids) == len(vocab) + 1000
    expected = [*vocab[["how", "many", "?"]], *(len(vocab) + ngrams(["how", "many", "?"]))]
    assert ids("How many ?").tolist() == expected


def test_words_come_with_their_ngrams_of_characters(script: ModuleType) -> None:
    vocab = script.Vocab(script.count_tokens(["how", "many"]))
    hashes = script.NGramHashes(1000, (3,))
    ids = script.Ids(script.Words(), vocab, subwords=script.SubwordRows(hashes))
    expected = [
        [vocab["how"], *map(hashes.hash, ["<ho", "how", "ow>"]), -1],
        [vocab["<unk>"], *map(hashes.hash, ["<ma", "man", "ans", "ns>"])],
    ]
    assert ids("How mans").tolist() == expected
    assert ids("How mans").tolist() == expected  # of words that it knows by now, too


def test_ngrams_of_words_and_of_characters_exclude_each_other(
    script: ModuleType, data: Path
) -> None:
    options = ["--model", "fasttext", "--subwords", "10", "--out", str(data / "out")]
    with pytest.raises(ValueError, match="fasttext has n-grams of words, got --subwords 10"):
        script.main(script.parse([str(data), *options]))


def test_the_averaged_weights_are_those_that_are_kept(script: ModuleType, data: Path) -> None:
    nets = []
    for options in ([], ["--average", "0.9"]):
        out = data / f"out{len(options)}"
        script.main(script.parse([str(data), *TINY, *options, "--out", str(out)]))
        nets.append((out / "final.params").read_bytes())
    assert nets[0] != nets[1]


def test_what_is_held_out_is_not_trained_with(script: ModuleType, data: Path) -> None:
    lines = "".join(f"NUM:count question {i}\n" for i in range(20))
    (data / "train.txt").write_text(lines)
    training, held_out, _ = script.open_samples(data, "TREC", share=0.25)
    assert (len(training), len(held_out)) == (15, 5)
    assert not set(training) & set(held_out)


def test_folds_cut_a_set_without_splits(script: ModuleType, data: Path) -> None:
    (data / "rt-polarity.all").write_text("".join(f"1 film {i}\n" for i in range(20)))
    tested = []
    for fold in range(10):
        training, testing, _ = script.open_samples(data, "MR", fold=fold)
        assert not set(training) & set(testing)
        tested += testing
    assert len(set(tested)) == len(tested) == 20


def test_vectors_belong_to_the_modes_that_take_them(script: ModuleType, data: Path) -> None:
    args = script.parse([str(data), "--mode", "static", "--out", str(data / "out")])
    with pytest.raises(ValueError, match="all but rand need them"):
        script.main(args)


def test_a_finished_run_is_scored_again(script: ModuleType, data: Path) -> None:
    args = script.parse([str(data), *TINY, "--out", str(data / "out")])
    expected = script.main(args)
    weights = (data / "out" / "final.params").read_bytes()
    assert script.main(args) == expected
    assert (data / "out" / "final.params").read_bytes() == weights


def test_a_run_that_was_broken_off_goes_on(
    script: ModuleType, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = [str(data), *TINY, "--epochs", "7"]
    script.main(script.parse([*options, "--out", str(data / "whole")]))

    class Broken(script.Progress):
        def on_epoch(self, run: object) -> None:
            if run.epoch == 6:
                raise KeyboardInterrupt

    args = script.parse([*options, "--out", str(data / "out")])
    with monkeypatch.context() as patch:
        patch.setattr(script, "Progress", Broken)
        with pytest.raises(KeyboardInterrupt):
            script.main(args)
    assert not (data / "out" / "final.params").exists()
    script.main(args)
    events = [json.loads(line) for line in (data / "out" / "log.jsonl").read_text().splitlines()]
    resumes = [event["step"] for event in events if event["event"] == "resume"]
    assert resumes == [10]  # two updates an epoch, a checkpoint each five
    whole, resumed = (data / name / "final.params" for name in ("whole", "out"))
    assert resumed.read_bytes() == whole.read_bytes()


def test_whole_sentences_of_phrases_are_held_out(script: ModuleType) -> None:
    samples = sys.modules["samples"]
    sentences = [(f"it is {i} good films .", i % 2) for i in range(10)]
    parts = [("it is", 1), ("good films .", 1), *((f"is {i} good", 0) for i in range(10))]
    order = samples.np.random.default_rng(0)
    train, scored = samples.parted_sentences([*parts, *sentences], 0.3, order)
    assert len(scored) == 3
    assert set(scored) < set(sentences)
    numbers = {text.split()[2] for text, _ in scored}
    assert {("it is", 1), ("good films .", 1)} < set(train)  # they are in others, too
    assert len(train) == 2 + 7 + 7
    assert not any(number in text.split() for text, _ in train for number in numbers)

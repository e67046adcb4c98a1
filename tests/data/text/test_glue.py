from __future__ import annotations

from pathlib import Path

import pytest

from toolkit.data.text.glue import GLUE, TESTS, Example, read_glue, read_glue_test


def write(root: Path, folder: str, file: str, text: str) -> None:
    (root / folder).mkdir(exist_ok=True)
    (root / folder / f"{file}.tsv").write_text(text, encoding="utf-8")


def test_a_pair_is_read_with_its_quotation_marks(tmp_path: Path) -> None:
    header = "\ufeffQuality\t#1 ID\t#2 ID\t#1 String\t#2 String\n"
    write(tmp_path, "MRPC", "train", header + '1\t7\t8\tHe said " no .\tHe " agreed .\r\n\n')
    assert read_glue(tmp_path, "MRPC") == [Example('He said " no .', 'He " agreed .', 1.0)]


def test_a_file_without_a_header_is_read_by_place(tmp_path: Path) -> None:
    write(tmp_path, "CoLA", "dev", "gj04\t1\t\tIt rained.\ngj04\t0\t*\tRained it has.\n")
    assert read_glue(tmp_path, "CoLA", "dev") == [
        Example("It rained.", None, 1.0),
        Example("Rained it has.", None, 0.0),
    ]


def test_classes_are_numbered_and_scores_are_numbers(tmp_path: Path) -> None:
    write(tmp_path, "RTE", "train", "index\tsentence1\tsentence2\tlabel\n0\ta\tb\tnot_entailment\n")
    assert read_glue(tmp_path, "RTE")[0].label == 1
    write(tmp_path, "STS-B", "dev", "index\tsentence1\tsentence2\tscore\n0\ta\tb\t4.75\n")
    assert read_glue(tmp_path, "STS-B", "dev")[0].label == 4.75


def test_mnli_has_two_development_sets(tmp_path: Path) -> None:
    header = "sentence1\tsentence2\tgold_label\n"
    write(tmp_path, "MNLI", "dev_matched", header + "a\tb\tneutral\n")
    write(tmp_path, "MNLI", "dev_mismatched", header + "c\td\tentailment\n")
    assert read_glue(tmp_path, "MNLI", "dev") == [Example("a", "b", 2.0)]
    assert read_glue(tmp_path, "MNLI-mm", "dev") == [Example("c", "d", 1.0)]


def test_faults_are_named_with_their_line(tmp_path: Path) -> None:
    write(tmp_path, "SST-2", "train", "sentence\tlabel\nfine\t1\nbad\tx\n")
    with pytest.raises(ValueError, match=r"train\.tsv, line 3: label 'x' is none of 0, 1"):
        read_glue(tmp_path, "SST-2")
    write(tmp_path, "SST-2", "train", "sentence\tlabel\nfine\n")
    with pytest.raises(ValueError, match="line 2: 1 columns, at least 2 are needed"):
        read_glue(tmp_path, "SST-2")
    write(tmp_path, "SST-2", "train", "text\tlabel\nfine\t1\n")
    with pytest.raises(ValueError, match="no column 'sentence'; there are text, label"):
        read_glue(tmp_path, "SST-2")
    with pytest.raises(ValueError, match="unknown GLUE task 'MRCP'; did you mean MRPC"):
        read_glue(tmp_path, "MRCP")
    with pytest.raises(ValueError, match="split must be 'train' or 'dev', got 'test'"):
        read_glue(tmp_path, "MRPC", "test")


def test_test_files_have_texts_alone(tmp_path: Path) -> None:
    write(tmp_path, "CoLA", "test", "index\tsentence\n0\tIt rained.\n1\tRained it.\n")
    assert read_glue_test(tmp_path, "CoLA") == [("It rained.",), ("Rained it.",)]
    write(tmp_path, "MRPC", "test", "index\t#1 ID\t#2 ID\t#1 String\t#2 String\n0\t7\t8\ta\tb\n")
    assert read_glue_test(tmp_path, "MRPC") == [("a", "b")]
    with pytest.raises(ValueError, match="unknown GLUE test file 'MNLI'; did you mean"):
        read_glue_test(tmp_path, "MNLI")
    write(tmp_path, "RTE", "test", "index\tsentence1\tsentence2\n0\ta\n")
    with pytest.raises(ValueError, match=r"test\.tsv, line 2: 2 columns, at least 3 are needed"):
        read_glue_test(tmp_path, "RTE")


def test_networks_of_mnli_answer_three_files(tmp_path: Path) -> None:
    files = {name: file for name, (task, file) in TESTS.items() if task == "MNLI"}
    assert len(files) == 3
    for name, file in files.items():
        folder, _, stem = file.partition("/")
        write(tmp_path, folder, stem, f"index\tsentence1\tsentence2\n0\t{name}\tb\n")
        assert read_glue_test(tmp_path, name) == [(name, "b")]
    # The other set to develop on has no network of its own.
    assert {task for task, _ in TESTS.values()} == set(GLUE) - {"MNLI-mm"}


@pytest.mark.realdata
@pytest.mark.parametrize(
    ("name", "train", "dev"),
    [("CoLA", 8551, 1043), ("MRPC", 3667, 408), ("RTE", 2490, 277), ("SST-2", 67349, 872)],
)
def test_the_published_files_are_read_whole(
    name: str, train: int, dev: int, data_root: Path
) -> None:
    root = data_root / "glue" / "glue_data"
    assert len(read_glue(root, name)) == train
    examples = read_glue(root, name, "dev")
    assert len(examples) == dev
    assert {example.label for example in examples} == {0.0, 1.0}
    assert all((example.second is None) == (len(GLUE[name].texts) == 1) for example in examples)

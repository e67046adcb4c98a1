"""Trees in columns: read, refused with the line, changed and written back."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path

import pytest

from toolkit.data.text import Sentence, read_treebank, sentence_of, write_treebank
from toolkit.data.text.datasets.source import DatasetError

TEXT = """\
# newdoc id = a
# text = Don't go
1-2\tDon't\t_\t_\t_\t_\t_\t_\t_\t_
1\tDo\tdo\tAUX\tVB\tMood=Imp\t3\taux\t3:aux\t_
2\tn't\tnot\tPART\tRB\t_\t3\tadvmod\t3:advmod\t_
2.1\tyou\tyou\tPRON\tPRP\t_\t_\t_\t3:nsubj\t_
3\tgo\tgo\tVERB\tVB\t_\t0\troot\t0:root\tSpaceAfter=No

1\tNew York\tNew York\tPROPN\tNNP\t_\t0\troot\t_\t_

"""
CONLLX = "1\tA\ta\tDET\tDT\t_\t2\tNMOD\t_\t_\n2\tb\tb\tN\tNN\t_\t0\tROOT\t_\t_\n"


@pytest.fixture
def read(tmp_path: Path) -> Callable[[str], list[Sentence]]:
    def read(text: str) -> list[Sentence]:
        (tmp_path / "a.conllu").write_text(text, encoding="utf-8")
        return read_treebank(tmp_path / "a.conllu")

    return read


def test_words_are_told_from_ranges_and_empty_nodes(read: Callable) -> None:
    first, second = read(TEXT)
    assert [token.id for token in first] == ["1-2", "1", "2", "2.1", "3"]
    assert [word.form for word in first.words] == ["Do", "n't", "go"]
    assert [word.lemma for word in first.words] == ["do", "not", "go"]
    assert (first.words[0].upos, first.words[0].xpos) == ("AUX", "VB")
    assert first.heads == [3, 3, 0]
    assert first.relations == ["aux", "advmod", "root"]
    assert first.comments == ("# newdoc id = a", "# text = Don't go")
    assert first[0].head is None
    assert second.words[0].form == "New York"  # a word of a treebank may hold a blank


@pytest.mark.parametrize("text", [TEXT, CONLLX + "\n"])
def test_what_is_written_is_what_was_read(read: Callable, tmp_path: Path, text: str) -> None:
    write_treebank(tmp_path / "b.conllu", read(text))
    assert (tmp_path / "b.conllu").read_text(encoding="utf-8") == text


def test_other_ends_of_lines_and_packed_files(read: Callable, tmp_path: Path) -> None:
    expected = read(TEXT)
    (tmp_path / "b.conllu").write_bytes(b"\xef\xbb\xbf" + TEXT.replace("\n", "\r\n").encode())
    (tmp_path / "c.conllu.gz").write_bytes(gzip.compress(TEXT.rstrip().encode()))
    assert read_treebank(tmp_path / "b.conllu") == expected
    assert read_treebank(tmp_path / "c.conllu.gz") == expected


def test_trees_may_be_unknown_or_have_several_roots(read: Callable) -> None:
    (sentence,) = read(CONLLX.replace("\t2\t", "\t0\t"))
    assert sentence.heads == [0, 0]
    (sentence,) = read(CONLLX.replace("\t2\tNMOD", "\t_\t_"))
    with pytest.raises(ValueError, match="word 1, 'A', has no head"):
        assert sentence.heads


def row(number: str, head: str) -> str:
    return f"{number}\tx\t_\t_\t_\t_\t{head}\t_\t_\t_\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("# a\n1\tx\n", "line 2: 2 columns, expected 10"),
        (row("1", "0").replace("\tx\t", "\t\t"), "line 1: column 2 is empty"),
        (row("1", "x"), "line 1: the head 'x' is no number"),
        (row("1", "-1"), "line 1: the head '-1' is no number"),
        (row("1", "²"), "line 1: the head '²' is no number"),
        (row("1", "0") + row("3", "1"), "line 2: the number '3' where 2 was to come"),
        (row("1", "0") + row("1", "1"), "line 2: the number '1' where 2 was to come"),
        (row("1", "0") + row("1.2", "_"), r"line 2: the number '1\.2' where 1\.1 was to come"),
        (row("1-2", "_") + row("1", "0"), "line 1: the number '1-2' where 1 was to come"),
        (row("1-2", "1") + row("1", "0") + row("2", "1"), "line 1: 1-2 is not in the tree"),
        (row("1", "0") + "\n" + row("1", "2"), "line 3: the head 2 of word 1 of 1"),
        (row("1", "1"), "line 1: the head 1 of word 1 of 1"),
        (row("1", "0") + row("2", "3") + row("3", "2"), "line 2: words 2, 3 depend on one another"),
        (row("1", "0") + "# a\n" + row("2", "1"), "line 2: a comment within a sentence"),
        (row("1", "0") + "\n# a\n", "line 3: comments of no sentence"),
    ],
)
def test_broken_lines_are_named(read: Callable, text: str, message: str) -> None:
    with pytest.raises(DatasetError, match=message):
        read(text)


def test_another_tree_for_the_same_words(read: Callable) -> None:
    first, _ = read(TEXT)
    other = first.with_tree([0, 1, 1], ["root", "a", "b"])
    assert (other.heads, other.relations) == ([0, 1, 1], ["root", "a", "b"])
    assert [token.id for token in other] == ["1-2", "1", "2", "3"]
    assert {token.deps for token in other} == {"_"}
    assert other.words[2].misc == "SpaceAfter=No"
    with pytest.raises(ValueError, match="2 heads and 3 relations for 3 words"):
        first.with_tree([0, 1], ["root", "a", "b"])


def test_sentences_of_words_alone(read: Callable, tmp_path: Path) -> None:
    sentence = sentence_of(["New York", "sleeps"])
    write_treebank(tmp_path / "b.conllu", [sentence])
    assert read_treebank(tmp_path / "b.conllu") == [sentence]
    assert sentence.with_tree([2, 0], ["nsubj", "root"]).heads == [2, 0]
    for words in ([], ["a", ""], ["a\tb"]):
        with pytest.raises(ValueError, match="word"):
            sentence_of(words)


@pytest.mark.realdata
def test_a_real_treebank_is_written_as_it_was(data_root: Path, tmp_path: Path) -> None:
    path = data_root / "ud_ewt" / "en_ewt-ud-dev.conllu"
    sentences = read_treebank(path)
    assert len(sentences) == 2001
    assert sum(len(s) - len(s.words) for s in sentences) > 0  # ranges and empty nodes
    write_treebank(tmp_path / "again.conllu", sentences)
    assert (tmp_path / "again.conllu").read_bytes() == path.read_bytes()

"""Attachment scores against counts by hand, as the shared task's script counts."""

from __future__ import annotations

import pytest

from toolkit.utils.metrics import AttachmentScores, Tree
from toolkit.utils.metrics.dependencies import is_punctuation

TRUE = Tree([2, 0, 2, 2], ["nsubj:pass", "root", "obl:agent", "punct"], ["He", "went", "by", "."])


def scores(*pairs: tuple[Tree, Tree]) -> dict[str, float]:
    metric = AttachmentScores()
    for wanted, found in pairs:
        metric.update([wanted], [found])
    return metric.get()


def test_the_true_tree_has_all_scores() -> None:
    assert scores((TRUE, TRUE)) == dict.fromkeys(
        ("uas", "las", "las_full", "uas_no_punct", "las_no_punct", "las_full_no_punct"), 1.0
    )


def test_heads_relations_and_their_kinds_count() -> None:
    found = Tree([2, 0, 1, 1], ["nsubj", "dep", "obl:agent", "punct"])
    assert scores((TRUE, found)) == {
        "uas": 2 / 4,  # He, went
        "las": 1 / 4,  # He: nsubj is the main part of nsubj:pass
        "las_full": 0.0,
        "uas_no_punct": 2 / 3,
        "las_no_punct": 1 / 3,
        "las_full_no_punct": 0.0,
    }


def test_words_count_alike_whatever_their_sentence() -> None:
    short = Tree([0], ["root"], ["Go"])
    found = scores((TRUE, TRUE), (short, Tree([0], ["dep"])))
    assert (found["uas"], found["las"], found["las_no_punct"]) == (1.0, 4 / 5, 3 / 4)


def test_nothing_and_punctuation_alone() -> None:
    assert set(scores().values()) == {0.0}
    dots = Tree([0], ["root"], ["..."])
    found = scores((dots, dots))
    assert (found["las"], found["las_no_punct"]) == (1.0, 0.0)


@pytest.mark.parametrize(
    ("word", "expected"),
    [(".", True), ("...", True), ("«", True), ("—", True), ("a.", False), ("$", False)],
)
def test_punctuation_is_what_unicode_says(word: str, expected: bool) -> None:
    assert is_punctuation(word) is expected


def test_sums_of_workers() -> None:
    first, second, both = AttachmentScores(), AttachmentScores(), AttachmentScores()
    wrong = Tree([0, 1, 1, 1], TRUE.relations)
    first.update([TRUE], [TRUE])
    second.update([TRUE], [wrong])
    sums = {key: value + second.sums()[key] for key, value in first.sums().items()}
    both.set_sums(sums)
    assert both.get() == scores((TRUE, TRUE), (TRUE, wrong))
    both.reset()
    assert both.get()["las"] == 0


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (TRUE, Tree([0], ["root"])),
        (TRUE, Tree(TRUE.heads, ["root"])),
        (TRUE._replace(words=["He"]), TRUE),
    ],
)
def test_trees_of_other_sizes_are_refused(wanted: Tree, found: Tree) -> None:
    with pytest.raises(ValueError, match="for a sentence of 4 heads"):
        AttachmentScores().update([wanted], [found])
    with pytest.raises(ValueError, match="argument"):
        AttachmentScores().update([TRUE, TRUE], [TRUE])

"""Entities are found and counted as the shared tasks do."""

from __future__ import annotations

import pytest

from toolkit.utils.metrics.entities import Entity, EntityScores, find_entities


@pytest.mark.parametrize(
    ("tags", "entities"),
    [
        ("O B-x I-x O", [("x", 1, 2)]),
        ("B-x B-x", [("x", 0, 0), ("x", 1, 1)]),
        ("I-x I-x I-y", [("x", 0, 1), ("y", 2, 2)]),  # the older scheme, without B
        ("B-x I-y", [("x", 0, 0), ("y", 1, 1)]),
        ("B-x E-x I-x", [("x", 0, 1), ("x", 2, 2)]),
        ("S-x S-x O B-a-b", [("x", 0, 0), ("x", 1, 1), ("a-b", 3, 3)]),
        ("O O", []),
        ("", []),
    ],
)
def test_entities_of_a_sentence(tags: str, entities: list[tuple[str, int, int]]) -> None:
    assert find_entities(tags.split()) == [Entity(*entity) for entity in entities]


@pytest.mark.parametrize("tag", ["B", "X-y", "O-y", ""])
def test_a_tag_of_another_form_is_refused(tag: str) -> None:
    with pytest.raises(ValueError, match="neither O nor"):
        find_entities(["O", tag])


def test_counts_over_sentences() -> None:
    scores = EntityScores()
    scores.update([["B-x", "I-x", "O"]], [["B-x", "O", "O"]])  # too short: wrong
    scores.update([["B-y", "O", "B-x"]], [["B-y", "B-x", "B-x"]])
    assert scores.get() == pytest.approx(
        {"entity_precision": 2 / 4, "entity_recall": 2 / 3, "entity_f1": 4 / 7}
    )
    assert scores.by_type()["x"] == pytest.approx((1 / 3, 1 / 2, 2 / 5))
    assert scores.by_type()["y"] == (1, 1, 1)
    scores.reset()
    assert scores.get()["entity_f1"] == 0


def test_sentences_of_other_lengths_are_refused() -> None:
    with pytest.raises(ValueError, match="1 tags for a sentence of 2"):
        EntityScores().update([["O", "O"]], [["O"]])

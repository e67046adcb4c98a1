"""Entities in tagged sentences, and their precision, recall and F1.

As the shared tasks of CoNLL count, Tjong Kim Sang and De Meulder, 2003,
https://arxiv.org/abs/cs/0306050: an entity is right where its type, its first and its last word
are.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any, NamedTuple

OUTSIDE = "O"


class Entity(NamedTuple):
    """Words of one sentence that make up a name, a chunk or a slot."""

    type: str
    first: int
    last: int  # inclusive


def find_entities(tags: Sequence[str]) -> list[Entity]:
    """The entities of one sentence, in order.

    Args:
        tags: One a word: ``O``, or ``B``, ``I``, ``E``, ``S`` with ``-`` and a type. ``B`` and
            ``S`` begin an entity, and so does a tag after ``O``, after ``E`` or ``S``, or after
            another type: sequences that no annotator would write have a meaning, too.

    Raises:
        ValueError: a tag of another form.
    """
    found: list[Entity] = []
    begin, before, kind = 0, OUTSIDE, ""
    for place, tag in enumerate([*tags, OUTSIDE]):
        prefix, _, name = tag.partition("-")
        if prefix not in ("O", "B", "I", "E", "S") or (prefix == OUTSIDE) != (not name):
            raise ValueError(f"tag {tag!r} of word {place} is neither O nor B-, I-, E- or S-type")
        begins = prefix in ("B", "S") or before in (OUTSIDE, "E", "S") or name != kind
        if before != OUTSIDE and (begins or prefix == OUTSIDE):
            found.append(Entity(kind, begin, place - 1))
        if begins:
            begin = place
        before, kind = prefix, name
    return found


class EntityScores:
    """Counts entities over sentences; a metric of ``Evaluation`` where outputs are tags."""

    name = "entity_f1"

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Forgets all sentences."""
        self._right: Counter[str] = Counter()
        self._found: Counter[str] = Counter()
        self._wanted: Counter[str] = Counter()

    def update(self, labels: Any, outputs: Any) -> None:
        """Counts sentences: lists of lists of tags, the true ones and the predicted ones.

        Raises:
            ValueError: a sentence with another number of tags, or another number of sentences.
        """
        for wanted, found in zip(labels, outputs, strict=True):
            if len(wanted) != len(found):
                raise ValueError(f"{len(found)} tags for a sentence of {len(wanted)} words")
            ours, theirs = set(find_entities(found)), set(find_entities(wanted))
            self._found.update(entity.type for entity in ours)
            self._wanted.update(entity.type for entity in theirs)
            self._right.update(entity.type for entity in ours & theirs)

    def get(self) -> dict[str, float]:
        """Precision, recall and F1 over all types, in [0, 1]."""
        precision, recall, f1 = self._scores(self._wanted.keys() | self._found.keys())
        return {"entity_precision": precision, "entity_recall": recall, "entity_f1": f1}

    def by_type(self) -> dict[str, tuple[float, float, float]]:
        """Precision, recall and F1 of each type."""
        return {kind: self._scores({kind}) for kind in sorted(self._wanted | self._found)}

    def _scores(self, kinds: set[str]) -> tuple[float, float, float]:
        right, found, wanted = (
            sum(counts[kind] for kind in kinds)
            for counts in (self._right, self._found, self._wanted)
        )
        precision = right / found if found else 0.0
        recall = right / wanted if wanted else 0.0
        return precision, recall, 2 * right / (found + wanted) if found + wanted else 0.0

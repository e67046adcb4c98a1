"""The bigger analogy test set: Gladkova et al., 2016, https://aclanthology.org/N16-2002."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import permutations

from toolkit.data.text.datasets.source import Source

# Of each kind of relation, the files of its ten relations.
RELATIONS = {
    "1_Inflectional_morphology": (
        "I01 [noun - plural_reg]",
        "I02 [noun - plural_irreg]",
        "I03 [adj - comparative]",
        "I04 [adj - superlative]",
        "I05 [verb_inf - 3pSg]",
        "I06 [verb_inf - Ving]",
        "I07 [verb_inf - Ved]",
        "I08 [verb_Ving - 3pSg]",
        "I09 [verb_Ving - Ved]",
        "I10 [verb_3pSg - Ved]",
    ),
    "2_Derivational_morphology": (
        "D01 [noun+less_reg]",
        "D02 [un+adj_reg]",
        "D03 [adj+ly_reg]",
        "D04 [over+adj_reg]",
        "D05 [adj+ness_reg]",
        "D06 [re+verb_reg]",
        "D07 [verb+able_reg]",
        "D08 [verb+er_irreg]",
        "D09 [verb+tion_irreg]",
        "D10 [verb+ment_irreg]",
    ),
    "3_Encyclopedic_semantics": (
        "E01 [country - capital]",
        "E02 [country - language]",
        "E03 [UK_city - county]",
        "E04 [name - nationality]",
        "E05 [name - occupation]",
        "E06 [animal - young]",
        "E07 [animal - sound]",
        "E08 [animal - shelter]",
        "E09 [things - color]",
        "E10 [male - female]",
    ),
    "4_Lexicographic_semantics": (
        "L01 [hypernyms - animals]",
        "L02 [hypernyms - misc]",
        "L03 [hyponyms - misc]",
        "L04 [meronyms - substance]",
        "L05 [meronyms - member]",
        "L06 [meronyms - part]",
        "L07 [synonyms - intensity]",
        "L08 [synonyms - exact]",
        "L09 [antonyms - gradable]",
        "L10 [antonyms - binary]",
    ),
}
FILES = tuple(f"{kind}/{name}.txt" for kind, names in RELATIONS.items() for name in names)


def read(sources: Sequence[Source]) -> list[tuple[str, ...]]:
    """Samples ``(relation, a, b, c, answer)``: all ordered pairs of a relation's pairs.

    Where several words answer, which are divided by slashes, the first is taken.
    """
    return [sample for source in sources for sample in _questions(source)]


def _questions(source: Source) -> Iterator[tuple[str, ...]]:
    relation = source.name.rpartition("/")[2].removesuffix(".txt")
    pairs = []
    for line, row in enumerate(source.lines(), 1):
        words = row.split()
        if not words:
            continue
        if len(words) != 2:
            raise source.error(line, f"expected a word and its answers, got {row[:60]!r}")
        pairs.append((words[0], words[1].partition("/")[0]))
    for first, second in permutations(pairs, 2):
        yield (relation, *first, *second)

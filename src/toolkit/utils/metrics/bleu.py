"""How near translations are to those of people: BLEU, with the words of the WMT campaigns.

Papineni et al., 2002, https://aclanthology.org/P02-1040; words and smoothing as sacreBLEU has them:
Post, 2018, https://arxiv.org/abs/1804.08771.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence

ORDERS = 4  # n-grams of one word to so many
_ENTITIES = (("&quot;", '"'), ("&amp;", "&"), ("&lt;", "<"), ("&gt;", ">"))
# In this order: most marks stand alone; full stops and commas unless digits are on both sides, as
# in 1.5; dashes after a digit.
_RULES = (
    (re.compile(r"([ -&(-+:-@/\[-`{-~])"), r" \1 "),
    (re.compile(r"([^0-9])([.,])"), r"\1 \2 "),
    (re.compile(r"([.,])([^0-9])"), r" \1 \2"),
    (re.compile(r"([0-9])(-)"), r"\1 \2 "),
)


def mteval_words(text: str) -> list[str]:
    """The words of a text as version 13a of NIST's ``mteval`` cuts them."""
    for entity, mark in _ENTITIES:
        text = text.replace(entity, mark)
    text = f" {text} "
    for pattern, replacement in _RULES:
        text = pattern.sub(replacement, text)
    return text.split()


def corpus_bleu(candidates: Sequence[str], references: Sequence[Sequence[str]]) -> float:
    """BLEU of a corpus in percent, upper and lower case told apart.

    Where no n-gram of an order is found, its precision is halved once more for each such order
    instead of being zero.

    Args:
        candidates: The translations.
        references: For each translation the right ones, at least one.

    Raises:
        ValueError: no translations, or another number of references.
    """
    if not candidates or len(candidates) != len(references):
        raise ValueError(
            f"as many translations as references are compared, got {len(candidates)} and "
            f"{len(references)}"
        )
    found, possible = [0] * ORDERS, [0] * ORDERS
    length = wanted = 0
    for candidate, right in zip(candidates, references, strict=True):
        words, others = mteval_words(candidate), [mteval_words(one) for one in right]
        length += len(words)
        wanted += min((abs(len(one) - len(words)), len(one)) for one in others)[1]
        for order in range(1, ORDERS + 1):
            own, most = _ngrams(words, order), Counter[tuple[str, ...]]()
            for other in others:
                most |= _ngrams(other, order)
            found[order - 1] += sum((own & most).values())
            possible[order - 1] += sum(own.values())
    if not found[0]:
        return 0.0
    logs, halvings = 0.0, 0
    for hits, count in zip(found, possible, strict=True):
        if not count:
            return 0.0
        halvings += not hits
        logs += math.log(hits / count if hits else 1 / (2**halvings * count))
    brevity = min(0.0, 1 - wanted / length)
    return 100 * math.exp(brevity + logs / ORDERS)


def _ngrams(words: Sequence[str], order: int) -> Counter[tuple[str, ...]]:
    return Counter(tuple(words[i : i + order]) for i in range(len(words) - order + 1))

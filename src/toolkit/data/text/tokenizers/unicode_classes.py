"""Classes of characters, as regular expressions of the standard library can have them."""

from __future__ import annotations

import re
import sys
import unicodedata
from collections.abc import Iterable
from functools import cache

# Unicode's White_Space; Python's \s also takes the separators U+001C to U+001F for such.
SPACE = "\t-\r \x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"


def char_class(chars: Iterable[str]) -> str:
    """What stands between ``[`` and ``]`` to match these characters, given in order."""
    runs: list[list[int]] = []
    for code in map(ord, chars):
        if runs and runs[-1][1] == code - 1:
            runs[-1][1] = code
        else:
            runs.append([code, code])
    return "".join(
        re.escape(chr(a)) if a == b else f"{re.escape(chr(a))}-{re.escape(chr(b))}" for a, b in runs
    )


@cache
def numbers() -> str:
    """The class of all characters of the categories N*; takes a tenth of a second, once."""
    numeric = filter(str.isnumeric, map(chr, range(sys.maxunicode + 1)))
    return char_class(c for c in numeric if unicodedata.category(c)[0] == "N")


@cache
def gpt2_words() -> re.Pattern[str]:
    """How GPT-2 cuts a text into words with the blank before each; together they are the text.

    Radford et al., 2019, "Language Models are Unsupervised Multitask Learners".
    """
    n, s = numbers(), SPACE
    letter = rf"[^\W_{n}]"  # \w is letters, numbers and "_"
    other = rf"(?:[^\w{s}]|_)"
    return re.compile(
        rf"'(?:[stmd]|re|ve|ll)| ?{letter}+| ?[{n}]+| ?{other}+|[{s}]+(?![^{s}])|[{s}]+"
    )

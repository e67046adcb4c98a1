"""Vocabularies in files: JSON the way GluonNLP writes it, old and damaged too, and lines."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from typing import Any

# What GluonNLP before 0.7 wrote beside the tokens and later among `identifiers_to_tokens`.
NAMES = ("padding_token", "bos_token", "eos_token", "mask_token", "sep_token", "cls_token")
DOUBLE = re.compile(r"\(double \d+\)$")


@dataclass(frozen=True)
class VocabParts:
    """What a document says, checked."""

    tokens: list[Any]
    unknown_token: Any
    reserved_tokens: list[Any]  # those without a name
    special_tokens: dict[str, Any]  # by name


def from_document(document: Any) -> VocabParts:
    """The parts of a vocabulary's JSON document.

    GluonNLP before 0.7 wrote a token twice where it had two purposes; such doubles are renamed,
    as no text can ask for them, so that every other token keeps its index.

    Raises:
        ValueError: keys are missing, or tokens and indices contradict each other.
    """
    if not isinstance(document, dict) or not isinstance(document.get("idx_to_token"), list):
        raise ValueError("not a vocabulary: expected a JSON object with a list idx_to_token")
    tokens = document["idx_to_token"]
    for index, token in enumerate(tokens):
        if not isinstance(token, str):
            raise ValueError(f"index {index} of idx_to_token is {token!r}, no token")
    indices = document.get("token_to_idx")
    if indices is None:
        indices = {token: i for i, token in enumerate(tokens)}
    if not isinstance(indices, dict):
        raise ValueError(f"token_to_idx is {type(indices).__name__}, expected an object")
    unknown_token = document.get("unknown_token")
    special = dict(document.get("identifiers_to_tokens") or {})
    special.update((key, document[key]) for key in NAMES if key in document)
    special = {name: token for name, token in special.items() if token is not None}
    reserved = document.get("reserved_tokens") or []
    tokens = _without_doubles(tokens, indices, {unknown_token, *special.values(), *reserved})
    _check(tokens, indices)
    named = {unknown_token, *special.values()}
    reserved = list(dict.fromkeys(token for token in reserved if token not in named))
    return VocabParts(tokens, unknown_token, reserved, special)


def _without_doubles(tokens: list[Any], indices: dict[Any, int], special: set[Any]) -> list[Any]:
    """The tokens with all but the one that ``indices`` knows renamed, for special tokens alone."""
    if len(tokens) <= len(indices):
        return tokens
    doubles = {t for t, n in Counter(tokens).items() if n > 1}
    if not doubles <= special:
        raise ValueError(f"token {sorted(doubles - special)[0]!r} is there twice")
    kept = list(tokens)
    for i, token in enumerate(tokens):
        if token in doubles and indices.get(token) != i:
            kept[i] = f"{token}(double {i})"  # what DOUBLE finds
    return kept


def _check(tokens: list[Any], indices: dict[Any, int]) -> None:
    """Refuses indices out of range, and tokens and indices that contradict each other."""
    for index, token in enumerate(tokens):
        if token not in indices and not DOUBLE.search(token):
            raise ValueError(f"token {token!r} of index {index} has no index in token_to_idx")
    for token, index in indices.items():
        if not isinstance(index, int) or not 0 <= index < len(tokens):
            raise ValueError(f"token {token!r} has index {index!r}, there are {len(tokens)} tokens")
        if tokens[index] != token:
            raise ValueError(
                f"index {index} is {tokens[index]!r} in one place, {token!r} in another"
            )


def lines_to_tokens(text: str) -> list[str]:
    """The tokens of a text with one a line, such as BERT's ``vocab.txt``.

    Raises:
        ValueError: no lines, an empty line before the last, or a token twice; with the line.
    """
    lines = [line.rstrip("\r") for line in text.split("\n")]
    while lines and not lines[-1]:
        lines.pop()
    if not lines:
        raise ValueError("not a vocabulary: the file is empty")
    seen: dict[str, int] = {}
    for number, token in enumerate(lines, 1):
        if not token:
            raise ValueError(f"line {number} is empty: the indices after it would be wrong")
        if token in seen:
            raise ValueError(f"line {number} repeats the token {token!r} of line {seen[token]}")
        seen[token] = number
    return lines

"""How many tokens of each text stay where all together are too many.

Each function takes the numbers of tokens, which together exceed the room, and the room.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType


def _longest(lengths: tuple[int, ...], room: int) -> tuple[int, ...]:
    """Takes tokens from the longer text, one by one, the second where both are equally long."""
    if len(lengths) == 1:
        return (min(lengths[0], room),)
    first, second = lengths
    if second <= room // 2:
        return room - second, second
    if first <= room - room // 2:
        return first, room - first
    return room - room // 2, room // 2


def _longest_first(lengths: tuple[int, ...], room: int) -> tuple[int, ...]:
    """As the ``tokenizers`` library: what is odd stays with the longer text, else the second."""
    if len(lengths) == 1:
        return (min(lengths[0], room),)
    first, second = lengths
    shorter = min(first, second, room // 2)
    return (room - shorter, shorter) if first > second else (shorter, room - shorter)


def _only_first(lengths: tuple[int, ...], room: int) -> tuple[int, ...]:
    """Takes from the first text alone."""
    return (min(lengths[0], room - sum(lengths[1:])), *lengths[1:])


def _only_second(lengths: tuple[int, ...], room: int) -> tuple[int, ...]:
    """Takes from the second text alone."""
    return (*lengths[:-1], min(lengths[-1], room - sum(lengths[:-1])))


TRUNCATIONS: Mapping[str, Callable[[tuple[int, ...], int], tuple[int, ...]]] = MappingProxyType(
    {
        "longest": _longest,
        "longest_first": _longest_first,
        "first": _only_first,
        "second": _only_second,
    }
)

"""Names of the classes that published models tell apart."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from toolkit.utils.registry import unknown

_FOLDER = Path(__file__).with_name("labels_data")


@cache
def read_labels(name: str) -> tuple[str, ...]:
    """The class names of a label set such as ``"imagenet1k"`` or ``"cifar10"``, by class index.

    Raises:
        ValueError: there is no such set.
    """
    path = _FOLDER / f"{name}.txt"
    if not path.is_file():
        raise ValueError(unknown("label set", name, [p.stem for p in _FOLDER.glob("*.txt")]))
    return tuple(path.read_text(encoding="utf-8").splitlines())

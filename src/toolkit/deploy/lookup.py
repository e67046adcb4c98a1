"""Presets, label sets and files by name; free of MXNet."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from toolkit.data.vision import PRESETS, ImagePreset
from toolkit.model_zoo import read_labels
from toolkit.utils.registry import unknown


def find_preset(preset: ImagePreset | str | None) -> ImagePreset | None:
    """The preset itself, or the published one of that name; ValueError for an unknown name."""
    if isinstance(preset, str):
        if preset not in PRESETS:
            raise ValueError(unknown("preset", preset, PRESETS))
        return PRESETS[preset]
    return preset


def find_labels(labels: Sequence[str] | str | None) -> tuple[str, ...] | None:
    """The labels themselves, or the published set of that name; ValueError for an unknown one."""
    if labels is None:
        return None
    return read_labels(labels) if isinstance(labels, str) else tuple(map(str, labels))


def file_of(prefix: Path, suffix: str) -> Path:
    """The file of an export that ends in ``suffix``."""
    return prefix.with_name(prefix.name + suffix)

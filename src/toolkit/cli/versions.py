"""Versions of what is installed."""

from __future__ import annotations

import importlib.metadata


def version(distribution: str) -> str:
    """The version of an installed distribution, or ``"not installed"``."""
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return "not installed"

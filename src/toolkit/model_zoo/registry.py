"""The tables that the model zoo is made of: backbones and encoders by variant, tasks by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from mxnet.gluon import HybridBlock

from toolkit.utils.registry import Registry

Family = TypeVar("Family", bound=Callable[..., HybridBlock])


@dataclass(frozen=True)
class Variant:
    """One row of a family: the class that builds it and what tells it from its siblings."""

    family: Callable[..., HybridBlock]
    config: Any


class FamilyRegistry(Registry[Variant]):
    """Variants by name; each is built as ``family(config, **options)``."""

    def family(self, variants: Mapping[str, Any]) -> Callable[[Family], Family]:
        """Class decorator that registers every row of ``variants`` (name to config)."""

        def register(cls: Family) -> Family:
            for name, config in variants.items():
                self.add(name, Variant(cls, config))
            return cls

        return register

    def create(self, name: str, **options: Any) -> HybridBlock:
        """Builds the variant; raises ValueError for an unknown name, TypeError for an option."""
        variant = self[name]
        return variant.family(variant.config, **options)


BACKBONES = FamilyRegistry("backbone")
TASKS: Registry[Callable[..., HybridBlock]] = Registry("task")

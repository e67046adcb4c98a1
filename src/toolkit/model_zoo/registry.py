"""The tables that the model zoo is made of: backbones and encoders by variant, tasks by name."""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
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
        """Builds the variant; raises ValueError for an unknown name, TypeError for an option.

        An option that the family does not take itself replaces the field of that name in the
        variant's config.
        """
        variant = self[name]
        own = keyword_options(variant.family)
        fields = {k: v for k, v in options.items() if k in self.options(name) - own}
        config = dataclasses.replace(variant.config, **fields) if fields else variant.config
        return variant.family(config, **{k: v for k, v in options.items() if k not in fields})

    def options(self, name: str) -> frozenset[str]:
        """What ``create`` takes: the options of the family and the fields of the config."""
        variant = self[name]
        config = variant.config
        fields = dataclasses.fields(config) if dataclasses.is_dataclass(config) else ()
        return keyword_options(variant.family) | {field.name for field in fields}


@cache
def keyword_options(builder: Callable[..., Any]) -> frozenset[str]:
    """The names of a callable's keyword-only parameters."""
    parameters = inspect.signature(builder).parameters.values()
    return frozenset(p.name for p in parameters if p.kind is inspect.Parameter.KEYWORD_ONLY)


BACKBONES = FamilyRegistry("backbone")
TASKS: Registry[Callable[..., HybridBlock]] = Registry("task")

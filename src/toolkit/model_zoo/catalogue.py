"""Published models as data: the rows of ``model_zoo/weights/*.json``, read once."""

from __future__ import annotations

import fnmatch
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from toolkit.model_zoo.layouts import Layout
from toolkit.model_zoo.renames import RenameTable
from toolkit.utils.registry import Registry

FOLDER = Path(__file__).with_name("weights")


@dataclass(frozen=True)
class WeightsEntry:
    """One published file of weights."""

    name: str  # the model
    tag: str  # what tells one file of a model from another; the first digits of its hash
    digest: str  # "sha1:..." or "sha256:..."; of some files only the first eight digits are known
    file: str  # its name in the cache
    url: str  # relative to a mirror, or whole
    size: int | None = None  # bytes
    metrics: Mapping[str, float] = field(default_factory=dict)  # percent, but perplexity
    options: Mapping[str, Any] = field(default_factory=dict)  # of the model these weights fit
    preprocess: str | None = None  # a preset, where these weights want another than the model's
    licence: str = "Apache-2.0"
    bundled: bool = False  # ships inside the package
    source: str = "gluoncv"  # who published it
    dataset: str | None = None  # of texts, by GluonNLP's name: another way to ask for the file
    vocab: str | None = None  # file of the vocabulary it was made with
    note: str = ""


@dataclass(frozen=True)
class ModelInfo:
    """One published model: everything that is known of it without building it."""

    name: str
    family: str
    task: str
    domain: str
    backbone: str
    classes: int  # 0 where there are none before a task is chosen
    labels: str | None = None  # a label set
    preprocess: str | None = None  # a preset of ``toolkit.data``
    options: Mapping[str, Any] = field(default_factory=dict)
    weights: tuple[WeightsEntry, ...] = ()
    renames: tuple[RenameTable, ...] = ()
    huggingface: Mapping[str, Any] = field(default_factory=dict)  # how its folders are written
    precision: str = "fp32"  # or "int8", where that form of the network was published
    layout: Layout | None = None  # of foreign files
    note: str = ""

    def entry(self, tag: str | None = None) -> WeightsEntry:
        """The default weights, or those whose tag begins with ``tag`` or whose data set it names.

        Raises:
            ValueError: no such weights were published; the message lists the tags.
        """
        if not self.weights:
            raise ValueError(
                f"no weights are published for {self.name!r}; pretrained= takes a path to a file"
            )
        if tag is None:
            return self.weights[0]
        fitting = [w for w in self.weights if tag and w.tag.startswith(tag.lower())]
        fitting = [w for w in self.weights if w.dataset == tag] or fitting
        if len(fitting) != 1:
            tags = ", ".join(w.dataset or w.tag for w in self.weights)
            why = "several weights fit" if fitting else "no weights fit"
            raise ValueError(f"{why} tag {tag!r} of {self.name!r}; published: {tags}")
        return fitting[0]


_SHARED = ("task", "domain", "classes", "labels", "preprocess", "precision", "note")


def read_family(path: Path) -> Iterable[ModelInfo]:
    """The models of one JSON file: family-wide defaults, a row a model, a row a weights file."""
    data = json.loads(path.read_text(encoding="utf-8"))
    tables = tuple(
        RenameTable.of(
            name,
            table["rows"],
            table.get("ignore", ()),
            table.get("prefix", ""),
            options=table.get("options"),
        )
        for name, table in data.get("renames", {}).items()
    )
    entries = [WeightsEntry(**row) for row in data.get("weights", ())]
    for name, row in data["models"].items():
        values = {k: row.get(k, data.get(k)) for k in _SHARED if k in row or k in data}
        yield ModelInfo(
            name=name,
            family=path.stem,
            backbone=row.get("backbone", name),
            options=row.get("options", {}),
            weights=tuple(entry for entry in entries if entry.name == row.get("weights", name)),
            renames=tables,
            huggingface=data.get("huggingface", {}),
            layout=Layout.of(**data["layout"]) if "layout" in data else None,
            **values,
        )


@cache
def catalogue() -> Registry[ModelInfo]:
    """Every published model by name."""
    models: Registry[ModelInfo] = Registry("model")
    for path in sorted(FOLDER.glob("*.json")):
        for info in read_family(path):
            models.add(info.name, info)
    return models


def model_info(name: str) -> ModelInfo:
    """What is known of a model, without building it.

    Raises:
        ValueError: unknown name; the message gives the nearest ones.
    """
    if not isinstance(name, str):
        raise TypeError(f"a model's name is a string, got {type(name).__name__}")
    return catalogue()[name if name in catalogue() else name.lower()]


def list_models(
    pattern: str = "*",
    *,
    task: str | None = None,
    domain: str | None = None,
    pretrained: bool | None = None,
) -> list[str]:
    """Names of the models that fit, sorted; ``pattern`` is a shell pattern such as ``resnet*_v1``.

    ``pretrained`` asks for models with (True) or without (False) published weights.
    """

    def fits(info: ModelInfo) -> bool:
        return (
            fnmatch.fnmatchcase(info.name, pattern.lower())
            and task in (None, info.task)
            and domain in (None, info.domain)
            and pretrained in (None, bool(info.weights))
        )

    models = catalogue()
    return [name for name in models.names() if fits(models[name])]

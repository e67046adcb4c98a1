"""COCO's own evaluation, called from here: pycocotools."""

from __future__ import annotations

import contextlib
import importlib
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from toolkit.utils.disk import atomic_write


class ResultRows:
    """What was found, gathered as COCO's result files have it. Abstract: ``add`` makes rows."""

    _rows: list[dict[str, Any]]

    def results(self) -> list[dict[str, Any]]:
        """All that was found, as COCO's result files have it."""
        return [dict(row) for row in self._rows]  # the official reader adds to what it is given

    def save(self, path: str | Path) -> None:
        """Writes ``results()`` as JSON, as the official server takes it."""
        with atomic_write(Path(path), "w") as file:
            json.dump(self._rows, file)


def named(prefix: str, keys: Sequence[str], stats: Sequence[float]) -> dict[str, float]:
    """The numbers of a summary by name, without those of which there was nothing to find."""
    pairs = zip(keys, stats, strict=True)
    return {f"{prefix}{key}": float(value) for key, value in pairs if value >= 0}


def read_truth(annotations: str | Path | Mapping[str, Any]) -> dict[str, Any]:
    """What is in a file of annotations, or already in memory.

    Raises:
        ValueError: it lacks a part.
        OSError: the file cannot be read.
    """
    if isinstance(annotations, Mapping):
        data = dict(annotations)
    else:
        data = json.loads(Path(annotations).read_text(encoding="utf-8"))
    if missing := {"images", "annotations", "categories"} - data.keys():
        raise ValueError(f"annotations must hold {', '.join(sorted(missing))}")
    return data


def indexed(dataset: dict[str, Any]) -> Any:
    """What the official evaluation reads, of annotations in memory.

    Raises:
        ModuleNotFoundError: pycocotools is missing; the message has the command to install it.
    """
    empty: dict[str, Any] = {"images": [], "annotations": [], "categories": []}
    with _silence():
        coco = _official("coco").COCO()
        coco.dataset = {**empty, **dataset}
        coco.createIndex()
    return coco


def evaluated(
    truth: Any,
    rows: list[dict[str, Any]],
    kind: str,
    pictures: Sequence[int],
    *,
    deviations: Sequence[float] | None = None,
) -> Any:
    """The official evaluation after it was run: it has ``stats``, ``eval`` and ``params``.

    Args:
        truth: What ``indexed`` gave.
        rows: What was found, as result files have it; they are changed.
        kind: ``"bbox"``, ``"segm"`` or ``"keypoints"``.
        pictures: Numbers of those that are scored.
        deviations: Of joints; default those of COCO's persons.
    """
    with _silence():
        # A list that is empty is none to the official reader.
        found = truth.loadRes(rows) if rows else indexed({})
        evaluation = _official("cocoeval").COCOeval(truth, found, kind)
        evaluation.params.imgIds = sorted(pictures)
        if deviations is not None:
            evaluation.params.kpt_oks_sigmas = np.array(deviations)
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    return evaluation


def _official(name: str) -> Any:
    """A module of the official evaluation."""
    try:
        return importlib.import_module(f"pycocotools.{name}")
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            "COCO's average precision needs pycocotools, which is not installed: "
            "pip install 'gluon-toolkit[coco]'",
            name="pycocotools",
        ) from error


@contextlib.contextmanager
def _silence() -> Iterator[None]:
    """The official code prints; its numbers are handed out instead."""
    with contextlib.redirect_stdout(io.StringIO()):
        yield

"""Pictures in, named predictions out; free of MXNet unless the model needs it."""

from __future__ import annotations

import importlib
import logging
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np

from toolkit import model_zoo
from toolkit.data.vision import PRESETS, ImageError, ImagePreset, read_image
from toolkit.deploy.classification import classify
from toolkit.deploy.detection import detect
from toolkit.deploy.loader import exists, load
from toolkit.deploy.lookup import find_labels, find_preset
from toolkit.deploy.runner import Runner
from toolkit.deploy.segmentation import segment
from toolkit.utils.cpu import usable_cores
from toolkit.utils.registry import unknown

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Reading:
    """What the outputs of a task mean."""

    # From outputs, labels and the most results of a picture to the results of each.
    read: Callable[[Sequence[np.ndarray], Sequence[str] | None, int], list[list[Any]]]
    top: int  # results of a picture, unless told otherwise
    kind: str = "classes"  # what results are: classes of the picture, objects in it, its regions
    batch: int = 16  # pictures at once, unless told otherwise

    @property
    def places(self) -> bool:
        """Whether results are in places of the picture."""
        return self.kind != "classes"


_BOXES = Reading(detect, 100, "objects")
READINGS: Mapping[str, Reading] = {
    "image_classifier": Reading(classify, 5),
    "ssd": _BOXES,
    "yolo3": _BOXES,
    # Scores of every pixel and class take much memory: 180 MB for a picture of 150 classes.
    "segmenter": Reading(segment, 10, "regions", batch=1),
}
ON_ERROR = ("raise", "skip")


class Predictor:
    """Says what is in pictures.

    While the network works on one batch, the pictures of the next are read and prepared by other
    threads; never more than two batches are in memory.

    Args:
        model: The name of a published model, the path of an exported one, a network (its values of
            this moment are taken), or a ``Runner``.
        pretrained: For a name: which weights, as in ``get_model``.
        preset: How pictures are prepared, or the name of a preset. Default: what the model or the
            export says.
        labels: The names of the classes, or the name of a label set. Default: what the model or
            the export says; without any, classes are called ``class 17``.
        ctx: The MXNet context to run on; default the CPU.
        batch_size: Pictures that go through the network at once; default 16, of a segmenter 1. A
            network that was exported for one batch size only keeps to that.
        workers: Threads that prepare pictures; default one a core.

    Raises:
        ValueError: nothing says how pictures are to be prepared; the task has no predictor; an
            unknown name; a batch size or a number of workers below 1.
        FileNotFoundError: neither a model nor an export has this name.
    """

    def __init__(
        self,
        model: str | os.PathLike[str] | Runner | Any,
        *,
        pretrained: bool | str | os.PathLike[str] = True,
        preset: ImagePreset | str | None = None,
        labels: Sequence[str] | str | None = None,
        ctx: Any = None,
        batch_size: int | None = None,
        workers: int | None = None,
    ) -> None:
        self.runner = _open(model, pretrained, preset, ctx)
        manifest = self.runner.manifest
        self.preset = _preset(preset, self.runner)
        self.labels = manifest.labels if labels is None else find_labels(labels)
        self._reading = _reading(self.runner)
        if self._reading.places and self.preset.crops:
            raise ValueError(
                f"preset {self.preset.name!r} crops, so {self.kind} could not be traced back; "
                "wanted is one that resizes straight to its size, such as 'ssd_512'"
            )
        shape = manifest.inputs[0].shape
        if shape:  # a network of one size takes no other aspect
            self.preset = self.preset.stretched()
        self._fixed = shape[0] if shape else None  # pictures in every batch, where it is not free
        batch_size = self._reading.batch if batch_size is None else batch_size
        self.batch_size = self._fixed or _at_least_one("batch_size", batch_size)
        self.workers = _at_least_one("workers", workers or usable_cores()[0])
        self.skipped = 0  # pictures that could not be read

    @property
    def kind(self) -> str:
        """What is found: ``classes`` of a picture, ``objects`` in it, or the ``regions`` of it."""
        return self._reading.kind

    @property
    def finds_objects(self) -> bool:
        """Whether results are of ``Detection``, in places of the picture."""
        return self.kind == "objects"

    def __call__(self, images: Any, top: int | None = None) -> list[Any]:
        """Predicts the classes of one picture or of many, or what is in them, of any sizes.

        Args:
            images: One picture, as ``read_image`` takes it (a path, a URL, bytes, a file object,
                an array, a Pillow image), or an iterable of them. An array of four axes is many.
            top: How many classes, default 5; objects at most, default 100; or regions, default 10.

        Returns:
            For one picture a list of ``ClassPrediction``, the most probable first; of a detector,
            of ``Detection``, in pixels of the picture; of a segmenter, of ``Region``, the largest
            first. For many a list of such lists.

        Raises:
            ImageError: a picture cannot be read; the message says which and why.
            ValueError: ``top`` is below 1, or the network does not fit the preset or the labels.
        """
        if _is_one(images):
            return next(self.stream([images], top))
        return list(self.stream(images, top))

    predict = __call__

    def stream(
        self, images: Iterable[Any], top: int | None = None, *, on_error: str = "raise"
    ) -> Iterator[list[Any]]:
        """The same for any number of pictures, one result after the other.

        With ``on_error="skip"`` a picture that cannot be read gives an empty list and a logged
        warning; with ``"raise"`` its ImageError comes after the results of the batches before it.
        """
        if on_error not in ON_ERROR:
            raise ValueError(unknown("on_error", on_error, ON_ERROR))
        most = _at_least_one("top", self._reading.top if top is None else top)
        return self._stream(iter(images), most, on_error == "skip")

    def _stream(self, images: Iterator[Any], top: int, skip: bool) -> Iterator[list[Any]]:
        pool = ThreadPoolExecutor(self.workers, thread_name_prefix="toolkit-pictures")
        try:
            batch = self._submit(pool, images)
            while batch:
                following = self._submit(pool, images)
                yield from self._predict([_result(future, skip) for future in batch], top)
                batch = following
        finally:
            pool.shutdown(wait=True, cancel_futures=True)

    def _submit(self, pool: ThreadPoolExecutor, images: Iterator[Any]) -> list[Future[_Picture]]:
        return [pool.submit(self._prepare, image) for image in islice(images, self.batch_size)]

    def _prepare(self, source: Any) -> _Picture:
        image = read_image(source)
        pixels = self.preset(image)
        return _Picture(pixels, image.shape[:2])

    def _predict(self, pictures: list[_Picture | None], top: int) -> list[list[Any]]:
        """Results for the pictures of one batch; those that could not be read have none."""
        self.skipped += pictures.count(None)
        results: list[list[Any]] = [[] for _ in pictures]
        for places in _by_shape(pictures):
            alike = [picture for place in places if (picture := pictures[place]) is not None]
            found = self._read([picture.pixels for picture in alike], top)
            for place, picture, one in zip(places, alike, found, strict=True):
                results[place] = self._placed(picture, one)
        return results

    def _read(self, pixels: list[np.ndarray], top: int) -> list[list[Any]]:
        """Results for pictures of one shape, in pixels of what the network sees."""
        missing = (self._fixed or len(pixels)) - len(pixels)
        outputs = self.runner(np.stack(pixels + [np.zeros_like(pixels[0])] * missing))
        return self._reading.read(outputs, self.labels, top)[: len(pixels)]

    def _placed(self, picture: _Picture, found: list[Any]) -> list[Any]:
        """Results in pixels of the picture that was given."""
        if self.kind == "regions":
            return [region for scores in found for region in scores.regions(*picture.size)]
        return [one.scaled(*picture.scale) for one in found] if self.finds_objects else found


@dataclass(frozen=True, eq=False)
class _Picture:
    """What the network sees of a picture."""

    pixels: np.ndarray
    size: tuple[int, int]  # height and width of the picture

    @property
    def scale(self) -> tuple[float, float]:
        """Of x and y, back to the picture."""
        return self.size[1] / self.pixels.shape[2], self.size[0] / self.pixels.shape[1]


def _by_shape(pictures: Sequence[_Picture | None]) -> list[list[int]]:
    """The places of the pictures that could be read, those of one shape together."""
    groups: dict[tuple[int, ...], list[int]] = {}
    for place, picture in enumerate(pictures):
        if picture is not None:
            groups.setdefault(picture.pixels.shape, []).append(place)
    return list(groups.values())


def _result(future: Future[_Picture], skip: bool) -> _Picture | None:
    try:
        return future.result()
    except ImageError as error:
        if not skip:
            raise
        _log.warning("skipped: %s", error)
        return None


def _open(model: Any, pretrained: Any, preset: ImagePreset | str | None, ctx: Any) -> Runner:
    if isinstance(model, Runner):
        return model
    if isinstance(model, (str, os.PathLike)):
        name = os.fspath(model)
        if not _is_name(name) and (os.sep in name or exists(name)):
            return load(name, ctx=ctx)
        model = _build(name, pretrained)
    if preset is None and not getattr(getattr(model, "info", None), "preprocess", None):
        raise ValueError(_no_preset(type(model).__name__))
    module = importlib.import_module("toolkit.deploy.mxnet_runner")
    runner: Runner = module.runner_of(model, preset, ctx=ctx)
    return runner


def _is_name(name: str) -> bool:
    return bool(model_zoo.list_models(name.lower()))


def _build(name: str, pretrained: bool | str | os.PathLike[str]) -> Any:
    if not _is_name(name):
        known = unknown("model", name, model_zoo.list_models())
        raise ValueError(f"{known}; and no network was exported to {name}-symbol.json")
    info = model_zoo.model_info(name)
    _check_task(info.task, name)
    if not pretrained:
        raise ValueError(
            f"{name} without weights predicts nothing: give pretrained=True, a tag or a path of "
            "weights, or an initialized network in place of the name"
        )
    return model_zoo.get_model(name, pretrained)


def _check_task(task: str | None, name: str) -> None:
    if task is not None and task not in READINGS:
        raise ValueError(f"{name} is for {task!r}; predictors exist for {', '.join(READINGS)}")


def _reading(runner: Runner) -> Reading:
    """How to read the outputs; exports that do not say what they are for pass for classifiers."""
    manifest = runner.manifest
    _check_task(manifest.task, manifest.name)
    return READINGS[manifest.task or "image_classifier"]


def _preset(preset: ImagePreset | str | None, runner: Runner) -> ImagePreset:
    manifest = runner.manifest
    given = find_preset(preset)
    if given is None and manifest.preprocess is None:
        raise ValueError(_no_preset(manifest.name))
    return given or ImagePreset.from_dict(manifest.preprocess or {})


def _no_preset(name: str) -> str:
    return (
        f"nothing says how pictures are prepared for {name}: give preset=, an ImagePreset or one "
        f"of {', '.join(PRESETS)}"
    )


def _at_least_one(name: str, value: int) -> int:
    if not isinstance(value, (int, np.integer)) or isinstance(value, bool) or value < 1:
        raise ValueError(f"{name} must be a whole number of at least 1, got {value!r}")
    return int(value)


def _is_one(images: Any) -> bool:
    """Whether this is one picture, as ``read_image`` takes it, rather than an iterable of them."""
    if hasattr(images, "ndim"):
        return bool(images.ndim < 4)
    return (
        isinstance(images, (str, bytes, bytearray, memoryview, os.PathLike))
        or not hasattr(images, "__iter__")
        or hasattr(images, "read")
    )

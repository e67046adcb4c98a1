"""Pictures in, named predictions out; free of MXNet unless the model needs it."""

from __future__ import annotations

import importlib
import logging
import os
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import chain, islice
from typing import Any

import numpy as np

from toolkit import model_zoo
from toolkit.data.vision import PRESETS, ImageError, ImagePreset, read_image
from toolkit.deploy.image_readings import READINGS, Person, Reading, Seen
from toolkit.deploy.loader import exists, load
from toolkit.deploy.lookup import find_labels, find_preset
from toolkit.deploy.runner import Runner
from toolkit.utils.boxes import as_boxes
from toolkit.utils.cpu import usable_cores
from toolkit.utils.registry import unknown

_log = logging.getLogger(__name__)
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
        """What is found: ``classes``, ``objects`` or ``regions`` of a picture, or ``poses``."""
        return self._reading.kind

    @property
    def finds_objects(self) -> bool:
        """Whether results are of ``Detection``, in places of the picture."""
        return self.kind == "objects"

    def __call__(self, images: Any, top: int | None = None, *, boxes: Any = None) -> list[Any]:
        """Predicts the classes of one picture or of many, or what is in them, of any sizes.

        Args:
            images: One picture, as ``read_image`` takes it (a path, a URL, bytes, a file object,
                an array, a Pillow image), or an iterable of them. An array of four axes is many.
            top: How many classes, default 5; objects at most, default 100; or regions, default 10.
            boxes: For poses: around which persons, corners ``(R, 4)`` in pixels of the picture; for
                many pictures as many such arrays. Without, a picture is one person's.

        Returns:
            For one picture a list of ``ClassPrediction``, the most probable first; of a detector,
            of ``Detection``, in pixels of the picture; of a segmenter, of ``Region``, the largest
            first; of a pose estimator, of ``Pose``, one for each box. For many a list of such
            lists.

        Raises:
            ImageError: a picture cannot be read; the message says which and why.
            ValueError: ``top`` is below 1, or the network does not fit the preset or the labels;
                boxes are no boxes, or not for each picture, or for a network that takes none.
        """
        if boxes is not None:
            return self._in_boxes(images, boxes)
        if is_one(images):
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

    def _in_boxes(self, images: Any, boxes: Any) -> list[Any]:
        """The poses in the boxes of one picture, or of many."""
        if self.kind != "poses":
            name = self.runner.manifest.name
            raise ValueError(f"boxes= is for poses, and {name} has {self.kind}")
        one = is_one(images)
        pictures, rows = ([images], [boxes]) if one else (list(images), list(boxes))
        if len(pictures) != len(rows):
            raise ValueError(f"{len(pictures)} pictures have boxes of {len(rows)}")
        around = [as_boxes(row) for row in rows]
        found = chain.from_iterable(self.stream(_persons(pictures, around)))
        results = [list(islice(found, len(row))) for row in around]
        return results[0] if one else results

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

    def _submit(self, pool: ThreadPoolExecutor, images: Iterator[Any]) -> list[Future[Seen]]:
        return [pool.submit(self._prepare, image) for image in islice(images, self.batch_size)]

    def _prepare(self, source: Any) -> Seen:
        return self._reading.see(source, self.preset)

    def _predict(self, pictures: list[Seen | None], top: int) -> list[list[Any]]:
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

    def _placed(self, seen: Seen, found: list[Any]) -> list[Any]:
        """Results in pixels of the picture that was given."""
        return [result for one in found for result in self._reading.place(one, seen)]


def _persons(pictures: Sequence[Any], boxes: Sequence[np.ndarray]) -> Iterator[Person]:
    """Those in the boxes of each picture, which is read when its first one is asked for."""
    for picture, rows in zip(pictures, boxes, strict=True):
        if len(rows):
            image = read_image(picture)
            yield from (Person(image, box) for box in rows)


def _by_shape(pictures: Sequence[Seen | None]) -> list[list[int]]:
    """The places of the pictures that could be read, those of one shape together."""
    groups: dict[tuple[int, ...], list[int]] = {}
    for place, picture in enumerate(pictures):
        if picture is not None:
            groups.setdefault(picture.pixels.shape, []).append(place)
    return list(groups.values())


def _result(future: Future[Seen], skip: bool) -> Seen | None:
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


def is_one(images: Any) -> bool:
    """Whether this is one picture, as ``read_image`` takes it, rather than an iterable of them."""
    if hasattr(images, "ndim"):
        return bool(images.ndim < 4)
    return (
        isinstance(images, (str, bytes, bytearray, memoryview, os.PathLike))
        or not hasattr(images, "__iter__")
        or hasattr(images, "read")
    )

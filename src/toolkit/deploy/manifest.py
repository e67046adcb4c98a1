"""What is known of an exported network, as a JSON file beside it; free of MXNet."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from toolkit.utils.files import HashMismatchError
from toolkit.utils.hashes import Digest

SUFFIX = "-manifest.json"
FORMAT = 1  # raised when an older reader would misread the file


class ManifestError(ValueError):
    """A manifest that cannot be read."""


@dataclass(frozen=True)
class TensorSpec:
    """One input or output of a network."""

    name: str
    shape: tuple[int | None, ...] | None  # None for an axis: any length; for all: not known
    dtype: str = "float32"

    def __str__(self) -> str:
        if self.shape is None:
            return f"{self.name} ({self.dtype})"
        axes = ", ".join("any" if n is None else str(n) for n in self.shape)
        return f"{self.name} ({axes}) {self.dtype}"


@dataclass(frozen=True)
class Manifest:
    """All that is needed to feed an exported network and to read what it says."""

    name: str
    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]
    task: str | None = None  # as in ``ModelInfo.task``
    preprocess: Mapping[str, Any] | None = None  # ``ImagePreset.to_dict()``
    labels: tuple[str, ...] | None = None  # class names by index
    files: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)  # by suffix: sha256, size
    versions: Mapping[str, str] = field(default_factory=dict)  # of what made the export
    precision: str = "fp32"  # of the graph: "int8" where it is quantized, "fp16"

    def to_json(self) -> str:
        """The text of the manifest; the same manifest gives the same text."""
        values = {
            "files": {suffix: dict(entry) for suffix, entry in self.files.items()},
            "format": FORMAT,
            "inputs": [vars(spec) for spec in self.inputs],
            "labels": self.labels,
            "name": self.name,
            "outputs": [vars(spec) for spec in self.outputs],
            "precision": self.precision,
            "preprocess": None if self.preprocess is None else dict(self.preprocess),
            "task": self.task,
            "versions": dict(self.versions),
        }
        return json.dumps(values, indent=1, sort_keys=True, ensure_ascii=False) + "\n"

    @classmethod
    def from_json(cls, text: str) -> Manifest:
        """The inverse of ``to_json``; fields of later versions that it does not know are ignored.

        Raises:
            ManifestError: not such a JSON text; the field is named.
        """
        try:
            values = json.loads(text)
        except ValueError as error:
            raise ManifestError(f"not JSON: {error}") from error
        if not isinstance(values, dict) or not isinstance(values.get("format"), int):
            raise ManifestError("not a manifest of an exported network: no number under 'format'")
        if values["format"] > FORMAT:
            raise ManifestError(
                f"format {values['format']}, this version reads up to {FORMAT}: update the toolkit"
            )
        labels = _take(values, "labels", (list, type(None)))
        return cls(
            name=_take(values, "name", str),
            inputs=tuple(map(_spec, _take(values, "inputs", list))),
            outputs=tuple(map(_spec, _take(values, "outputs", list))),
            task=_take(values, "task", (str, type(None))),
            preprocess=_take(values, "preprocess", (dict, type(None))),
            labels=None if labels is None else tuple(map(str, labels)),
            files={k: _entry(k, v) for k, v in _take(values, "files", dict).items()},
            versions=_take(values, "versions", dict),
            precision=_take({"precision": "fp32", **values}, "precision", str),
        )

    @classmethod
    def read(cls, path: Path) -> Manifest:
        """Reads the file; raises ManifestError, which names it, or FileNotFoundError."""
        try:
            return cls.from_json(path.read_text(encoding="utf-8"))
        except (ManifestError, UnicodeDecodeError) as error:
            raise ManifestError(f"{path}: {error}") from error

    def with_files(self, paths: Mapping[str, Path]) -> Manifest:
        """The same with the sizes and hashes of ``paths`` (by suffix) written down."""
        files = {
            suffix: {"sha256": _sha256(path), "size": path.stat().st_size}
            for suffix, path in paths.items()
        }
        return replace(self, files=files)

    def check_files(self, prefix: str | os.PathLike[str], suffixes: Iterable[str]) -> None:
        """Compares the files ``prefix`` + suffix with what was written down of them.

        Raises:
            FileNotFoundError: one is missing.
            HashMismatchError: one is not the file that the manifest was written for.
        """
        for suffix in suffixes:
            path, entry = Path(os.fspath(prefix) + suffix), self.files.get(suffix)
            if not path.is_file():
                raise FileNotFoundError(f"{path} is missing: it belongs to the export {prefix}")
            if entry is None:
                continue
            found = {"sha256": _sha256(path), "size": path.stat().st_size}
            if found != dict(entry):
                raise HashMismatchError(
                    f"{path} is not the file that {prefix}{SUFFIX} describes: expected "
                    f"{_describe(entry)}, found {_describe(found)}; export again, or remove the "
                    "manifest if the change is wanted"
                )


def _sha256(path: Path) -> str:
    return Digest("sha256", "").of(path).digits


def _describe(entry: Mapping[str, Any]) -> str:
    return f"{entry['size']} bytes of sha256 {entry['sha256'][:12]}..."


def _take(values: Mapping[str, Any], key: str, kind: type | tuple[type, ...]) -> Any:
    if key not in values or not isinstance(values[key], kind):
        kinds = kind if isinstance(kind, tuple) else (kind,)
        names = " or ".join("null" if k is type(None) else k.__name__ for k in kinds)
        found = type(values[key]).__name__ if key in values else "nothing"
        raise ManifestError(f"{key!r} must be a {names}, found {found}")
    return values[key]


def _spec(values: Any) -> TensorSpec:
    if not isinstance(values, dict):
        raise ManifestError(f"an input or output must be an object, found {values!r}")
    shape = _take(values, "shape", (list, type(None)))
    if shape is not None and not all(n is None or type(n) is int for n in shape):
        raise ManifestError(f"'shape' must hold whole numbers and null, found {shape}")
    return TensorSpec(
        _take(values, "name", str),
        None if shape is None else tuple(shape),
        _take(values, "dtype", str),
    )


def _entry(suffix: str, values: Any) -> dict[str, Any]:
    if "/" in suffix or os.sep in suffix:
        raise ManifestError(f"file suffix {suffix!r} leads out of the export's folder")
    if not isinstance(values, dict):
        raise ManifestError(f"the entry of file {suffix!r} must be an object, found {values!r}")
    return {"sha256": _take(values, "sha256", str), "size": _take(values, "size", int)}

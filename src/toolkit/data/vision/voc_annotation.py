"""PASCAL VOC's annotation files: the objects of one picture, as XML."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

SIDES = ("xmin", "ymin", "xmax", "ymax")


class AnnotationError(ValueError):
    """An annotation that is missing, that cannot be read, or that names what is not there."""


@dataclass(frozen=True)
class VOCObject:
    """One object as the file has it."""

    name: str
    box: tuple[float, ...]  # xmin, ymin, xmax, ymax as they are written
    difficult: bool


@dataclass(frozen=True)
class VOCAnnotation:
    """One file."""

    filename: str  # of the picture; empty where none is given
    size: tuple[int, int] | None  # height and width; None where they are missing or 0
    objects: tuple[VOCObject, ...]


def read_voc_annotation(path: Path) -> VOCAnnotation:
    """Reads one file; parts of objects (heads, hands) are passed over.

    Raises:
        AnnotationError: it is missing, no XML, or an object lacks a name or a box of numbers.
    """
    try:
        root = ElementTree.fromstring(path.read_bytes())
    except OSError as error:
        raise AnnotationError(f"cannot read the annotation {path}: {error.strerror}") from error
    except ElementTree.ParseError as error:
        raise AnnotationError(f"{path} is no XML: {error}") from error
    objects = enumerate(root.findall("object"))
    return VOCAnnotation(
        (root.findtext("filename") or "").strip(),
        _size(root),
        tuple(_object(element, f"object {place} of {path}") for place, element in objects),
    )


def _size(root: ElementTree.Element) -> tuple[int, int] | None:
    texts = [root.findtext(f"size/{side}") or "" for side in ("height", "width")]
    if not all(text.strip().isdecimal() and int(text) for text in texts):
        return None
    return int(texts[0]), int(texts[1])


def _object(element: ElementTree.Element, where: str) -> VOCObject:
    name = (element.findtext("name") or "").strip()
    if not name:
        raise AnnotationError(f"{where} has no name")
    texts = [element.findtext(f"bndbox/{side}") for side in SIDES]
    try:
        box = tuple(float(text or "") for text in texts)
    except ValueError as error:
        raise AnnotationError(
            f"{where}, a {name}, must have a bndbox of four numbers {', '.join(SIDES)}, got {texts}"
        ) from error
    return VOCObject(name, box, (element.findtext("difficult") or "0").strip() not in ("0", ""))

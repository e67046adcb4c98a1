from __future__ import annotations

from pathlib import Path

import pytest

from toolkit.data.vision.voc_annotation import (
    AnnotationError,
    VOCAnnotation,
    VOCObject,
    read_voc_annotation,
)

BOX = "<bndbox><xmax>8</xmax><xmin>1.5</xmin><ymin>2</ymin><ymax>9</ymax></bndbox>"


def write(folder: Path, body: str) -> Path:
    path = folder / "a.xml"
    path.write_text(f"<annotation>{body}</annotation>")
    return path


def test_reads_what_is_there(tmp_path: Path) -> None:
    body = f"""<filename> a.jpg </filename><size><width>60</width><height>40</height></size>
    <object><part><name>head</name>{BOX.replace("1.5", "7")}</part>
    <name>cat</name>{BOX}<difficult>1</difficult></object>
    <object><name>dog</name>{BOX}</object>"""
    box = (1.5, 2.0, 8.0, 9.0)
    assert read_voc_annotation(write(tmp_path, body)) == VOCAnnotation(
        "a.jpg", (40, 60), (VOCObject("cat", box, True), VOCObject("dog", box, False))
    )


@pytest.mark.parametrize(
    "size", ["", "<width>0</width><height>0</height>", "<width>x</width><height>1</height>"]
)
def test_what_is_missing_is_empty(tmp_path: Path, size: str) -> None:
    path = write(tmp_path, f"<size>{size}</size>")
    assert read_voc_annotation(path) == VOCAnnotation("", None, ())


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("<object>", r"a.xml is no XML: mismatched tag"),
        (f"<object>{BOX}</object>", r"object 0 of .*a.xml has no name"),
        ("<object><name>cat</name></object>", r"a cat, must have a bndbox of four numbers xmin"),
        (f"<object><name>cat</name>{BOX.replace('8', 'x')}</object>", r"got \['1.5', '2', 'x'"),
    ],
)
def test_errors(tmp_path: Path, body: str, message: str) -> None:
    with pytest.raises(AnnotationError, match=message):
        read_voc_annotation(write(tmp_path, body))


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(AnnotationError, match=r"cannot read the annotation .*b.xml: No such file"):
        read_voc_annotation(tmp_path / "b.xml")

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from toolkit.data.vision.folder import ImageFolderDataset
from toolkit.data.vision.image import ImageError


@pytest.fixture
def root(tmp_path: Path, photo: np.ndarray, encode: Callable[..., bytes]) -> Path:
    for name, files in {"dog": ["b.png", "a.PNG"], "cat": ["c.png"], ".git": ["d.png"]}.items():
        (tmp_path / name).mkdir()
        for file in files:
            (tmp_path / name / file).write_bytes(encode(photo, "PNG"))
    (tmp_path / "dog" / ".hidden.png").touch()
    (tmp_path / "dog" / "notes.txt").touch()
    (tmp_path / "dog" / "more.png").mkdir()
    (tmp_path / "README.md").touch()
    return tmp_path


def test_a_folder_is_a_class(root: Path, photo: np.ndarray) -> None:
    data = ImageFolderDataset(root)
    assert data.classes == ("cat", "dog")
    assert [(path.name, label) for path, label in data.items] == [
        ("c.png", 0),
        ("a.PNG", 1),
        ("b.png", 1),
    ]
    image, label = data[-1]
    np.testing.assert_array_equal(image, photo)
    assert label == 1
    assert len(list(data)) == len(data) == 3


def test_what_is_passed_over_is_logged(root: Path, caplog: pytest.LogCaptureFixture) -> None:
    (root / "empty").mkdir()
    with caplog.at_level(logging.DEBUG):
        ImageFolderDataset(root)
    debug = [r.getMessage() for r in caplog.records if r.levelno == logging.DEBUG]
    assert len([m for m in debug if ".hidden.png" in m or "notes.txt" in m or "more.png" in m]) == 3
    assert [r.getMessage() for r in caplog.records if r.levelno == logging.WARNING] == [
        f"the class folder {root / 'empty'} has no pictures"
    ]


def test_classes_can_be_given(root: Path) -> None:
    data = ImageFolderDataset(root, classes=["cat", "cow", "dog"])
    assert [label for _, label in data.items] == [0, 2, 2]
    with pytest.raises(ValueError, match=r"cat: unknown class 'cat'; did you mean cats"):
        ImageFolderDataset(root, classes=["cats", "dog"])


def test_errors(root: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    with pytest.raises(ValueError, match="nowhere is not there"):
        ImageFolderDataset(root / "nowhere")
    with pytest.raises(ValueError, match=r"README.md is no folder"):
        ImageFolderDataset(root / "README.md")
    with pytest.raises(ValueError, match="has no folders; pictures are looked for in"):
        ImageFolderDataset(root / "cat")
    empty = tmp_path_factory.mktemp("empty")
    (empty / "cat").mkdir()
    with pytest.raises(ValueError, match="no pictures in its 1 class folders"):
        ImageFolderDataset(empty)
    (root / "cat" / "c.png").write_bytes(b"")
    with pytest.raises(ImageError, match=r"cat.c.png: it is empty"):
        ImageFolderDataset(root)[0]

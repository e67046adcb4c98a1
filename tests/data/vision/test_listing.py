from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from toolkit.data.vision.image import ImageError
from toolkit.data.vision.listing import ImageListDataset, read_list


def test_labels_and_paths(tmp_path: Path, photo: np.ndarray, encode: Callable[..., bytes]) -> None:
    (tmp_path / "some pictures").mkdir()
    (tmp_path / "some pictures" / "é 1.png").write_bytes(encode(photo, "PNG"))
    path = tmp_path / "a.lst"
    path.write_text("0\t3.0\tsome pictures/é 1.png\n\n1\t1\t2.5\tnone.png\r\n", encoding="utf-8")
    data = ImageListDataset(path)
    image, label = data[0]
    np.testing.assert_array_equal(image, photo)
    assert (len(data), label) == (2, 3.0)
    with pytest.raises(ImageError, match=r"none.png: No such file"):
        data[1]
    elsewhere = tmp_path / "lists"
    elsewhere.mkdir()
    moved = path.rename(elsewhere / "a.lst")
    (tmp_path / "none.png").write_bytes(encode(photo, "PNG"))
    vector = np.asarray(ImageListDataset(moved, root=tmp_path)[1][1])
    assert (vector.dtype, vector.tolist()) == (np.float32, [1.0, 2.5])


@pytest.mark.parametrize("line", ["0\ta.png", "0 1 a.png", "0\tone\ta.png"])
def test_a_broken_line_is_named(line: str, tmp_path: Path) -> None:
    path = tmp_path / "a.lst"
    path.write_text(f"0\t1\ta.png\n{line}\n")
    with pytest.raises(ValueError, match=r"a.lst, line 2: not a number"):
        ImageListDataset(path)


@pytest.mark.realdata
def test_a_list_written_by_others(data_root: Path) -> None:
    items = read_list(data_root / "recordio" / "sample-data_test.lst")
    assert len(items) == 8
    assert items[0][0] == "chn-00199980.jpg"
    assert {len(labels) for _, labels in items} == {20}

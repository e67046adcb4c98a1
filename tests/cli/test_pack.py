"""`toolkit pack`: images into record files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result
from PIL import Image

from toolkit.cli.group import main
from toolkit.data.vision import ImageRecordDataset


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for i in range(8):
        path = tmp_path / "images" / "ab"[i % 2] / f"{i}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.full((30, 40, 3), i, np.uint8)).save(path)
    return tmp_path / "images"


def run(*words: object) -> Result:
    return CliRunner().invoke(main, ["pack", *map(str, words)])


def test_it_says_what_it_wrote(folder: Path, tmp_path: Path) -> None:
    result = run(folder, tmp_path / "out", "--resize", 15, "--quality", 90)
    assert result.exit_code == 0, result.output
    size = f"{(tmp_path / 'out.rec').stat().st_size:,}"
    assert f"{tmp_path / 'out.rec'}  8 images  {size} bytes\n" in result.output
    assert ImageRecordDataset(tmp_path / "out.rec")[0][0].shape == (15, 20, 3)


def test_a_split(folder: Path, tmp_path: Path) -> None:
    ratios = ("--train-ratio", 0.5, "--test-ratio", 0.25, "--seed", 3)
    assert run(folder, tmp_path / "out", *ratios).exit_code == 0
    sizes = {p.stem: len(ImageRecordDataset(p)) for p in tmp_path.glob("*.rec")}
    assert sizes == {"out_train": 4, "out_test": 2, "out_val": 2}


def test_unreadable_pictures(folder: Path, tmp_path: Path) -> None:
    (folder / "a" / "0.png").write_bytes(b"nothing")
    result = run(folder, tmp_path / "out", "--workers", 1)
    assert result.exit_code == 1
    assert "0.png" in result.output
    assert "Traceback" not in result.output
    result = run(folder, tmp_path / "out", "--skip-errors")
    assert "7 images, 1 skipped" in result.output


def test_bad_values(folder: Path, tmp_path: Path) -> None:
    result = run(folder, tmp_path / "out", "--quality", 200)
    assert "quality 200 is not within 1..100" in result.output
    assert run(folder).exit_code == 2

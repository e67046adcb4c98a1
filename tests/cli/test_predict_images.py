"""`toolkit predict` with a detector: what is found, and pictures of it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from click.testing import Result

Run = Callable[..., Result]


@pytest.fixture
def picture(tmp_path: Path) -> str:
    path = tmp_path / "plain.png"
    cv2.imwrite(str(path), np.full((40, 60, 3), 90, np.uint8))
    return str(path)


def test_predict_objects(run: Run, asked: list[Any], picture: str) -> None:
    rows = run("predict", "ssd_a", picture).stdout.splitlines()
    assert rows[0].split() == ["image", "label", "score", "box"]
    assert [row.split()[1:] for row in rows[1:]] == [
        ["cat", "0.7500", "10.0", "5.0", "40.0", "30.0"]
    ]
    (row,) = json.loads(run("predict", "ssd_a", picture, "--least", "0.1", "--json").stdout)
    assert [p["score"] for p in row["predictions"]] == [0.75, 0.25]


def test_predict_draws(run: Run, asked: list[Any], picture: str, tmp_path: Path) -> None:
    assert run("predict", "ssd_a", picture, "--save", str(tmp_path / "o.png")).exit_code == 0
    drawn = cv2.imread(str(tmp_path / "o.png"))
    assert drawn.shape == (40, 60, 3)
    assert (drawn[29, 20:40] != 90).any()  # the lower edge of the box
    run("predict", "ssd_a", picture, picture, "--save", str(tmp_path / "many"))
    assert (tmp_path / "many" / "plain.png").is_file()


def test_predict_draws_no_classes(run: Run, asked: list[Any], tmp_path: Path) -> None:
    result = run("predict", "cifar_a", "one.jpg", "--save", str(tmp_path / "o.png"))
    assert result.exit_code == 1
    assert result.stderr == (
        "error: --save draws objects, regions and poses, and cifar_a names classes\n"
    )


def test_predict_regions(run: Run, asked: list[Any], picture: str, tmp_path: Path) -> None:
    rows = run("predict", "fcn_a", picture).stdout.splitlines()
    assert rows[0].split() == ["image", "label", "share", "index"]
    halves = [["cat", "0.5000", "3"], ["sky", "0.5000", "0"]]
    assert [row.split()[-3:] for row in rows[1:]] == halves
    (row,) = json.loads(run("predict", "fcn_a", picture, "--json", "--top", "1").stdout)
    assert row["predictions"] == [{"label": "cat", "index": 3, "share": 0.5}]
    assert run("predict", "fcn_a", picture, "--save", str(tmp_path / "o.png")).exit_code == 0
    drawn = cv2.imread(str(tmp_path / "o.png"))
    assert (drawn[2, 2] != drawn[2, 57]).any()  # each half has its colour


def test_predict_poses(run: Run, asked: list[Any], picture: str, tmp_path: Path) -> None:
    rows = run("predict", "simple_a", picture).stdout.splitlines()
    assert rows[0].split() == ["image", "label", "score", "joint", "score", "x", "y"]
    assert rows[1].split()[1:] == ["cat", "0.4000", "a", "paw", "0.9000", "10.0", "20.0"]
    assert rows[2].split() == ["b", "paw", "-0.1000", "11.0", "20.0"]
    (row,) = json.loads(run("predict", "simple_a", picture, "--json").stdout)
    (pose,) = row["predictions"]
    assert pose["joints"][0] == {"label": "a paw", "index": 0, "score": 0.9, "x": 10, "y": 20}
    assert run("predict", "simple_a", picture, "--save", str(tmp_path / "o.png")).exit_code == 0
    drawn = cv2.imread(str(tmp_path / "o.png"))
    assert (drawn[20, 10] == 0).all()
    assert (drawn[20, 20:] == 90).all()


def test_predict_poses_behind_a_detector(
    run: Run, asked: list[Any], made: Callable[[], Any], picture: str
) -> None:
    command = ("predict", "simple_a", picture, "--detector", "ssd_b", "--least", "0.3")
    assert "paw" in run(*command).stdout
    assert made() == ("simple_a", ("ssd_b", True, 0.3))

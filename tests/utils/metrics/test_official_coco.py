from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from toolkit.utils.metrics.official_coco import evaluated, indexed, read_truth

TRUTH = {
    "images": [{"id": 3, "height": 60, "width": 80}],
    "categories": [{"id": 2, "name": "cat"}],
    "annotations": [
        {
            "id": 1,
            "image_id": 3,
            "category_id": 2,
            "bbox": [5, 5, 20, 30],
            "area": 600,
            "iscrowd": 0,
        }
    ],
}


def test_truth_is_a_file_or_what_is_in_one(tmp_path: Path) -> None:
    (tmp_path / "truth.json").write_text(json.dumps(TRUTH))
    assert read_truth(tmp_path / "truth.json") == read_truth(TRUTH) == TRUTH
    with pytest.raises(ValueError, match="must hold annotations, categories"):
        read_truth({"images": []})


def test_what_is_found_is_scored_silently(capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("pycocotools")
    row = {"image_id": 3, "category_id": 2, "bbox": [5, 5, 20, 30], "score": 0.9}
    assert evaluated(indexed(TRUTH), [row], "bbox", [3]).stats[0] == pytest.approx(1)
    assert evaluated(indexed(TRUTH), [], "bbox", [3]).stats[0] == 0
    assert capsys.readouterr().out == ""


def test_where_it_is_missing_the_command_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pycocotools.coco", None)
    with pytest.raises(ModuleNotFoundError, match=r"pip install 'gluon-toolkit\[coco\]'"):
        indexed(TRUTH)

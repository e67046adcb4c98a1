from __future__ import annotations

from toolkit.data.text.datasets.corpora import parallel, whole
from toolkit.data.text.datasets.rows import named, one, several


def test_layouts() -> None:
    assert one(whole, "latin-1", train="a").splits == {"train": ("a",)}
    assert named(whole, "x.{}").splits == {s: (f"x.{s}",) for s in ("train", "dev", "test")}
    layout = several(parallel, ("{}.en", "{}.de"), val="news")
    assert layout.splits == {"val": ("news.en", "news.de")}

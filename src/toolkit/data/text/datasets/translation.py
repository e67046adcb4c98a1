"""Texts in two languages."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from toolkit.data.text.datasets.corpora import parallel
from toolkit.data.text.datasets.rows import Layout, TextSet, several

TASK = "translation"
NMT = "https://nlp.stanford.edu/projects/nmt/"
MULTI30K = "https://github.com/multi30k/dataset"
Names = Mapping[str, tuple[str, str]]  # of a split, what its two files are called


def _pair(first: str, second: str, names: Names, archive: str = "") -> tuple[Layout, ...]:
    """A layout of two files a split, whose names end in their language, and the same packed."""
    splits = {split: (f"{a}.{first}", f"{b}.{second}") for split, (a, b) in names.items()}
    layouts = [Layout(splits, parallel)]
    if archive:
        packed = {
            split: tuple(f"{archive}!*/{f}" for f in files) for split, files in splits.items()
        }
        layouts.append(Layout(packed, parallel))
    return tuple(layouts)


def _same(names: Mapping[str, str]) -> Names:
    return {split: (name, name) for split, name in names.items()}


def _years(year: int, until: int) -> dict[str, str]:
    """The splits of a campaign: all tests up to its own, the last but one to validate with."""
    tests = {f"newstest{y}": f"newstest{y}" for y in range(year, until + 1)}
    return {"val": f"newstest{until - 1}", "test": f"newstest{until}", **tests}


def _prepared(names: Mapping[str, str], ends: Mapping[str, tuple[str, str]], train: str) -> Names:
    """GluonNLP's names: of the last test, which has several forms, the two halves differ."""
    found = {"train": (train, train), **_same(names)}
    last = names["test"]
    for split, (first, second) in ends.items():
        found[split] = (f"{last}{first}", f"{last}{second}")
    return found


# Of the test of 2014: the filtered one, in the direction of the campaign, and the whole one.
FORMS = {
    "test": (".src", ".ref"),
    "newstest2014": (".src", ".ref"),
    "newstest2014-full": (".full", ".full"),
}
YEARS = {2014: (_years(2009, 2014), FORMS), 2016: (_years(2012, 2016), {})}
ARCHIVES = {  # that GluonNLP prepared
    "WMT2014": "wmt2014_de_en-b0e0e703.zip",
    "WMT2014BPE": "wmt2014bpe_de_en-ace8f41c.zip",
    "WMT2016": "wmt2016_de_en-88767407.zip",
    "WMT2016BPE": "wmt2016bpe_de_en-8cf0dbf6.zip",
}
BPE, TRAIN = ".tok.bpe.32000", "train.tok.clean.bpe.32000"  # 32000 merges for both languages


def _wmt(year: int, first: str, second: str) -> TextSet:
    names, ends = YEARS[year]
    plain = _pair(first, second, {"train": ("train", "train"), **_same(names)})
    prepared = _pair(first, second, _prepared(names, ends, "train"), ARCHIVES[f"WMT{year}"])
    return _campaign(f"WMT{year}", *plain, *prepared)


def _wmt_bpe(year: int, first: str, second: str) -> TextSet:
    names, ends = YEARS[year]
    cut = {split: f"{name}{BPE}" for split, name in names.items()}
    prepared = _prepared(cut, ends, TRAIN)
    return _campaign(f"WMT{year}BPE", *_pair(first, second, prepared, ARCHIVES[f"WMT{year}BPE"]))


def _campaign(home: str, *layouts: Layout) -> TextSet:
    year = home[5:7]
    return TextSet(TASK, layouts, f"https://www.statmt.org/wmt{year}/", home=home)


def _multi30k(first: str, second: str) -> TextSet:
    files = (f"{{}}.{first}.gz", f"{{}}.{second}.gz")
    layout = several(parallel, files, train="train", val="val", test="test_2016_flickr")
    return TextSet(TASK, (layout,), MULTI30K)


def _iwslt(first: str, second: str) -> TextSet:
    names = _same({"train": "train", "val": "tst2012", "test": "tst2013"})
    return TextSet(TASK, _pair(first, second, names, "iwslt15.zip"), NMT, home="IWSLT2015")


def _both_ways(name: str, make: object, pair: tuple[str, str], *year: int) -> Iterable[tuple]:
    """A set in its usual direction, and in the other."""
    first, second = pair
    yield name, make(*year, first, second)  # type: ignore[operator]
    yield f"{name}-{second}-{first}", make(*year, second, first)  # type: ignore[operator]


SETS: dict[str, TextSet] = {
    **dict(_both_ways("IWSLT2015", _iwslt, ("en", "vi"))),
    **{
        name: row
        for year in YEARS
        for end, make in (("", _wmt), ("BPE", _wmt_bpe))
        for name, row in _both_ways(f"WMT{year}{end}", make, ("en", "de"), year)
    },
    **{
        f"Multi30k-{first}-{second}": _multi30k(first, second)
        for first, second in (("en", "de"), ("en", "fr"), ("de", "en"), ("fr", "en"))
    },
}

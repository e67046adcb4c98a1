"""Writes the table of image classifiers: python scripts/classification/model_table.py [PAGE].

What a network costs is counted on one picture of the size its preset gives.
"""

from __future__ import annotations

import sys
from pathlib import Path

from toolkit.data.vision import PRESETS
from toolkit.model_zoo import list_models, model_info, summarize

PAGE = Path(__file__).resolve().parents[2] / "docs" / "classification.md"
HEAD = """# Image classifiers

Made by `python scripts/classification/model_table.py`. *Parameters* are all numbers that are
stored, in millions; *multiply-adds* those of convolutions and dense layers on one picture of the
given side, in billions; *activations* all results of all operators on it in float32, in MB: what
training keeps, and more than inference needs at once. `toolkit info MODEL --size SIDE` counts for
any size. *Top-1* and *top-5* are what the publishers of the weights state, in percent; the tag
says which file: `get_model(name, pretrained=tag)`.

| model | side | parameters | multiply-adds | activations | weights: top-1 / top-5 |
|---|--:|--:|--:|--:|---|
"""


def scores(name: str) -> str:
    """Each published file with its scores."""
    found = []
    for entry in model_info(name).weights:
        text = " / ".join(str(entry.metrics[k]) for k in ("top1", "top5") if k in entry.metrics)
        source = "" if entry.source == "gluoncv" else f" ({entry.source})"
        found.append(f"`{entry.tag}`{source}" + (f": {text}" if text else ""))
    return "; ".join(found)


def row(name: str) -> str:
    side = PRESETS[model_info(name).preprocess].size[0]
    cost = summarize(name, (1, 3, side, side))
    numbers = (
        f"{side} | {cost.parameters / 1e6:.2f} | {cost.multiply_adds / 1e9:.2f} | "
        f"{cost.activations / 1e6:.0f}"
    )
    return f"| `{name}` | {numbers} | {scores(name)} |"


def main(page: str | Path = PAGE) -> None:
    names = list_models(task="image_classifier", domain="vision")
    text = HEAD + "\n".join(row(name) for name in names) + "\n"
    notes = [f"- `{name}`: {model_info(name).note}" for name in names if model_info(name).note]
    Path(page).write_text(text + "\n## Notes\n\n" + "\n".join(notes) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])

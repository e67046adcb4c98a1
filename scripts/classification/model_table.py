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

FORMS = (  # of a network: what it is, compared with, how far apart at most, shown by
    (
        "float32, eager",
        "GluonCV's network with the same weights",
        "0; group normalization 1e-5",
        "`make parity PARITY=parity`: [parity](parity.md)",
    ),
    ("float32, hybridized", "the same, and ours eager", "1e-5", "the same, and `make slow`"),
    (
        "float32, exported, loaded by `SymbolBlock` or by `deploy.load`",
        "the same",
        "1e-5",
        "the same",
    ),
    ("float32, exported, its file given to `get_model`", "ours eager", "0", "`make slow`"),
    (
        'float32, fused by `optimize_for(x, backend="MKLDNN")`',
        "ours eager; MXNet refuses NASNet's graph",
        "1e-5",
        "`make slow`",
    ),
    (
        "bfloat16: weights and pictures rounded to it",
        "float32",
        "2e-2; small networks 2e-3 to 5e-3",
        "`make slow`",
    ),
    (
        'bfloat16: computed in it, `deploy.load(path, precision="bf16")`',
        "float32, of `cifar_resnet20_v1`; wants AVX-512",
        "3e-2",
        "`tests/deploy/test_lowering.py`",
    ),
    (
        "int8, `deploy.quantize`",
        "float32, of `cifar_resnet20_v1`, on what it was calibrated on",
        "0.2; `max_drop=` bounds what counts, the loss of accuracy: [int8](deploy.md#int8)",
        "`tests/deploy/test_quantization.py`",
    ),
)
PRECISION = """
## How exactly

The largest difference of any score, relative to the largest score:

| precision | compared with | at most | shown by |
|---|---|---|---|
{rows}

`make slow` runs `tests/model_zoo/vision/test_backbones.py` for every name. Its weights are random,
and smaller in Residual Attention networks: sums of hundreds of units grow until a gate on them is a
step, and then no rounding is small.
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
    text += PRECISION.format(rows="\n".join(f"| {' | '.join(form)} |" for form in FORMS))
    Path(page).write_text(text + "\n## Notes\n\n" + "\n".join(notes) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])

"""The page and the picture of what `benchmarks/performance.py` found."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from performance_rows import ABSENT, MODELS, Row

DOCS = Path(__file__).parent.parent / "docs"
COMMAND = "python benchmarks/performance.py --all --peers PYTHON --programs BUILD --jars TARGET"
COLUMNS = ["workload", "toolkit", "ms", "peer", "ms", "ratio", "wanted", "of the peak"]
COLUMNS += ["limit", "load"]
HEAD = """# {title}

What the toolkit takes for a workload and what its peers take, in turns on one machine: medians of
the rounds' times (least to most), our fastest backend against the fastest peer. *ratio* is the
peer's time over ours; where *at most* is wanted, ours over the peer's. *of the peak* is the share
of the most multiply-adds a second that were seen here, in a product of large matrices or in a row
of this page ({peaks}), and *limit* the ratio that all of that would be: more is possible only with
fewer multiply-adds.
*load* is how many processes of the machine wanted to run as the row was finished, two at a time:
above 2, the times are those of a busy machine, and only ratios mean something. Weights are random;
in int8 are all layers but the last: what that costs trained networks is in
[Deploy](deploy.md#int8).

```sh
{command}
```

{machine}

"""


def table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    lines = [columns, ["---"] * len(columns), *rows]
    return [f"| {' | '.join(cells)} |" for cells in lines]


def best(times: Mapping[str, Any], names: Iterable[str]) -> tuple[str, dict[str, float]] | None:
    found = [(name, times[name]) for name in names if name in times]
    return min(found, key=lambda pair: pair[1]["median"], default=None)


def compared(row: Row, found: Mapping[str, Any]) -> float | None:
    """How many times as fast as the fastest peer; None where one side was not measured."""
    times = found.get("times", {})
    ours, peer = best(times, row.ours), best(times, row.peers)
    return peer[1]["median"] / ours[1]["median"] if ours and peer else None


def cells(row: Row, found: Mapping[str, Any], peaks: Mapping[str, float]) -> list[str]:
    aim = f"at most {row.wanted:g}" if row.at_most else f"{row.wanted:g}"
    faster = compared(row, found)
    if faster is None:
        return [row.title, *[""] * 4, "not measured", aim, "", "", ""]
    ours = best(found["times"], row.ours)
    sides = [ours, best(found["times"], row.peers)]
    shown = [cell for side in sides if side for cell in (side[0], spread(side[1]))]
    ratio = 1 / faster if row.at_most else faster
    kind, part = share(row, *ours, peaks) if ours else ("", 0.0)
    reached = f"{100 * part:.0f} % of {kind}" if part else ""
    limit = f"{faster / part:.2f}" if part and not row.at_most else ""
    return [row.title, *shown, f"{ratio:.2f}", aim, reached, limit, str(found.get("load", ""))]


def spread(time: Mapping[str, float]) -> str:
    return f"{time['median']:.1f} ({time['least']:.1f} to {time['most']:.1f})"


def highest(
    rows: Mapping[str, Row], every: Mapping[str, Any], products: Mapping[str, float]
) -> dict[str, float]:
    """The peaks, raised to what rows reached: convolutions may do better than products."""
    peaks = dict(products)
    for key, row in rows.items():
        for name, time in every.get(key, {}).get("times", {}).items():
            if name in row.ours and row.computes:
                kind, part = share(row, name, time, products)
                peaks[kind] = max(peaks.get(kind, 0.0), part * products.get(kind, 0.0))
    return peaks


def share(
    row: Row, name: str, time: Mapping[str, float], peaks: Mapping[str, float]
) -> tuple[str, float]:
    """In which precision a candidate computes, and how much of its peak; 0 where it is unknown."""
    kind = next((kind for kind in ("int8", "bf16") if kind in name), "fp32")
    if not row.computes or kind not in peaks:
        return kind, 0.0
    work = MODELS[row.model][1] * row.batch * (3 if row.training else 1)
    return kind, work / (time["median"] / 1e3) / peaks[kind]


def write_page(
    rows: Mapping[str, Row], state: Mapping[str, Any], file: Path, docs: Path = DOCS
) -> None:
    """Writes the page and the picture that are named as the state's file is."""
    name = file.stem
    kind = name.removeprefix("performance").strip("_")
    every = state["rows"]
    peaks = highest(rows, every, state.get("peaks", {}))
    where = ", ".join(f"{key} {value}" for key, value in state.get("machine", {}).items())
    reached = ", ".join(f"{kind} {value:.0f} thousand million" for kind, value in peaks.items())
    lines = [cells(row, every.get(key, {}), peaks) for key, row in rows.items()]
    lines += [
        [title, *[""] * 4, f"not measurable on this CPU, which has no {lack}", *[""] * 4]
        for title, lack in ABSENT
    ]
    candidates = [
        [f"`{key}`", candidate, *(f"{time[key]:.1f}" for key in ("median", "least", "most"))]
        for key, found in every.items()
        for candidate, time in found["times"].items()
    ]
    text = HEAD.format(
        title=f"Performance on {kind.upper()}" if kind else "Performance",
        peaks=reached,
        command=f"{COMMAND} --state benchmarks/results/{file.name}" if kind else COMMAND,
        machine=f"Ran on: {where}.",
    )
    text += "\n".join(table(COLUMNS, lines))
    text += f"\n\n![times as fast as the fastest peer]({name}.png)\n\n## All candidates\n\n"
    text += "\n".join(table(("row", "candidate", "median ms", "least", "most"), candidates)) + "\n"
    (docs / f"{name}.md").write_text(text, encoding="utf-8")
    ratios = {key: compared(row, every.get(key, {})) for key, row in rows.items()}
    draw({row: ratio for row, ratio in ratios.items() if ratio}, docs / f"{name}.png")


def draw(ratios: Mapping[str, float], path: Path) -> None:
    """A bar a row: how many times as fast as the fastest peer."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    names = list(ratios)[::-1]
    figure, axes = pyplot.subplots(figsize=(9, 0.4 * len(names) + 1))
    axes.barh(names, [ratios[name] for name in names], color="#4878a8")
    axes.axvline(1, color="black", linewidth=1)
    axes.set_xlabel("times as fast as the fastest peer")
    figure.tight_layout()
    figure.savefig(path, dpi=100)
    pyplot.close(figure)

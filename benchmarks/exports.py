"""Every published model on every target, as `docs/exports.md`: run, stop and go on at will.

Each model has a process of its own (`export_targets.py`) with random weights and small inputs. What
was found is kept in a JSON file at once; a later run goes on with what is not there yet, what took
too long and has more time now, and what was too large for `--most`. The page is written anew after
each model.

    python benchmarks/exports.py [NAME...] [--most 50] [--limit 120] [--programs BUILD] [--jobs 2]
    python benchmarks/exports.py --page-only
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import Any

from toolkit.deploy.measuring import machine
from toolkit.model_zoo import list_models

HERE = Path(__file__).parent
STATE, PAGE = HERE / "results" / "exports.json", HERE.parent / "docs" / "exports.md"
CHILD = HERE / "export_targets.py"
TARGETS = ("mxnet", "onnx", "openvino", "int8", "c++")
ONE_THREAD = {**os.environ, "OMP_NUM_THREADS": "1"}
Row = dict[str, Any]

HEAD = """# Exports of all models

Every published name, exported and run on every target: random weights whose features are spread as
trained ones are, with residual branches a fifth of what they are added to, two small pictures of
patches or two texts of 16 tokens, {one_thread}. The columns hold the greatest difference from the
network in Python, not hybridized, relative to the greatest number of that output; rows of
detections are compared whatever their order. R-CNN runs with 12 regions an image: a larger number
there is another region or another last detection, of a score next to the one that was taken. T5
1.1 with random weights makes 2e-3 of a change of 1e-6 in its word vectors, as rounding is.

- *mxnet*: the export, loaded and run in fused oneDNN operators; *C++*: the same files through the
  C predict API, by `scripts/deploy/cpp`;
- *onnx*, *openvino*: `export_onnx`, run by ONNX Runtime and OpenVINO; *int8*: `quantize`, and how
  many layers compute in int8. Random weights suffer from int8 more than trained ones do: what
  it costs those is in [Deploy](deploy.md#int8).

{counts}

```sh
{command}
```

{machine}
"""


def load(path: Path) -> dict[str, Row]:
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}


def save(path: Path, rows: dict[str, Row]) -> None:
    stage = path.with_suffix(".part")
    stage.parent.mkdir(parents=True, exist_ok=True)
    ordered = dict(sorted(rows.items()))
    stage.write_text(json.dumps(ordered, indent=1) + "\n", encoding="utf-8")
    os.replace(stage, path)


def due(row: Row | None, options: argparse.Namespace) -> bool:
    """Whether a model is still to be run."""
    if row is None or options.again:
        return True
    if "skipped" in row:
        return row["parameters"] <= 1e6 * options.most
    if "c++" not in row and options.programs:
        return True
    return row.get("limit", options.limit) < options.limit


def run(name: str, options: argparse.Namespace) -> Row:
    """What one process finds of one model."""
    command = [sys.executable, str(CHILD), name, "--most", str(options.most)]
    if options.programs:
        command += ["--programs", str(options.programs)]
    row: Row = {}
    start = time.monotonic()
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=options.limit, env=ONE_THREAD
        )
        output, status, said = done.stdout, done.returncode, done.stderr
    except subprocess.TimeoutExpired as late:
        output = late.stdout.decode() if isinstance(late.stdout, bytes) else late.stdout or ""
        status, said = None, ""
        row["limit"] = options.limit
    for line in output.splitlines():
        if line.startswith("{"):
            row.update(json.loads(line))
    row["seconds"] = round(time.monotonic() - start, 1)
    if status:
        row["error"] = (
            (said.strip().splitlines() or [""])[-1] if status > 0 else f"signal {-status}"
        )
    return row


def cell(row: Row, target: str) -> str:
    found = row.get(target)
    if found is None:
        if "limit" in row:
            return f"> {row['limit']:g} s"
        return f"ended: {row['error']}" if "error" in row else ""
    if "error" in found:
        return found["error"].replace("|", "/")
    text = f"{found['difference']:.0e}"
    return f"{text}, {found['layers']} layers" if "layers" in found else text


def table(rows: dict[str, Row]) -> list[str]:
    lines = ["| name | million parameters | input | " + " | ".join(TARGETS) + " |"]
    lines.append("|---" * (3 + len(TARGETS)) + "|")
    for name, row in rows.items():
        size = f"{row['parameters'] / 1e6:.1f}" if "parameters" in row else ""
        shape = "x".join(map(str, row.get("input", ())))
        cells = [row["skipped"]] if "skipped" in row else [cell(row, t) for t in TARGETS]
        cells = [f"not run: {cells[0]}", *[""] * 4] if "skipped" in row else cells
        lines.append(f"| `{name}` | {size} | {shape} | " + " | ".join(cells) + " |")
    return lines


def counts(rows: dict[str, Row]) -> str:
    """How many models each target answers, and how many of them nearly as the network does."""
    lines = ["| | models | answer | within 1e-4 | within 1e-3 |", "|---|---|---|---|---|"]
    for target in TARGETS:
        found = [r[target] for r in rows.values() if target in r]
        apart = [f["difference"] for f in found if "difference" in f]
        near = [sum(d <= limit for d in apart) for limit in (1e-4, 1e-3)]
        if target == "int8":
            near = ["", ""]
        lines.append(f"| {target} | {len(found)} | {len(apart)} | {near[0]} | {near[1]} |")
    whole = f"{len(rows)} of {len(list_models())} published models have a row so far."
    return "\n".join([*lines, "", whole])


def page(rows: dict[str, Row], command: str, where: dict[str, object]) -> str:
    note = ", ".join(f"{key} {value}" for key, value in where.items())
    head = HEAD.format(
        one_thread="one thread", counts=counts(rows), command=command, machine=f"Ran on: {note}."
    )
    lines = [head]
    for task in sorted({row.get("task", "not built") for row in rows.values()}):
        some = {n: r for n, r in rows.items() if r.get("task", "not built") == task}
        lines += [f"## {task.replace('_', ' ')}", "", *table(some), ""]
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("names", nargs="*", help="default: all, the ones without a row first")
    parser.add_argument("--most", type=float, default=1e6, help="millions of parameters")
    parser.add_argument("--limit", type=float, default=300, help="seconds a model")
    parser.add_argument("--programs", type=Path, help="where the C++ programs were built")
    parser.add_argument("--jobs", type=int, default=1, help="models at a time")
    parser.add_argument("--again", action="store_true", help="also what has been run")
    parser.add_argument("--page-only", action="store_true")
    parser.add_argument("--state", type=Path, default=STATE)
    parser.add_argument("--page", type=Path, default=PAGE)
    options = parser.parse_args()
    names = [] if options.page_only else options.names or list_models()
    command = "python benchmarks/exports.py --programs BUILD"
    rows = load(options.state)
    names = sorted((n for n in names if due(rows.get(n), options)), key=lambda n: n in rows)
    with ThreadPoolExecutor(options.jobs) as pool:
        found = {pool.submit(run, name, options): name for name in names}
        for number, future in enumerate(as_completed(found)):
            name, row = found[future], future.result()
            rows = {**load(options.state), name: row}
            save(options.state, rows)
            print(f"{number + 1}/{len(names)} {name}: {row['seconds']} s", flush=True)
            options.page.write_text(page(rows, command, machine()), encoding="utf-8")
    options.page.write_text(page(rows, command, machine()), encoding="utf-8")


if __name__ == "__main__":
    main()

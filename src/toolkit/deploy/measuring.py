"""Times of what is compared: in turns, so that what else the machine does hits all alike."""

from __future__ import annotations

import platform
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from toolkit import __version__
from toolkit.utils.cpu import cpu_info, usable_cores

FEATURES = ("avx2", "avx512f", "avx512_vnni", "avx512_bf16", "avx512_fp16", "amx_tile", "asimd")
PACKAGES = ("mxnet", "numpy", "onnxruntime", "openvino", "torch")


@dataclass(frozen=True)
class Timing:
    """Milliseconds of one candidate's calls."""

    name: str
    median: float
    least: float
    most: float
    ratio: float  # the first candidate's median over this one's: above 1 is faster than the first


def interleaved(candidates: Mapping[str, Callable[[], object]], rounds: int) -> list[Timing]:
    """Calls all candidates in turns, ABAB...; the first round is for warming up.

    Raises:
        ValueError: no candidates, or less than one round.
    """
    if not candidates or rounds < 1:
        raise ValueError(f"{len(candidates)} candidates and {rounds} rounds: need one at least")
    times: dict[str, list[float]] = {name: [] for name in candidates}
    for _ in range(rounds + 1):
        for name, call in candidates.items():
            start = time.perf_counter()
            call()
            times[name].append(1000 * (time.perf_counter() - start))
    medians = {name: statistics.median(values[1:]) for name, values in times.items()}
    first = next(iter(medians.values()))
    return [
        Timing(name, medians[name], min(values[1:]), max(values[1:]), first / medians[name])
        for name, values in times.items()
    ]


def machine() -> dict[str, object]:
    """What times depend on: the processor, what it can, its cores in use, and versions."""
    return {
        "cpu": _cpu_name(),
        "features": " ".join(name for name in FEATURES if name in cpu_info()[1]),
        "cores": usable_cores()[0],
        "system": platform.system(),
        "python": platform.python_version(),
        "toolkit": __version__,
        **{name: found for name in PACKAGES if (found := _version(name))},
    }


def _cpu_name(path: Path = Path("/proc/cpuinfo")) -> str:
    try:
        rows = path.read_text(errors="replace").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    found = next((row for row in rows if row.startswith("model name")), "")
    return found.partition(":")[2].strip() or platform.machine()


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None

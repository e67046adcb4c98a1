"""Which backend is the fastest on this machine: a short timed trial whose outcome is kept."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import secrets
import statistics
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from toolkit.deploy.runner import Runner
from toolkit.utils.cpu import cpu_info, usable_cores
from toolkit.utils.files import cache_dir

_log = logging.getLogger(__name__)
ROUNDS = 5  # medians of so many calls, taken in turns
LONGEST = 2.0  # seconds; no further round begins after that


def fastest(openers: Mapping[str, Callable[[], Runner]], key: Any, batch: int) -> Runner:
    """Opens the backend that answers soonest.

    Args:
        openers: By name, what opens each. One that fails is left out, with a logged warning.
        key: What the outcome depends on besides the machine; anything that JSON knows.
        batch: Samples a call.

    Raises:
        Exception: the first opener's error, where all fail.
    """
    place = _place([key, sorted(openers)])
    known = _read(place)
    if known is not None and known in openers:
        _log.info("backend %s, by an earlier trial (%s)", known, place)
        return openers[known]()
    runners = _open_all(openers, batch)
    times = _measure(runners, batch) if len(runners) > 1 else dict.fromkeys(runners, 0.0)
    best = min(times, key=lambda name: times[name])
    if len(runners) > 1:
        rows = ", ".join(f"{name} {1000 * value:.2f} ms" for name, value in times.items())
        _log.info("backend %s, the fastest on batches of %d: %s", best, batch, rows)
        _keep(place, {"backend": best, "seconds": times})
    return runners[best]


def _open_all(openers: Mapping[str, Callable[[], Runner]], batch: int) -> dict[str, Runner]:
    runners, failures = {}, []
    for name, opener in openers.items():
        try:
            runner = opener()
            if len(openers) > 1:
                runner.warmup(batch)
            runners[name] = runner
        except (ValueError, RuntimeError, ImportError) as error:
            _log.warning("backend %s is left out: %s", name, error)
            failures.append(error)
    if not runners:
        raise failures[0]
    return runners


def _measure(runners: Mapping[str, Runner], batch: int) -> dict[str, float]:
    """The median seconds of a call; the backends take turns."""
    arrays = {name: runner.sample(batch) for name, runner in runners.items()}
    times: dict[str, list[float]] = {name: [] for name in runners}
    begin = time.perf_counter()
    for _ in range(ROUNDS):
        for name, runner in runners.items():
            start = time.perf_counter()
            runner(*arrays[name])
            times[name].append(time.perf_counter() - start)
        if time.perf_counter() - begin > LONGEST:
            break
    return {name: statistics.median(values) for name, values in times.items()}


def _place(key: Any) -> Path:
    text = json.dumps([key, sorted(cpu_info()[1]), usable_cores()[0]])
    return cache_dir(kind="trials") / f"{hashlib.sha256(text.encode()).hexdigest()[:16]}.json"


def _read(place: Path) -> str | None:
    try:
        return str(json.loads(place.read_text(encoding="utf-8"))["backend"])
    except (OSError, ValueError, KeyError, TypeError):  # none yet, or not ours
        return None


def _keep(place: Path, outcome: Mapping[str, Any]) -> None:
    stage = place.with_name(f"{place.name}.{secrets.token_hex(4)}.part")
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        stage.write_text(json.dumps(outcome), encoding="utf-8")
        os.replace(stage, place)
    except OSError as error:
        _log.warning("the trial's outcome could not be kept: %s", error)

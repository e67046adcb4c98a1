"""What this process may compute on: CPU features, cores in the affinity mask, cgroup quota."""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path("/")


def cpu_info(root: Path = ROOT) -> tuple[str, frozenset[str]]:
    """The CPU's vendor and feature flags as Linux names them; nothing where it does not say."""
    try:
        text = (root / "proc/cpuinfo").read_text(errors="replace")
    except OSError:
        return "", frozenset()
    pairs = (row.partition(":") for row in text.split("\n\n", 1)[0].split("\n"))  # the first CPU
    rows = {key.strip().lower(): value for key, _, value in pairs}
    flags = rows.get("flags", rows.get("features", ""))  # x86, Arm
    return rows.get("vendor_id", "").strip(), frozenset(flags.split())


def logical_cpus() -> frozenset[int]:
    """The CPUs this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return frozenset(os.sched_getaffinity(0))
    return frozenset(range(os.cpu_count() or 1))


def physical_cores(cpus: frozenset[int], root: Path = ROOT) -> int:
    """How many physical cores the given CPUs make: hyperthreads of one core count once."""
    if sys.platform == "darwin" and root == ROOT:
        return min(len(cpus), _sysctl("hw.physicalcpu") or len(cpus))
    cores = set()
    for cpu in cpus:
        topology = root / f"sys/devices/system/cpu/cpu{cpu}/topology"
        siblings = _first_line(topology / "core_cpus_list", topology / "thread_siblings_list")
        cores.add(siblings or str(cpu))
    return max(1, len(cores))


def cgroup_quota(root: Path = ROOT) -> float | None:
    """CPUs' worth of time that the cgroups (v1 or v2) of this process grant; None: no limit.

    Limits nest, so the least one on the way from the process's own group to the mount counts.
    """
    quotas = [q for folder in _cgroup_folders(root) if (q := _quota(folder)) is not None]
    return min(quotas, default=None)


def usable_cores(root: Path = ROOT) -> tuple[int, str]:
    """Threads worth running, and why: physical cores, or the quota (rounded down) if that is less.

    Rounded down because OpenMP's barriers spin: a team that the kernel stops half-way in each
    period is slower than a smaller one that runs through.
    """
    cpus, quota = logical_cpus(), cgroup_quota(root)
    cores = physical_cores(cpus, root)
    why = f"{cores} physical cores in {len(cpus)} usable CPUs"
    if quota is None or quota >= cores:
        return cores, why
    return max(1, int(quota)), f"{why}, cgroup quota of {quota:g}"


def _quota(folder: Path) -> float | None:
    line = _first_line(folder / "cpu.max")  # v2: "200000 100000" or "max 100000"
    if line is not None:
        limit, _, period = line.partition(" ")
    else:
        limit = _first_line(folder / "cpu.cfs_quota_us") or "-1"
        period = _first_line(folder / "cpu.cfs_period_us") or ""
    if not limit.isdigit() or not (period or "100000").isdigit():
        return None  # "max", "-1"
    return int(limit) / int(period or 100000)


def _cgroup_folders(root: Path) -> Iterator[Path]:
    """The folders whose limits bind this process, own group first, for the hierarchy with cpu."""
    for row in _lines(root / "proc/self/cgroup"):
        _, controllers, path = row.split(":", 2)
        if controllers and "cpu" not in controllers.split(","):
            continue
        for mount, inner in _cgroup_mounts(root, v2=not controllers):
            # In a container the path may be the host's while the mount shows a part of it only.
            relative = Path(path.removeprefix(inner).lstrip("/"))
            here = mount / relative
            yield from (here, *(p for p in here.parents if p.is_relative_to(mount)))
            yield mount


def _cgroup_mounts(root: Path, *, v2: bool) -> Iterator[tuple[Path, str]]:
    for row in _lines(root / "proc/self/mountinfo"):
        left, _, right = row.partition(" - ")
        kind, _, options = [*right.split(" ", 2), "", ""][:3]
        if kind == ("cgroup2" if v2 else "cgroup") and (v2 or "cpu" in options.split(",")):
            inner, mount = left.split()[3:5]
            yield root / mount.lstrip("/"), inner.rstrip("/")


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(errors="replace").splitlines()
    except OSError:
        return []


def _first_line(*paths: Path) -> str | None:
    return next((lines[0].strip() for p in paths if (lines := _lines(p))), None)


def _sysctl(name: str) -> int | None:
    value, size = ctypes.c_int64(0), ctypes.c_size_t(8)
    code = ctypes.CDLL(None).sysctlbyname(
        name.encode(), ctypes.byref(value), ctypes.byref(size), None, ctypes.c_size_t(0)
    )
    return value.value if code == 0 else None

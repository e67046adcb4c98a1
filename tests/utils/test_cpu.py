from __future__ import annotations

import os
from pathlib import Path

import pytest

from toolkit.utils import cpu


def write(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


def mounts(*rows: str) -> dict[str, str]:
    return {"proc/self/mountinfo": "".join(f"{row}\n" for row in rows)}


V1 = mounts(
    "31 23 0:28 / /sys/fs/cgroup rw - tmpfs tmpfs rw,mode=755",
    "33 31 0:30 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory",
    "32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct",
)
V2 = mounts("42 32 0:38 / /sys/fs/cgroup rw,relatime - cgroup2 cgroup2 rw")


def test_flags_and_vendor_of_an_x86(tmp_path: Path) -> None:
    text = "processor\t: 0\nvendor_id\t: GenuineIntel\nflags\t\t: fpu avx2 amx_tile\n\n"
    write(tmp_path, {"proc/cpuinfo": text + text.replace("amx_tile", "other")})
    assert cpu.cpu_info(tmp_path) == ("GenuineIntel", {"fpu", "avx2", "amx_tile"})


def test_features_of_an_arm(tmp_path: Path) -> None:
    write(tmp_path, {"proc/cpuinfo": "processor : 0\nFeatures : fp asimd\nCPU part : 0xd40\n"})
    assert cpu.cpu_info(tmp_path) == ("", {"fp", "asimd"})


def test_no_cpuinfo_means_no_features(tmp_path: Path) -> None:
    assert cpu.cpu_info(tmp_path) == ("", frozenset())


@pytest.mark.parametrize("name", ["core_cpus_list", "thread_siblings_list"])
def test_hyperthreads_of_a_core_count_once(tmp_path: Path, name: str) -> None:
    topology = "sys/devices/system/cpu/cpu{}/topology/" + name
    write(tmp_path, {topology.format(i): f"{i % 4},{i % 4 + 4}\n" for i in range(8)})
    assert cpu.physical_cores(frozenset(range(8)), tmp_path) == 4
    assert cpu.physical_cores(frozenset({1, 5}), tmp_path) == 1
    assert cpu.physical_cores(frozenset({0, 1, 5}), tmp_path) == 2


def test_without_topology_each_cpu_is_a_core(tmp_path: Path) -> None:
    assert cpu.physical_cores(frozenset({0, 3}), tmp_path) == 2


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"sys/fs/cgroup/cpu.max": "max 100000"}, None),
        ({"sys/fs/cgroup/cpu.max": "150000 100000"}, 1.5),
        ({"sys/fs/cgroup/a/cpu.max": "max 100000", "sys/fs/cgroup/cpu.max": "300000 100000"}, 3.0),
        ({"sys/fs/cgroup/a/b/cpu.max": "max 100000", "sys/fs/cgroup/a/cpu.max": "50000 10000"}, 5),
        ({"sys/fs/cgroup/a/b/cpu.max": "20000 10000", "sys/fs/cgroup/a/cpu.max": "50000 10000"}, 2),
        ({}, None),
    ],
)
def test_quota_of_cgroup_v2(tmp_path: Path, files: dict[str, str], expected: float | None) -> None:
    write(tmp_path, {**V2, "proc/self/cgroup": "0::/a/b\n", **files})
    assert cpu.cgroup_quota(tmp_path) == expected


def test_quota_of_cgroup_v2_in_a_container_that_sees_its_part_only(tmp_path: Path) -> None:
    inner = mounts("42 32 0:38 /pod/box /sys/fs/cgroup ro - cgroup2 cgroup rw")
    files = {"proc/self/cgroup": "0::/pod/box\n", "sys/fs/cgroup/cpu.max": "200000 100000"}
    write(tmp_path, {**inner, **files})
    assert cpu.cgroup_quota(tmp_path) == 2


@pytest.mark.parametrize(("quota", "expected"), [("-1", None), ("250000", 2.5)])
def test_quota_of_cgroup_v1(tmp_path: Path, quota: str, expected: float | None) -> None:
    folder = "sys/fs/cgroup/cpu,cpuacct/docker/x/"
    limits = {f"{folder}cpu.cfs_quota_us": quota, f"{folder}cpu.cfs_period_us": "100000"}
    group = {"proc/self/cgroup": "4:memory:/docker/x\n2:cpu,cpuacct:/docker/x\n0::/\n"}
    write(tmp_path, {**V1, **group, **limits})
    assert cpu.cgroup_quota(tmp_path) == expected


@pytest.mark.parametrize(("quota", "cores"), [("50000", 1), ("190000", 1), ("900000", 3)])
def test_usable_cores_are_the_lesser_of_cores_and_quota(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, quota: str, cores: int
) -> None:
    monkeypatch.setattr(cpu, "logical_cpus", lambda: frozenset(range(3)))
    files = {"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/cpu.max": f"{quota} 100000"}
    write(tmp_path, {**V2, **files})
    count, why = cpu.usable_cores(tmp_path)
    assert count == cores
    assert ("quota" in why) == (cores < 3)


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="no affinity masks here")
def test_the_affinity_mask_counts() -> None:
    before = os.sched_getaffinity(0)
    try:
        os.sched_setaffinity(0, {min(before)})
        assert cpu.logical_cpus() == {min(before)}
        assert cpu.usable_cores()[0] == 1
    finally:
        os.sched_setaffinity(0, before)

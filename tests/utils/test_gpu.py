from __future__ import annotations

import ctypes
import sys
from types import SimpleNamespace
from typing import Any

import pytest

from toolkit.utils import gpu
from toolkit.utils.gpu import Gpu, GpuError, check_gpu, list_gpus


class Driver:
    """Stands in for libcuda: two devices, an L4 (8.9) and an H100 (9.0)."""

    names = (b"NVIDIA L4", b"NVIDIA H100")
    capabilities = ((8, 9), (9, 0))

    def __init__(self, fails: int = 0) -> None:
        self.fails = fails

    def cuInit(self, flags: int) -> int:
        return self.fails

    def cuDeviceGetCount(self, count: Any) -> int:
        count._obj.value = len(self.names)
        return 0

    def cuDeviceGet(self, device: Any, index: int) -> int:
        device._obj.value = index
        return 0

    def cuDeviceGetName(self, name: Any, size: int, device: Any) -> int:
        name.value = self.names[device.value]
        return 0

    def cuDeviceGetAttribute(self, value: Any, attribute: int, device: Any) -> int:
        value._obj.value = self.capabilities[device.value][attribute - 75]
        return 0


@pytest.fixture
def cuda_build(monkeypatch: pytest.MonkeyPatch) -> None:
    features = SimpleNamespace(is_enabled=lambda name: name == "CUDA")
    runtime = SimpleNamespace(Features=lambda: features)
    monkeypatch.setitem(sys.modules, "mxnet", SimpleNamespace(runtime=runtime))  # type: ignore[arg-type]


def test_the_driver_is_asked_for_name_and_capability(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ctypes, "CDLL", lambda name: Driver())
    assert list_gpus() == (Gpu(0, "NVIDIA L4", (8, 9)), Gpu(1, "NVIDIA H100", (9, 0)))


def test_no_driver_or_a_failing_one_means_no_gpus(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ctypes, "CDLL", lambda name: Driver(fails=100))
    assert list_gpus() == ()

    def absent(name: str) -> None:
        raise OSError(f"{name}: cannot open shared object file")

    monkeypatch.setattr(ctypes, "CDLL", absent)
    assert list_gpus() == ()
    with pytest.raises(GpuError, match=r"no GPU.*mxnet\.cpu\(\)"):
        check_gpu()


@pytest.mark.parametrize(
    ("capability", "runs"),
    [
        *[((3, 7), False), ((5, 0), True), ((5, 2), True), ((6, 1), True), ((7, 0), True)],
        *[((7, 5), True), ((8, 0), True), ((8, 6), True), ((8, 9), True)],
        *[((9, 0), False), ((10, 0), False), ((12, 0), False)],
    ],
)
def test_machine_code_runs_on_its_own_major_version(
    capability: tuple[int, int], runs: bool
) -> None:
    assert Gpu(0, "a card", capability).supported is runs


@pytest.mark.usefixtures("cuda_build")
def test_a_fitting_device_is_handed_back() -> None:
    ada = Gpu(1, "NVIDIA L4", (8, 9))
    assert check_gpu(1, [Gpu(0, "NVIDIA H100", (9, 0)), ada]) is ada


@pytest.mark.usefixtures("cuda_build")
def test_a_newer_device_is_refused_with_name_code_and_a_way_out() -> None:
    with pytest.raises(GpuError, match=r"GPU 0 \(NVIDIA H100\): it is sm_90.*sm_86.*ONNX"):
        check_gpu(0, [Gpu(0, "NVIDIA H100", (9, 0))])


def test_an_absent_device_is_refused_with_those_there_are() -> None:
    with pytest.raises(GpuError, match=r"no GPU 3; there is 0 \(NVIDIA L4\)"):
        check_gpu(3, [Gpu(0, "NVIDIA L4", (8, 9))])


def test_an_mxnet_for_cpus_is_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    runtime = SimpleNamespace(Features=lambda: SimpleNamespace(is_enabled=lambda name: False))
    monkeypatch.setitem(sys.modules, "mxnet", SimpleNamespace(runtime=runtime))  # type: ignore[arg-type]
    with pytest.raises(GpuError, match="mxnet-cu117"):
        check_gpu(0, [Gpu(0, "NVIDIA L4", (8, 9))])


def test_the_code_listed_is_that_of_the_wheels() -> None:
    assert gpu.CODE == ((5, 0), (6, 0), (7, 0), (8, 0), (8, 6))

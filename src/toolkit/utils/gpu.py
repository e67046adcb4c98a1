"""Whether MXNet 1.9.1 has code for a GPU, asked of the driver before MXNet touches it."""

from __future__ import annotations

import ctypes
import platform
import sys
from collections.abc import Sequence
from dataclasses import dataclass

CODE = ((5, 0), (6, 0), (7, 0), (8, 0), (8, 6))  # sm_50 ... sm_86 in the wheels; no PTX
COMPUTE_CAPABILITY_MAJOR, COMPUTE_CAPABILITY_MINOR = 75, 76  # CUdevice_attribute


class GpuError(RuntimeError):
    """MXNet cannot compute on the GPU that was asked for; the message says why, and what can."""


@dataclass(frozen=True)
class Gpu:
    """A device as the CUDA driver describes it."""

    index: int  # what mxnet.gpu(index) means
    name: str
    capability: tuple[int, int]  # (9, 0) is sm_90

    @property
    def supported(self) -> bool:
        """Machine code runs on its own major version, from its own minor version on."""
        major, minor = self.capability
        return any(major == a and minor >= b for a, b in CODE)


def list_gpus() -> tuple[Gpu, ...]:
    """The devices the CUDA driver shows this process; none where there is no driver."""
    library = {"Windows": "nvcuda.dll"}.get(platform.system(), "libcuda.so.1")
    try:
        cuda = ctypes.CDLL(library)
    except OSError:
        return ()
    count = ctypes.c_int(0)
    if cuda.cuInit(0) or cuda.cuDeviceGetCount(ctypes.byref(count)):
        return ()
    return tuple(_describe(cuda, index) for index in range(count.value))


def check_gpu(index: int = 0, gpus: Sequence[Gpu] | None = None) -> Gpu:
    """The device, if MXNet 1.9.1 can compute on it; ``gpus`` stands in for the driver's answer.

    Makes no CUDA context. MXNet itself says nothing of use on a GPU newer than its code: it stops
    with "no kernel image is available", often minutes later.

    Raises:
        GpuError: no such device, no machine code for it, or an MXNet built for CPUs only.
    """
    devices = list_gpus() if gpus is None else tuple(gpus)
    advice = "use mxnet.cpu(), or an ONNX export with onnxruntime-gpu, which runs on newer cards"
    if not devices:
        raise GpuError(f"the CUDA driver shows no GPU to this process; {advice}")
    found = next((gpu for gpu in devices if gpu.index == index), None)
    if found is None:
        known = ", ".join(f"{gpu.index} ({gpu.name})" for gpu in devices)
        raise GpuError(f"there is no GPU {index}; there is {known}")
    if not found.supported:
        code = ", ".join(f"sm_{a}{b}" for a, b in CODE)
        major, minor = found.capability
        raise GpuError(
            f"MXNet 1.9.1 cannot run on GPU {index} ({found.name}): it is sm_{major}{minor}, and"
            f" MXNet's GPU wheels hold code for {code} only (Maxwell to Ada, no later); {advice}"
        )
    mxnet = sys.modules.get("mxnet")
    if mxnet is not None and not mxnet.runtime.Features().is_enabled("CUDA"):
        raise GpuError("this MXNet is built for CPUs only: install mxnet-cu117 in its place")
    return found


def _describe(cuda: ctypes.CDLL, index: int) -> Gpu:
    device, value, name = ctypes.c_int(0), ctypes.c_int(0), ctypes.create_string_buffer(128)
    cuda.cuDeviceGet(ctypes.byref(device), index)
    cuda.cuDeviceGetName(name, len(name), device)
    capability = []
    for attribute in (COMPUTE_CAPABILITY_MAJOR, COMPUTE_CAPABILITY_MINOR):
        cuda.cuDeviceGetAttribute(ctypes.byref(value), attribute, device)
        capability.append(value.value)
    return Gpu(index, name.value.decode(errors="replace"), (capability[0], capability[1]))

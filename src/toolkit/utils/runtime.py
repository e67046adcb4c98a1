"""Makes MXNet 1.9.1 import and run well: what `toolkit` does before the first ``import mxnet``.

Each step acts only where it applies, leaves what the user set alone, is turned off by
``TOOLKIT_RUNTIME_<STEP>=0`` (all of them by ``TOOLKIT_RUNTIME=0``) and has a row in `report`.
"""

from __future__ import annotations

import ctypes
import errno
import gc
import logging
import os
import platform
import sys
import warnings
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from toolkit.utils import numpy_aliases
from toolkit.utils.cpu import cpu_info, logical_cpus, usable_cores
from toolkit.utils.gpu import check_gpu
from toolkit.utils.mxnet_import import (
    LoadHook,
    mxnet_folder,
    mxnet_missing,
    mxnet_version,
    require_mxnet,
)

__all__ = [
    "Report",
    "Step",
    "check_gpu",
    "mxnet_missing",
    "prepare",
    "release_memory",
    "report",
    "require_mxnet",
]

log = logging.getLogger(__name__)

SWITCH = "TOOLKIT_RUNTIME"
MARK = "TOOLKIT_RUNTIME_APPLIED"  # NAME=value,...: what a parent process set, not its user
OFF = ("0", "off", "no", "false")
TUNABLE = 4  # CPUs from which on MXNet's start-up timing compares one thread with two
AMX_FLAGS = {"amx_tile", "amx_int8", "amx_bf16", "avx512_vnni", "avx512_bf16"}
AMX_ISA = "AVX512_CORE_AMX"
SYS_ARCH_PRCTL, ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA = 158, 0x1023, 18
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD, M_ARENA_MAX = -1, -3, -8
MALLOC_SIZES = (1 << 30, 1 << 25)  # older glibc takes at most 32 MB as mmap threshold
MALLOC_VARIABLES = ("MALLOC_MMAP_THRESHOLD_", "MALLOC_TRIM_THRESHOLD_", "MALLOC_ARENA_MAX")


@dataclass(frozen=True)
class Step:
    """What one step did: ``state`` is applied, skipped, off, late or failed."""

    step: str
    state: str
    value: str = ""
    reason: str = ""

    def to_dict(self) -> dict[str, str]:
        """The fields by name."""
        return asdict(self)

    def __str__(self) -> str:
        return f"{self.step:8} {self.state:8} {self.value:32} {self.reason}".rstrip()


class Report(tuple[Step, ...]):
    """One `Step` a row, in the order they ran; as text, a table."""

    __slots__ = ()

    def to_dict(self) -> dict[str, dict[str, str]]:
        """Each step's fields under the step's name."""
        return {row.step: row.to_dict() for row in self}

    def __str__(self) -> str:
        return "\n".join(map(str, self))


@dataclass
class Situation:
    """What the steps find, and what they want done as MXNet loads."""

    loaded: bool  # mxnet was imported before
    folder: Path
    version: str | None
    at_load: dict[str, str]


_steps: dict[str, Step] = {}


def prepare() -> Report:
    """Runs every step once per process; later calls only report.

    Warns (RuntimeWarning) if MXNet was imported before and steps came too late.
    """
    if not _steps:
        _steps.update(_run())
        for row in _steps.values():
            log.debug("%s", row)
        if "mxnet" in sys.modules and not _is_off(SWITCH):
            _loaded(sys.modules["mxnet"])
        late = [row.step for row in _steps.values() if row.state == "late"]
        if late:
            warnings.warn(
                f"mxnet was imported before toolkit: {', '.join(late)} could not be prepared and"
                " MXNet may run at half its speed; import toolkit first",
                RuntimeWarning,
                stacklevel=3,
            )
    return report()


def report() -> Report:
    """What `prepare` did, step by step, and why; empty before it ran."""
    return Report(_steps.values())


def release_memory() -> None:
    """Gives the system the memory of arrays and networks that are no longer in use.

    It is kept otherwise, for those that come next: see the step ``malloc``. Waits for MXNet; does
    nothing more than collect garbage where the C library is not glibc.
    """
    if "mxnet" in sys.modules:
        sys.modules["mxnet"].nd.waitall()
    gc.collect()
    if _has_glibc():
        ctypes.CDLL(None).malloc_trim(0)


def _has_glibc() -> bool:
    return platform.system() == "Linux" and hasattr(ctypes.CDLL(None), "gnu_get_libc_version")


def _run() -> dict[str, Step]:
    folder = mxnet_folder()
    if _is_off(SWITCH):
        return {name: Step(name, "off", reason=f"{SWITCH}=0") for name in STEPS}
    if folder is None:
        LoadHook({}).install()  # for the advice it gives
        return {name: Step(name, "skipped", reason="mxnet is not installed") for name in STEPS}
    at_load: dict[str, str] = {}
    situation = Situation("mxnet" in sys.modules, folder, mxnet_version(), at_load)
    rows = {name: _one(name, step, situation) for name, step in STEPS.items()}
    if not situation.loaded:
        LoadHook(at_load, _loaded).install()
    return rows


def _one(name: str, step: Callable[[Situation], Step], situation: Situation) -> Step:
    switch = f"{SWITCH}_{name.upper()}"
    if _is_off(switch):
        return Step(name, "off", reason=f"{switch}=0")
    try:
        return step(situation)
    except Exception as error:  # MXNet runs without any step: none may stop the import
        log.warning("runtime step %s failed: %s", name, error)
        return Step(name, "failed", reason=f"{type(error).__name__}: {error}")


def _is_off(switch: str) -> bool:
    return os.environ.get(switch, "1").strip().lower() in OFF


def _marked() -> dict[str, str]:
    """Variables of the environment that this package set, here or in a parent process."""
    pairs = (p.partition("=") for p in os.environ.get(MARK, "").split(",") if p)
    return {name: value for name, _, value in pairs if os.environ.get(name) == value}


def _export(step: str, situation: Situation, name: str, value: str, reason: str) -> Step:
    """Sets a variable that MXNet reads as it loads and that children may inherit."""
    marked, present = _marked(), os.environ.get(name)
    if present is not None and name not in marked:
        return Step(step, "skipped", f"{name}={present}", "set by the user")
    if situation.loaded:
        state, why = ("late", "mxnet was imported before") if present is None else ("applied", "")
        return Step(step, state, f"{name}={present or value}", why or "set by the parent process")
    os.environ[name] = marked[name] = value
    os.environ[MARK] = ",".join(f"{k}={v}" for k, v in marked.items())
    return Step(step, "applied", f"{name}={value}", reason)


def _threads(situation: Situation) -> Step:
    for name in ("OMP_NUM_THREADS", "MXNET_OMP_MAX_THREADS"):
        if name in os.environ and name not in _marked():
            return Step("threads", "skipped", f"{name}={os.environ[name]}", "set by the user")
    cores, why = usable_cores()
    # OpenMP reads its variable once: where another library brought it, MXNet's own still counts.
    name = "MXNET_OMP_MAX_THREADS" if _mapped("/libgomp.so") else "OMP_NUM_THREADS"
    return _export("threads", situation, name, str(cores), why)


def _mapped(name: str) -> bool:
    """Whether a shared library of that name is loaded (Linux; False elsewhere)."""
    try:
        return name in Path("/proc/self/maps").read_text(errors="replace")
    except OSError:
        return False


def _tuning(situation: Situation) -> Step:
    name, cpus, threads = "MXNET_USE_OPERATOR_TUNING", len(logical_cpus()), usable_cores()[0]
    if name not in os.environ and min(cpus, threads) >= TUNABLE:
        return Step("tuning", "skipped", "", f"on {cpus} CPUs MXNet's own timing works")
    # MXNet times threads on half of the CPUs. Where that is one, it takes them for no use at all.
    reason = f"on fewer than {TUNABLE} CPUs MXNet keeps tuned operators on one thread"
    return _export("tuning", situation, name, "0", reason)


def _numpy(situation: Situation) -> Step:
    names = numpy_aliases.provide_numpy_names()
    stand_in = numpy_aliases.provide_distutils()
    version = f"NumPy {numpy_aliases.np.__version__}"
    if not names and not stand_in:
        return Step("numpy", "skipped", version, "has all that MXNet uses")
    reason = f"gave back {len(names)} names ({', '.join(names[:3])}, ...)"
    reason += ", stood in for distutils.version" if stand_in else ""
    return Step("numpy", "applied", version, reason)


def _blas(situation: Situation) -> Step:
    vendor, flags = cpu_info()
    name = "OPENBLAS_CORETYPE"
    if name in os.environ:
        return Step("blas", "skipped", f"{name}={os.environ[name]}", "set by the user")
    if not (situation.folder / "libopenblas.so.0").is_file() or situation.version != "1.9.1":
        return Step("blas", "skipped", "", "this MXNet has no OpenBLAS 0.3.13 of its own")
    if not {"avx2", "fma"} <= flags:
        return Step("blas", "skipped", "", "the CPU has no AVX2")
    # The wheel's build has no AVX-512 kernels: SkylakeX is another name of Haswell in it.
    core = "Zen" if vendor == "AuthenticAMD" else "Haswell"
    if situation.loaded:
        return Step("blas", "late", f"{name}={core}", "mxnet was imported before")
    situation.at_load[name] = core
    reason = "OpenBLAS 0.3.13 takes CPUs newer than itself for Prescott; set while mxnet loads"
    return Step("blas", "applied", f"{name}={core}", reason)


def _malloc(situation: Situation) -> Step:
    if not _has_glibc():
        return Step("malloc", "skipped", "", "the C library is not glibc")
    for name in (*MALLOC_VARIABLES, "GLIBC_TUNABLES", "LD_PRELOAD"):
        value = os.environ.get(name, "")
        word = {"GLIBC_TUNABLES": "glibc.malloc.", "LD_PRELOAD": "malloc"}.get(name, "")
        if value and word in value:
            return Step("malloc", "skipped", f"{name}={value}", "set by the user")
    libc, most = ctypes.CDLL(None), MALLOC_SIZES[0]
    size = next((s for s in MALLOC_SIZES if libc.mallopt(M_MMAP_THRESHOLD, s)), None)
    # One arena: those of other threads are cut into 64 MB heaps, unmapped as soon as empty.
    if not (size and libc.mallopt(M_TRIM_THRESHOLD, most) and libc.mallopt(M_ARENA_MAX, 1)):
        return Step("malloc", "failed", "", "mallopt refused")
    value = f"mmap from {size >> 20} MB, trim {most >> 20} MB"
    return Step("malloc", "applied", value, "freed arrays are kept, not mapped anew each time")


def _amx(situation: Situation) -> Step:
    name = "DNNL_MAX_CPU_ISA"
    if platform.system() != "Linux" or platform.machine() != "x86_64":
        return Step("amx", "skipped", "", "not Linux on x86-64")
    if missing := AMX_FLAGS - cpu_info()[1]:
        return Step("amx", "skipped", "", f"the CPU has no {' '.join(sorted(missing))}")
    if situation.version != "1.9.1":
        return Step("amx", "skipped", "", "known for the oneDNN of MXNet 1.9.1 only")
    # Asked for even where the user chose the instruction set: oneDNN would die without leave.
    if code := _request_amx():
        return Step("amx", "skipped", "", f"the kernel gives no leave: {os.strerror(code)}")
    if name in os.environ:
        return Step("amx", "skipped", f"{name}={os.environ[name]}", "set by the user")
    if situation.loaded:
        return Step("amx", "late", f"{name}={AMX_ISA}", "mxnet was imported before")
    situation.at_load[name] = AMX_ISA
    return Step("amx", "applied", f"{name}={AMX_ISA}", "set while mxnet loads")


def _request_amx() -> int:
    """Asks the kernel for the AMX tile registers; returns 0 or the error number."""
    libc = ctypes.CDLL(None, use_errno=True)
    number, feature = ctypes.c_long(ARCH_REQ_XCOMP_PERM), ctypes.c_long(XFEATURE_XTILEDATA)
    if libc.syscall(ctypes.c_long(SYS_ARCH_PRCTL), number, feature) == 0:
        return 0
    return ctypes.get_errno() or errno.EPERM


def _loaded(mxnet: Any) -> None:
    """Right after MXNet's load: what can be done or seen only then."""
    for name, finish in AFTER.items():
        if _steps[name].state != "applied" and (name, _steps[name].state) != ("numpy", "skipped"):
            continue  # NumPy may have all names, and MXNet need repair still
        try:
            finish(mxnet)
        except Exception as error:  # as in `_one`
            log.warning("runtime step %s failed after the import: %s", name, error)
            _steps[name] = Step(name, "failed", reason=f"{type(error).__name__}: {error}")
        log.debug("%s", _steps[name])


def _use_amx(mxnet: Any) -> None:
    # oneDNN reads its variable at its first use. Left in the environment, it would kill child
    # processes, which do not inherit the kernel's leave: so it is used now, then withdrawn.
    one = mxnet.nd.ones((1, 1))
    mxnet.nd.FullyConnected(one, one, num_hidden=1, no_bias=True).wait_to_read()


def _see_blas(mxnet: Any) -> None:
    library = ctypes.CDLL(str(Path(mxnet.__path__[0]) / "libopenblas.so.0"))
    library.openblas_get_corename.restype = ctypes.c_char_p
    core = library.openblas_get_corename().decode()
    _steps["blas"] = replace(_steps["blas"], value=f"kernels for {core}")


STEPS: dict[str, Callable[[Situation], Step]] = {
    "threads": _threads,
    "tuning": _tuning,
    "numpy": _numpy,
    "blas": _blas,
    "malloc": _malloc,
    "amx": _amx,
}
AFTER: dict[str, Callable[[Any], None]] = {
    "numpy": numpy_aliases.repair,
    "blas": _see_blas,
    "amx": _use_amx,
}

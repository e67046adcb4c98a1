"""Each step's effect, that it can be turned off, and that what the user set stays.

What a step does to MXNet shows only in a fresh process: child processes import MXNet with all
steps, or with none but ``numpy``, and tell what they see. Where only the decision matters, a
stand-in package named ``mxnet`` keeps the child fast.
"""

from __future__ import annotations

import json
import logging
import os
import platform
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from toolkit.utils import cpu, mxnet_import, runtime
from toolkit.utils.numpy_aliases import __file__ as ALIASES

SOURCE = Path(runtime.__file__).parents[2]
STEPS = ("threads", "tuning", "numpy", "blas", "malloc", "amx")
ALL_OFF_BUT_NUMPY = {f"TOOLKIT_RUNTIME_{s.upper()}": "0" for s in STEPS if s != "numpy"}
needs_mxnet = pytest.mark.skipif(mxnet_import.mxnet_folder() is None, reason="no MXNet here")
CORES = cpu.usable_cores()[0]
HAS_AVX2 = "avx2" in cpu.cpu_info()[1]

SIGHTS = Path(__file__).with_name("runtime_sights.py")
HELD = """
import json
from pathlib import Path
import toolkit
from toolkit.utils import runtime
import mxnet as mx
def megabytes():
    mx.nd.waitall()
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096 >> 20
found = {"start": megabytes()}
ring = [mx.nd.ones((10, 1 << 20)) for _ in range(8)]
ring.append(ring)  # garbage in a circle
found["used"] = megabytes()
del ring
found["dropped"] = megabytes()
runtime.release_memory()
found["released"] = megabytes()
print(json.dumps(found))
"""
DECIDE = """
import json, os
import toolkit
from toolkit.utils import runtime
print(json.dumps({"report": runtime.report().to_dict(), "environment": dict(os.environ)}))
"""
MAPPED = """
import ctypes, json, threading
import toolkit
names = "arena ordblks smblks hblks hblkhd usmblks fsmblks uordblks fordblks keepcost".split()
class Info(ctypes.Structure):
    _fields_ = [(n, ctypes.c_size_t) for n in names]
libc = ctypes.CDLL(None)
libc.mallinfo2.restype, libc.malloc.restype = Info, ctypes.c_void_p
libc.free.argtypes = [ctypes.c_void_p]
size = ctypes.c_size_t(12 << 20)
before = libc.mallinfo2().hblks
block = libc.malloc(size)
mapped = libc.mallinfo2().hblks - before
libc.free(block)
kept = libc.mallinfo2().fordblks >= size.value
blocks = []
thread = threading.Thread(target=lambda: blocks.append(libc.malloc(size)))
thread.start(); thread.join()
heap = next(row.split()[0] for row in open("/proc/self/maps") if row.endswith("[heap]\\n"))
low, high = (int(end, 16) for end in heap.split("-"))  # the main arena's
shared = low <= blocks[0] < high
print(json.dumps([mapped, kept, shared]))
"""


def child(
    code: str | Path, *arguments: str, before: tuple[Path, ...] = (), **variables: str
) -> Any:
    """What the code prints as its last line, as JSON, beside ``stdout`` and ``stderr``."""
    program = [str(code)] if isinstance(code, Path) else ["-c", code]
    marked = {p.partition("=")[0] for p in os.environ.get(runtime.MARK, "").split(",")}
    dropped = ("OMP_", "MXNET_", "DNNL_", "MALLOC_", "GLIBC_", "TOOLKIT_RUNTIME")
    kept = {k: v for k, v in os.environ.items() if k not in marked and not k.startswith(dropped)}
    kept["PYTHONPATH"] = os.pathsep.join(map(str, (*before, SOURCE)))
    done = subprocess.run(
        [sys.executable, "-W", "error", *program, *arguments],
        **{"env": kept | variables, "capture_output": True, "text": True, "check": False},
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1]), done.stdout, done.stderr


@pytest.fixture
def stand_in(tmp_path: Path) -> Path:
    """A folder to import an ``mxnet`` from that has an OpenBLAS and nothing else."""
    package = tmp_path / "with_mxnet" / "mxnet"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "libopenblas.so.0").touch()  # enough to decide by, not to load
    (package / "libinfo.py").write_text('__version__ = "1.9.1"\n')
    return package.parent


def sights(folder: Path, name: str, **variables: str) -> dict[str, Any]:
    arrays = folder / f"{name}.npz"
    seen, out, _ = child(SIGHTS, str(arrays), DNNL_VERBOSE="1", **variables)
    with np.load(arrays) as data:
        seen["arrays"] = [data[k] for k in data.files]
    return {**seen, "out": out}


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """A child with all steps."""
    return sights(tmp_path_factory.mktemp("prepared"), "prepared")


@pytest.fixture(scope="module")
def stock(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """A child with none but the NumPy names, without which nothing imports."""
    return sights(tmp_path_factory.mktemp("stock"), "stock", **ALL_OFF_BUT_NUMPY)


@needs_mxnet
def test_every_step_has_a_row_and_prepares_once(
    prepared: dict[str, Any], stock: dict[str, Any]
) -> None:
    assert tuple(prepared["report"]) == tuple(stock["report"]) == STEPS
    assert prepared["again"]
    states = {row["state"] for row in prepared["report"].values()}
    assert "applied" in states
    assert states <= {"applied", "skipped"}
    assert all(row["reason"] for row in prepared["report"].values())
    off = {name for name, row in stock["report"].items() if row["state"] == "off"}
    assert off == {*STEPS} - {"numpy"}
    assert stock["report"]["amx"]["reason"] == "TOOLKIT_RUNTIME_AMX=0"


@needs_mxnet
def test_fp32_results_equal_stock(prepared: dict[str, Any], stock: dict[str, Any]) -> None:
    assert len(prepared["arrays"]) == len(stock["arrays"]) == 10
    for ours, theirs in zip(prepared["arrays"], stock["arrays"], strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-5 * np.abs(theirs).max())


@needs_mxnet
def test_threads_use_all_physical_cores(prepared: dict[str, Any], stock: dict[str, Any]) -> None:
    assert prepared["declared"]["OMP_NUM_THREADS"] == str(CORES)
    assert "OMP_NUM_THREADS" not in stock["declared"]
    if CORES == 1:
        pytest.skip("one core only")
    assert prepared["threads"] >= 2
    if len(cpu.logical_cpus()) < 4:
        assert stock["threads"] == 1  # MXNet alone takes every second CPU for a hyperthread


@needs_mxnet
@pytest.mark.skipif(not 2 <= CORES < 4, reason="MXNet's tuning works from 4 CPUs on")
def test_tuning_keeps_no_operator_on_one_thread(prepared: dict[str, Any], tmp_path: Path) -> None:
    tuned = sights(tmp_path, "tuned", TOOLKIT_RUNTIME_TUNING="0")
    assert tuned["tuned_threads"] == 1
    assert "MXNET_USE_OPERATOR_TUNING" not in tuned["declared"]
    assert prepared["declared"]["MXNET_USE_OPERATOR_TUNING"] == "0"
    assert prepared["tuned_threads"] == CORES


@needs_mxnet
@pytest.mark.skipif(not HAS_AVX2, reason="a CPU without AVX2")
@pytest.mark.skipif("OPENBLAS_CORETYPE" in os.environ, reason="OPENBLAS_CORETYPE is set")
def test_blas_takes_the_kernels_of_the_cpu(prepared: dict[str, Any], stock: dict[str, Any]) -> None:
    assert prepared["core"] in ("Haswell", "Zen")
    assert prepared["report"]["blas"]["value"] == f"kernels for {prepared['core']}"
    assert "OPENBLAS_CORETYPE" not in prepared["environment"]
    assert prepared["numpy_core"] == stock["numpy_core"]  # NumPy's own, newer one is as it was


@needs_mxnet
@pytest.mark.skipif(platform.machine() != "x86_64", reason="AMX is x86-64's")
def test_amx_has_the_kernels_leave_and_is_used(
    prepared: dict[str, Any], stock: dict[str, Any]
) -> None:
    tiles = 1 << 18
    assert not stock["permission"] & tiles
    assert "isa:" in stock["out"]
    assert "Intel AMX" not in stock["out"]
    assert stock["int8"] == prepared["int8"]  # whole numbers: exact
    if prepared["report"]["amx"]["state"] == "skipped":
        pytest.skip(prepared["report"]["amx"]["reason"])
    assert prepared["permission"] & tiles
    assert "Intel AMX" in prepared["out"]
    assert "DNNL_MAX_CPU_ISA" not in prepared["environment"]  # would kill children that use it


@needs_mxnet
@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="no glibc")
def test_memory_that_is_not_in_use_is_given_back() -> None:
    held = json.loads(subprocess.check_output([sys.executable, "-c", HELD], text=True))
    assert held["used"] > held["start"] + 200
    assert held["dropped"] > held["start"] + 200  # kept for what comes next
    assert held["released"] < held["start"] + 100


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="mallopt is glibc's")
@pytest.mark.parametrize(("switch", "expected"), [("1", [0, True, True]), ("0", [1, False, False])])
def test_malloc_keeps_large_blocks_in_one_arena(
    stand_in: Path, switch: str, expected: list[Any]
) -> None:
    seen, *_ = child(MAPPED, before=(stand_in,), TOOLKIT_RUNTIME_MALLOC=switch)
    assert seen == expected


@needs_mxnet
def test_numpy_names_make_the_import_work() -> None:
    code = """
import json, toolkit
from toolkit.utils import runtime
try:
    import mxnet
    error = ""
except (AttributeError, ModuleNotFoundError) as problem:
    error = str(problem)
import numpy
print(json.dumps([runtime.report().to_dict()["numpy"]["state"], error, "PZERO" in vars(numpy)]))
"""
    state, error, named = child(code, TOOLKIT_RUNTIME_NUMPY="0")[0]
    assert state == "off"
    if np.lib.NumpyVersion(np.__version__) >= "1.24.0":
        assert error  # MXNet alone does not import on this NumPy
    assert named == (np.lib.NumpyVersion(np.__version__) < "2.0.0")


USER = {
    "threads": {"OMP_NUM_THREADS": "7"},
    "tuning": {"MXNET_USE_OPERATOR_TUNING": "1"},
    "malloc": {"MALLOC_MMAP_THRESHOLD_": "100000"},
    "amx": {"DNNL_MAX_CPU_ISA": "AVX2"},
}


def test_what_the_user_set_stays(stand_in: Path) -> None:
    if "OPENBLAS_CORETYPE" not in os.environ:
        USER["blas"] = {"OPENBLAS_CORETYPE": "Sandybridge"}
    values = {k: v for pair in USER.values() for k, v in pair.items()}
    seen, *_ = child(DECIDE, before=(stand_in,), **values)
    for step, pair in USER.items():
        row = seen["report"][step]
        assert row["state"] == "skipped", row
        ((name, value),) = pair.items()
        assert seen["environment"][name] == value
        if "the CPU has no" not in row["reason"] and "kernel" not in row["reason"]:
            assert (row["value"], row["reason"]) == (f"{name}={value}", "set by the user")
    assert runtime.MARK not in seen["environment"]


@pytest.mark.parametrize(
    ("step", "name", "value"),
    [
        ("threads", "MXNET_OMP_MAX_THREADS", "3"),
        ("malloc", "GLIBC_TUNABLES", "glibc.malloc.trim_threshold=65536"),
        ("malloc", "MALLOC_ARENA_MAX", "2"),
    ],
)
def test_other_ways_to_say_the_same_count_too(
    stand_in: Path, step: str, name: str, value: str
) -> None:
    if step == "malloc" and platform.libc_ver()[0] != "glibc":
        pytest.skip("mallopt is glibc's")
    row = child(DECIDE, before=(stand_in,), **{name: value})[0]["report"][step]
    assert (row["state"], row["value"]) == ("skipped", f"{name}={value}")


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("word", ["0", "off"])
def test_each_step_can_be_turned_off(stand_in: Path, step: str, word: str) -> None:
    switch = f"TOOLKIT_RUNTIME_{step.upper()}"
    seen, *_ = child(DECIDE, before=(stand_in,), **{switch: word})
    states = {name: row["state"] for name, row in seen["report"].items()}
    assert states.pop(step) == "off"
    assert "off" not in states.values()
    variable = {"threads": "OMP_NUM_THREADS", "tuning": "MXNET_USE_OPERATOR_TUNING"}.get(step)
    assert variable not in seen["environment"]


def test_all_steps_can_be_turned_off_at_once(stand_in: Path) -> None:
    seen, *_ = child(DECIDE, before=(stand_in,), TOOLKIT_RUNTIME="0")
    assert {row["state"] for row in seen["report"].values()} == {"off"}
    assert {"OMP_NUM_THREADS", "MXNET_USE_OPERATOR_TUNING"}.isdisjoint(seen["environment"])


@pytest.mark.parametrize(
    ("value", "mark", "expected"),
    [("99", "OMP_NUM_THREADS=99", "applied"), ("98", "OMP_NUM_THREADS=99", "skipped")],
)
def test_a_parents_values_are_not_the_users(
    stand_in: Path, value: str, mark: str, expected: str
) -> None:
    variables = {"OMP_NUM_THREADS": value, runtime.MARK: mark}
    seen, *_ = child(DECIDE, before=(stand_in,), **variables)
    assert seen["report"]["threads"]["state"] == expected
    assert seen["environment"]["OMP_NUM_THREADS"] == (str(CORES) if expected == "applied" else "98")


@pytest.mark.skipif(platform.system() != "Linux", reason="libraries are listed in /proc on Linux")
def test_threads_where_openmp_is_loaded_already(stand_in: Path) -> None:
    try:
        seen, *_ = child(
            f"import ctypes; ctypes.CDLL('libgomp.so.1')\n{DECIDE}", before=(stand_in,)
        )
    except AssertionError:
        pytest.skip("no libgomp on the system")
    assert seen["environment"]["MXNET_OMP_MAX_THREADS"] == str(CORES)
    assert "OMP_NUM_THREADS" not in seen["environment"]


@needs_mxnet
def test_mxnet_imported_before_is_told_once_and_works() -> None:
    code = f"""
import importlib.util, json, sys, warnings
spec = importlib.util.spec_from_file_location("aliases", {ALIASES!r})
aliases = importlib.util.module_from_spec(spec)
spec.loader.exec_module(aliases)
aliases.provide_numpy_names()
aliases.provide_distutils()
warnings.simplefilter("ignore")
import mxnet
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    import toolkit
    from toolkit.utils import runtime
    runtime.prepare()
print(json.dumps([[[w.category.__name__, str(w.message)] for w in caught],
    runtime.report().to_dict(), float(mxnet.nd.ones((2, 2)).sum().asscalar())]))
"""
    caught, report, total = child(code)[0]
    late = {name for name, row in report.items() if row["state"] == "late"}
    assert "threads" in late
    assert "malloc" not in late
    assert [category for category, _ in caught] == ["RuntimeWarning"]
    assert all(name in caught[0][1] for name in late)
    assert total == 4.0


def test_a_step_that_fails_is_reported_and_stops_nothing(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(situation: runtime.Situation) -> runtime.Step:
        raise OSError("no such thing")

    monkeypatch.setattr(runtime, "STEPS", {"blas": broken})
    monkeypatch.setattr(runtime, "AFTER", {})
    monkeypatch.setattr(runtime, "_steps", {})
    monkeypatch.setattr(mxnet_import.LoadHook, "install", lambda self: None)
    monkeypatch.setattr(runtime, "mxnet_folder", lambda: Path("somewhere"))
    with caplog.at_level(logging.DEBUG, logger=runtime.__name__):
        (row,) = runtime.prepare()
    assert (row.state, row.reason) == ("failed", "OSError: no such thing")
    assert any(record.levelno == logging.WARNING for record in caplog.records)
    assert str(row) in caplog.text


def test_a_report_reads_as_a_table_and_as_a_mapping() -> None:
    rows = runtime.Report([runtime.Step("amx", "skipped", "", "no"), runtime.Step("blas", "off")])
    assert str(rows).splitlines() == [str(rows[0]), str(rows[1])]
    assert str(rows[0]).split() == ["amx", "skipped", "no"]
    expected = {"step": "blas", "state": "off", "value": "", "reason": ""}
    assert rows.to_dict()["blas"] == rows[1].to_dict() == expected
    assert json.loads(json.dumps(rows.to_dict())) == rows.to_dict()


def test_the_import_is_quick(stand_in: Path) -> None:
    code = """
import json, time
import numpy
start = time.process_time()
import toolkit
print(json.dumps(time.process_time() - start))
"""
    assert min(child(code, before=(stand_in,))[0] for _ in range(2)) < 0.3

"""Installs MXNet beside NumPy 2, which pip alone will not do: the logic of ``toolkit setup``.

MXNet 1.9.1 declares ``numpy<2``, yet runs on NumPy 2 once ``toolkit.utils.runtime`` has put back
the names that it misses. Its metadata has to be passed over with ``--no-deps``: always on Python
3.13, for which no NumPy 1 exists, and on older Pythons for whoever wants NumPy 2.
"""

from __future__ import annotations

import importlib.metadata
import json
import platform
import shlex
import subprocess
import sys
from collections.abc import Callable, Sequence

MXNET = "mxnet==1.9.1"
CUDA_BUILDS = ("mxnet-cu117", "mxnet-cu112")
WHEELS = {
    ("linux", "x86_64"): "Linux x86-64 (glibc)",
    ("linux", "aarch64"): "Linux aarch64 (glibc)",
    ("darwin", "x86_64"): "macOS x86-64",
}
FIRST_WITHOUT_NUMPY1 = (3, 13)

_CHECK = """
import json, platform
import toolkit
import mxnet, numpy, cv2
assert (mxnet.nd.ones((2, 3)) * 2).sum().asscalar() == 12
print(json.dumps({"python": platform.python_version(), "toolkit": toolkit.__version__,
                  "mxnet": mxnet.__version__, "numpy": numpy.__version__, "cv2": cv2.__version__}))
"""


class SetupError(RuntimeError):
    """MXNet could not be installed, or does not run once it is."""


def missing_wheel(system: str, machine: str, libc: str = "glibc") -> str | None:
    """Why MXNet has no wheel for a platform, or None where it has one.

    ``system`` is as in ``sys.platform``, ``machine`` as in ``platform.machine()``, ``libc`` as in
    ``platform.libc_ver()``; the last matters on Linux only.
    """
    if (system, machine) in WHEELS and (system != "linux" or libc == "glibc"):
        return None
    here = f"{system} {machine}" + (f" with {libc or 'musl'}" if system == "linux" else "")
    return (
        f"{MXNET} has no wheel for {here}; there are wheels for {', '.join(WHEELS.values())}. "
        "Without MXNet, toolkit.deploy.load still runs models exported to ONNX "
        "(pip install 'gluon-toolkit[onnx]')."
    )


def pip_arguments(
    python: tuple[int, int], *, numpy2: bool = False, cuda_build: bool = False
) -> list[str]:
    """What comes after ``pip install``.

    Args:
        python: major and minor version of the interpreter.
        numpy2: ask for NumPy 2 where NumPy 1 would do; on Python 3.13 there is no choice.
        cuda_build: a CUDA build of MXNet is installed already and stays.
    """
    mxnet = [] if cuda_build else [MXNET]
    if not numpy2 and python < FIRST_WITHOUT_NUMPY1:
        return [*mxnet, "numpy>=1.23,<2", "opencv-python-headless>=4.7"]
    # OpenCV 4.11 is the first that is built for NumPy 1 and 2 alike.
    packages = [*mxnet, "numpy>=2", "opencv-python-headless>=4.11", "graphviz>=0.8.1,<0.9"]
    if python >= (3, 12):
        packages.append("setuptools>=65")
    return ["--no-deps", *packages]


def is_installed(distribution: str) -> bool:
    """Whether the environment has a distribution, by the name that pip knows it by."""
    try:
        importlib.metadata.distribution(distribution)
    except importlib.metadata.PackageNotFoundError:
        return False
    return True


def has_cuda_build() -> bool:
    """Whether one of MXNet's CUDA builds is installed (they fill the same folder as ``mxnet``)."""
    return any(is_installed(build) for build in CUDA_BUILDS)


def _run_pip(arguments: Sequence[str]) -> None:
    if not is_installed("pip"):
        raise SetupError(
            f"{sys.executable} has no pip. Run `{sys.executable} -m ensurepip`, or install with "
            f"the tool that made this environment, for example: "
            f"uv pip install {shlex.join(arguments)}"
        )
    status = subprocess.run([sys.executable, "-m", "pip", "install", *arguments]).returncode
    if status:
        raise SetupError(f"pip ended with status {status}; what it printed above says why")


def check() -> dict[str, str]:
    """Imports MXNet in a child process, computes something, and returns the versions found there.

    Raises:
        SetupError: the child failed; the message ends with what it said.
    """
    child = subprocess.run([sys.executable, "-c", _CHECK], capture_output=True, text=True)
    if child.returncode:
        said = "\n".join(child.stderr.strip().splitlines()[-12:])
        how = f"with status {child.returncode}" if child.returncode > 0 else "by a signal"
        raise SetupError(f"MXNet is installed but does not run; the check ended {how}:\n{said}")
    versions: dict[str, str] = json.loads(child.stdout.strip().splitlines()[-1])
    return versions


def setup(say: Callable[[str], None], *, numpy2: bool = False, dry_run: bool = False) -> None:
    """Installs MXNet and what it needs into the running interpreter's environment, and tries it.

    Args:
        say: takes each line of progress.
        numpy2: install NumPy 2 on a Python that has NumPy 1 as well.
        dry_run: only say what would be run.

    Raises:
        SetupError: no wheel for this platform, no pip, pip failed, or MXNet does not run after it.
    """
    reason = missing_wheel(sys.platform, platform.machine(), platform.libc_ver()[0])
    if reason:
        raise SetupError(reason)
    arguments = pip_arguments(sys.version_info[:2], numpy2=numpy2, cuda_build=has_cuda_build())
    command = shlex.join([sys.executable, "-m", "pip", "install", *arguments])
    if dry_run:
        say(f"would run: {command}")
        return
    say(f"running: {command}")
    _run_pip(arguments)
    versions = check()
    say("MXNet runs: " + ", ".join(f"{name} {version}" for name, version in versions.items()))
